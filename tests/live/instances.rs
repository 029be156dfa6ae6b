//! Live updates of several instances over one database.

use chrono::TimeDelta;
use domain::ids::UserId;
use resolvers::live::{MinerTopic, WalletTopic};
use serde_json::json;

use crate::support::lock::{Lock, until_waiting};
use crate::support::{Actor, Miner, Socket, TestApp, at_once, in_time, number, test};

const FOLLOW: &str = "subscription { minerUpdated { __typename sequence } }";
/// Closes the connections that receive events, of all instances.
const DEAFEN: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'goodgo events'";

async fn follow(app: &TestApp, actor: &Actor) -> Socket {
    let mut socket = actor.at(app.address()).socket().await;
    let before = app.events.subscribers::<MinerTopic>().count();
    socket.subscribe("1", FOLLOW).await;
    app.until(|| app.events.subscribers::<MinerTopic>().count() > before)
        .await;
    socket
}

async fn sequence(socket: &mut Socket) -> i64 {
    let event = socket.event("1").await;
    number(&event["minerUpdated"]["sequence"])
}

/// Starts a session on an instance that dies right after the commit, before the announcement.
async fn start_and_die(app: &TestApp, who: UserId) {
    let start = "mutation { miningSessionStart(input: {}) { userErrors { code } } }";
    let data = app.execute_elsewhere(7, who, start).await;
    assert_eq!(data, json!({"miningSessionStart": {"userErrors": []}}));
}

/// A subscription reads the present state before it is registered: an event after that is never taken for an old one.
#[test]
fn reads_the_state_before_it_subscribes() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        for (table, field) in [
            ("miners", "minerUpdated"),
            ("wallets", "walletUpdated"),
            ("miners", "circleUpdated"),
        ] {
            let lock = Lock::on(app, table).await;
            let query = format!("subscription {{ {field} {{ sequence }} }}");
            socket.subscribe(field, &query).await;
            until_waiting(app, 1).await;
            let followed = app.events.count();
            lock.release().await;
            app.until(|| app.events.count() > followed).await;
        }
        assert_eq!(app.events.count(), 3);
    });
}

#[test]
fn announces_events_of_a_dead_instance() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = follow(app, &alice).await;
        start_and_die(app, alice.id()).await;
        let event = socket.event("1").await;
        assert_eq!(event["minerUpdated"]["__typename"], "MiningSessionStarted");
    });
}

#[test]
fn loses_no_event_of_lost_connections() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.miner().await;
        let mut sockets = [follow(app, &alice).await, follow(&other, &alice).await];
        let wallet = "subscription { walletUpdated { sequence } }";
        let mut wallets = alice.at(other.address()).socket().await;
        wallets.subscribe("1", wallet).await;
        other
            .until(|| other.events.subscribers::<WalletTopic>().has_any())
            .await;
        let (mut last, mut last_of_wallet) = ([0, 0], 0);
        for day in 0..6 {
            let at = [app.address(), other.address()][day % 2];
            app.sql(DEAFEN).await;
            alice.at(at).start().await.ok();
            app.advance(TimeDelta::hours(24)).await;
            if day % 3 == 0 {
                app.sql(DEAFEN).await;
            }
            alice.at(at).claim().await.ok();
            // The start and the claim arrive at both sockets, in order, once.
            for (socket, last) in sockets.iter_mut().zip(&mut last) {
                for _ in 0..2 {
                    let heard = sequence(socket).await;
                    assert!(heard > *last, "it went back from {last} to {heard}");
                    *last = heard;
                }
            }
            let heard = number(&wallets.event("1").await["walletUpdated"]["sequence"]);
            assert!(heard > last_of_wallet, "{heard} after {last_of_wallet}");
            last_of_wallet = heard;
        }
        assert_eq!(last[0], last[1]);
        other.stop().await;
    });
}

/// An instance dies; its client reconnects to another one and subscribes again.
#[test]
fn serves_a_client_of_a_dead_instance() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.miner().await;
        let mut socket = follow(&other, &alice).await;
        alice.start().await.ok();
        let before = sequence(&mut socket).await;
        other.kill().await;
        let mut socket = follow(app, &alice).await;
        app.advance(TimeDelta::hours(24)).await;
        alice.claim().await.ok();
        assert!(sequence(&mut socket).await > before);
    });
}

/// Events that two instances write at the same time arrive in the order of each subject.
#[test]
fn delivers_events_of_two_instances_in_order() {
    test(async |app| {
        let other = app.another().await;
        let people: [Miner; 8] = app.miners().await;
        let mut sockets = Vec::new();
        for (number, person) in people.iter().enumerate() {
            let at = if number % 2 == 0 { app } else { &other };
            sockets.push(follow(at, person).await);
        }
        // Each person writes on the instance that the person does not subscribe to.
        let writers = people.iter().enumerate();
        let writers: Vec<_> = writers
            .map(|(number, person)| person.at([other.address(), app.address()][number % 2]))
            .collect();
        let started = at_once(writers.iter().map(Actor::start)).await;
        started.all_ok();
        app.advance(TimeDelta::hours(24)).await;
        let claimed = at_once(writers.iter().map(Actor::claim)).await;
        claimed.all_ok();
        for socket in &mut sockets {
            let heard = in_time("both events", async {
                [sequence(socket).await, sequence(socket).await]
            });
            let [started, claimed] = heard.await;
            assert!(started < claimed);
        }
        other.stop().await;
    });
}
