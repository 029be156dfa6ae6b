//! Rolling restart of two instances: every command takes effect once, and subscribers reconnect soon.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;

use super::program::{Program, folder};
use crate::support::{Actor, Socket, in_time};

const LISTENERS: usize = 20;
const WRITERS: usize = 6;
/// Maximum time that a subscriber is disconnected.
const AWAY: Duration = Duration::from_secs(15);
/// Time during which a stopping instance still serves but is not ready.
const LEAVES: &[(&str, &str)] = &[("GOODGO_LEAVE_SECONDS", "1")];
const FOLLOW: &str = "subscription { minerUpdated { __typename } }";

/// A load balancer's list of instances. It is updated before an instance is stopped only if that
/// instance is not ready, which is read before each request.
#[derive(Clone, Default)]
struct Balancer {
    instances: Arc<Mutex<Vec<SocketAddr>>>,
    turn: Arc<AtomicUsize>,
    client: reqwest::Client,
}

impl Balancer {
    fn set(&self, instances: &[&Program]) {
        *self.instances.lock().unwrap() = instances.iter().map(|one| one.address).collect();
    }

    fn next(&self) -> SocketAddr {
        let instances = self.instances.lock().unwrap();
        instances[self.turn.fetch_add(1, Ordering::Relaxed) % instances.len()]
    }

    /// Next instance that is ready.
    async fn ready(&self) -> SocketAddr {
        let ready = async {
            loop {
                let at = self.next();
                let response = self.client.get(format!("http://{at}/health/ready"));
                let response = response.send().await;
                if response.is_ok_and(|response| response.status() == 200) {
                    return at;
                }
            }
        };
        in_time("a ready instance", ready).await
    }
}

/// Registers new people and starts their sessions until stopped; returns their number.
///
/// A request without an answer is retried with the same key.
async fn write(
    balancer: Balancer,
    keeper: Arc<Program>,
    is_enough: watch::Receiver<bool>,
) -> usize {
    let mut done = 0;
    while !*is_enough.borrow() {
        let person = keeper.newcomer();
        for field in ["minerRegister", "miningSessionStart"] {
            let run = person.run(field, json!({"idempotencyKey": field}));
            // Every attempt uses the next instance; a long outage fails the test.
            let applied = async {
                loop {
                    let run = run.clone().by(&person.at(balancer.next()));
                    let Some(outcome) = run.attempt().await else {
                        continue;
                    };
                    match outcome.answer.code() {
                        "" => return outcome.ok(),
                        // The instance stops, or the same command still runs on the other one.
                        "UNAVAILABLE" | "CONFLICT" => {}
                        other => panic!("{other}: {}", outcome.answer.body),
                    }
                }
            };
            in_time("the command", applied).await;
        }
        done += 1;
    }
    done
}

/// Subscribes until stopped and reconnects after each disconnect; returns the number of disconnects and the longest one.
async fn listen(
    balancer: Balancer,
    person: Actor,
    mut is_enough: watch::Receiver<bool>,
) -> (usize, Duration, Option<Socket>) {
    let (mut returns, mut longest) = (0, Duration::ZERO);
    let mut left_at: Option<Instant> = None;
    loop {
        let at = balancer.ready().await;
        let Some(mut socket) = Socket::try_open(at, person.token()).await else {
            continue;
        };
        socket.try_subscribe("1", FOLLOW).await;
        if let Some(left_at) = left_at {
            longest = longest.max(left_at.elapsed());
            returns += 1;
        }
        let enough = async { drop(is_enough.wait_for(|is_enough| *is_enough).await) };
        match socket.close_code_unless(enough).await {
            Some(code) => assert_eq!(code, 1012, "the server says that it restarts"),
            None => return (returns, longest, Some(socket)),
        }
        left_at = Some(Instant::now());
    }
}

/// Number of miners.
async fn miners(support: &Actor) -> u64 {
    let query = "{ miners(first: 1) { totalCount } }";
    let data = support.get(query, json!({})).await;
    data["miners"]["totalCount"].as_u64().unwrap()
}

#[test]
fn loses_no_command_in_a_rolling_restart() {
    let folder = folder();
    // The first one keeps the database; it is none of the two.
    let keeper = Arc::new(Program::start(folder.path()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut first, mut second) = (keeper.another_with(LEAVES).await, keeper.another_with(LEAVES).await);
        let balancer = Balancer::default();
        balancer.set(&[&first, &second]);
        let (enough, is_enough) = watch::channel(false);
        let support = keeper.demo("support");
        let count_before = miners(&support).await;
        let mut listening = Vec::new();
        let mut listeners = Vec::new();
        for _ in 0..LISTENERS {
            let person = keeper.newcomer();
            person.register().await.ok();
            listeners.push(person.clone());
            listening.push(tokio::spawn(listen(balancer.clone(), person, is_enough.clone())));
        }
        let writing: Vec<_> = (0..WRITERS)
            .map(|_| tokio::spawn(write(balancer.clone(), Arc::clone(&keeper), is_enough.clone())))
            .collect();
        first.until_followed().await;
        second.until_followed().await;
        // The balancer adds a new instance when it listens and removes an old one that is not ready.
        let started = keeper.another_with(LEAVES).await;
        balancer.set(&[&first, &second, &started]);
        tokio::task::block_in_place(|| first.stop());
        first = started;
        balancer.set(&[&first, &second]);
        let started = keeper.another_with(LEAVES).await;
        balancer.set(&[&first, &second, &started]);
        tokio::task::block_in_place(|| second.stop());
        second = started;
        balancer.set(&[&first, &second]);
        // All subscribers have reconnected.
        let following = async || {
            let followers = "goodgo_event_followers";
            first.metric(followers).await + second.metric(followers).await
        };
        let all = u32::try_from(LISTENERS).map(f64::from).unwrap();
        let everybody = async { while following().await < all {} };
        in_time("everybody to follow again", everybody).await;
        enough.send_replace(true);
        let mut written = 0;
        for writer in writing {
            written += writer.await.unwrap();
        }
        let (mut returns, mut sockets) = (0, Vec::new());
        for listener in listening {
            let (times, longest, socket) = listener.await.unwrap();
            assert!(longest < AWAY, "somebody was away for {longest:?}");
            returns += times;
            sockets.extend(socket);
        }
        assert!(returns >= LISTENERS, "each had to come back: {returns}");
        // Every answered command took effect once, and no other did.
        let after = miners(&support).await;
        let again = keeper.beside(&["verify"]);
        assert!(again.starts_with("the ledger is right"), "{again}");
        assert_eq!(after - count_before, u64::try_from(written + LISTENERS).unwrap());
        // Reconnected subscribers receive new events.
        for (person, socket) in listeners.iter().zip(&mut sockets) {
            person.start().await.ok();
            assert_eq!(socket.event("1").await["minerUpdated"]["__typename"], "MiningSessionStarted");
        }
        drop(sockets);
        println!("{written} people registered and {returns} sockets came back while two instances were replaced");
        first.stop();
        second.stop();
    });
    Arc::into_inner(keeper).expect("the only one").stop();
}
