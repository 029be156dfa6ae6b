//! Clients that hang up: what they wanted done is done, and nothing is left half done.

use std::time::Duration;

use serde_json::json;
use tokio_postgres::{Client, NoTls};

use crate::support::{TestApp, test};

const REGISTER: &str = "mutation { minerRegister(input: {}) { userErrors { code } } }";

/// A lock that nobody gets past.
struct Lock(Client);

impl Lock {
    async fn on(app: &TestApp, table: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(&app.database_url, NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        client.batch_execute(&lock).await.unwrap();
        Self(client)
    }

    async fn release(self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

/// Waits until SQL answers a number.
async fn until(app: &TestApp, sql: &str, number: i64) {
    let reached = async { while app.number(sql).await != number {} };
    tokio::time::timeout(Duration::from_secs(8), reached)
        .await
        .unwrap_or_else(|_| panic!("{number} of {sql} in time"));
}

/// How many wait for the lock.
const WAITING: &str = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database() AND NOT l.granted";
const MINERS: &str = "SELECT count(*) FROM miners";

#[test]
fn a_mutation_is_done_although_its_client_is_gone() {
    test(async |app| {
        let alice = app.user();
        let lock = Lock::on(app, "miners").await;
        let request = tokio::spawn({
            let alice = alice.clone();
            async move { alice.ask(REGISTER, json!({})).await }
        });
        until(app, WAITING, 1).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        lock.release().await;
        until(app, MINERS, 1).await;
    });
}

#[test]
fn a_mutation_is_done_although_its_socket_is_gone() {
    test(async |app| {
        let mut socket = app.user().socket().await;
        let lock = Lock::on(app, "miners").await;
        socket.subscribe("1", REGISTER).await;
        until(app, WAITING, 1).await;
        drop(socket);
        lock.release().await;
        until(app, MINERS, 1).await;
    });
}
