//! Connections that are lost around COMMIT.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use chrono::TimeDelta;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::config::Host;

use crate::support::{TestApp, test};

/// The next COMMIT passes.
const PASSES: u8 = 0;
/// The next COMMIT arrives, its response does not.
const ANSWER_IS_LOST: u8 = 1;
/// The next COMMIT does not arrive.
const COMMIT_IS_LOST: u8 = 2;

/// A proxy between a server and its database that cuts a connection at COMMIT.
struct Proxy {
    address: SocketAddr,
    next: Arc<AtomicU8>,
}

impl Proxy {
    async fn before(database_url: &str) -> Self {
        let config: tokio_postgres::Config = database_url.parse().unwrap();
        let Host::Unix(folder) = &config.get_hosts()[0] else {
            panic!("the tests' cluster listens on a Unix socket");
        };
        let socket = folder.join(format!(".s.PGSQL.{}", config.get_ports()[0]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let next = Arc::new(AtomicU8::new(PASSES));
        let armed = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let database = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(carry(client, database, Arc::clone(&armed)));
            }
        });
        Self { address, next }
    }

    /// The database's URL through the proxy.
    fn url(&self, database_url: &str) -> String {
        let (_, name) = database_url.rsplit_once('/').unwrap();
        format!("postgres://goodgo@{}/{name}", self.address)
    }

    fn arm(&self, what: u8) {
        self.next.store(what, Ordering::SeqCst);
    }

    fn has_struck(&self) -> bool {
        self.next.load(Ordering::SeqCst) == PASSES
    }
}

/// Copies bytes both ways until one side ends, or until the cut.
async fn carry(client: TcpStream, database: UnixStream, armed: Arc<AtomicU8>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_database, mut to_database) = database.into_split();
    let answers =
        tokio::spawn(async move { tokio::io::copy(&mut from_database, &mut to_client).await });
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
        let is_commit = bytes[..count].windows(6).any(|word| word == b"COMMIT");
        match if is_commit {
            armed.swap(PASSES, Ordering::SeqCst)
        } else {
            PASSES
        } {
            PASSES => to_database.write_all(&bytes[..count]).await.unwrap(),
            ANSWER_IS_LOST => {
                answers.abort();
                to_database.write_all(&bytes[..count]).await.unwrap();
                return;
            }
            _ => break,
        }
    }
    answers.abort();
}

/// A second instance of the test's server, whose connections go through a proxy.
async fn through_proxy(app: &TestApp) -> (TestApp, Proxy) {
    let proxy = Proxy::before(&app.database_url).await;
    let instance = app.another_at(proxy.url(&app.database_url)).await;
    (instance, proxy)
}

#[test]
fn returns_the_result_of_a_command_with_a_key() {
    test(async |app| {
        let (instance, proxy) = through_proxy(app).await;
        let alice = app.miner().await;
        let there = alice.at(instance.address());
        for (day, what) in [ANSWER_IS_LOST, COMMIT_IS_LOST].into_iter().enumerate() {
            alice.start().await.ok();
            app.advance(TimeDelta::hours(24)).await;
            // The connections are open: the next COMMIT is that of the claim.
            there.points().await;
            proxy.arm(what);
            let paid = there.claim().await.ok();
            assert!(proxy.has_struck());
            assert_eq!(paid["pointsEarned"], "6.0000");
            assert_eq!(paid["miner"]["streak"]["streakDays"], json!(day + 1));
        }
        assert_eq!(alice.points().await, "12.0000");
        assert_eq!(app.count("transfers", "true").await, 2);
        instance.stop().await;
    });
}

#[test]
fn returns_outcome_unknown_without_a_key() {
    test(async |app| {
        let (instance, proxy) = through_proxy(app).await;
        let alice = app.user();
        let there = alice.at(instance.address());
        there.points().await;
        proxy.arm(ANSWER_IS_LOST);
        let outcome = there.register().without_key().await;
        assert!(proxy.has_struck());
        outcome.error_with_reason("UNAVAILABLE", "OUTCOME_UNKNOWN");
        // The retry returns the miner that was registered.
        there.register().await.ok();
        assert_eq!(app.count("miners", "true").await, 1);
        instance.stop().await;
    });
}
