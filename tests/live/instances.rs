//! Several instances over one database: whatever becomes of one, the others tell what happened.

use std::time::Duration;

use chrono::TimeDelta;
use domain::ids::UserId;
use resolvers::live::{MinerTopic, WalletTopic};
use serde_json::json;

use crate::support::lock::{Lock, WAITING, until};
use crate::support::{Actor, Socket, TestApp, test};

const FOLLOW: &str = "subscription { minerUpdated { __typename sequence } }";
/// Closes the connections that hear events, of all instances.
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
    event["minerUpdated"]["sequence"].as_i64().unwrap()
}

/// Starts a session as an instance would that dies right after the commit: nobody is told.
async fn start_and_die(app: &TestApp, who: UserId) {
    let start = "mutation { miningSessionStart(input: {}) { userErrors { code } } }";
    let data = app.execute_elsewhere(7, who, start).await;
    assert_eq!(data, json!({"miningSessionStart": {"userErrors": []}}));
}

/// What happens once somebody is followed reaches them: nothing is read after that could make it look old.
#[test]
fn a_subscription_knows_what_was_before_it_follows() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        // Nobody else is to wait for these tables.
        let checked = "SELECT count(*) FROM jobs WHERE name = 'ledger-check' AND runs = 1";
        app.until_number(checked, 1).await;
        for (table, field) in [
            ("miners", "minerUpdated"),
            ("wallets", "walletUpdated"),
            ("miners", "circleUpdated"),
        ] {
            let lock = Lock::on(app, table).await;
            let query = format!("subscription {{ {field} {{ sequence }} }}");
            socket.subscribe(field, &query).await;
            until(app, WAITING, 1).await;
            let followed = app.events.count();
            lock.release().await;
            app.until(|| app.events.count() > followed).await;
        }
        assert_eq!(app.events.count(), 3);
    });
}

#[test]
fn what_a_dying_instance_did_not_announce_the_others_do() {
    test(async |app| {
        let alice = app.miner().await;
        let mut socket = follow(app, &alice).await;
        start_and_die(app, alice.id()).await;
        let event = socket.event("1").await;
        assert_eq!(event["minerUpdated"]["__typename"], "MiningSessionStarted");
    });
}

#[test]
fn lost_connections_lose_nothing_and_time_never_goes_back() {
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
            alice.at(at).start().await;
            app.advance(TimeDelta::hours(24)).await;
            if day % 3 == 0 {
                app.sql(DEAFEN).await;
            }
            alice.at(at).must_claim(&day.to_string()).await;
            // The start and the claim arrive at both, in order, once.
            for (socket, last) in sockets.iter_mut().zip(&mut last) {
                for _ in 0..2 {
                    let heard = sequence(socket).await;
                    assert!(heard > *last, "it went back from {last} to {heard}");
                    *last = heard;
                }
            }
            let heard = wallets.event("1").await["walletUpdated"]["sequence"].as_i64();
            assert!(
                heard.unwrap() > last_of_wallet,
                "{heard:?} after {last_of_wallet}"
            );
            last_of_wallet = heard.unwrap();
        }
        assert_eq!(last[0], last[1]);
        other.stop().await;
    });
}

/// The instance a client is at dies without a word; the client comes back to another one and asks what is.
#[test]
fn a_client_of_a_dead_instance_goes_on_at_another() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.miner().await;
        let mut socket = follow(&other, &alice).await;
        alice.start().await;
        let before = sequence(&mut socket).await;
        other.kill().await;
        let mut socket = follow(app, &alice).await;
        app.advance(TimeDelta::hours(24)).await;
        alice.must_claim("1").await;
        assert!(sequence(&mut socket).await > before);
    });
}

/// One announcer at a time: what two instances write at the same moment is heard in the order of each subject.
#[test]
fn many_writers_on_two_instances_are_heard_in_order() {
    test(async |app| {
        let other = app.another().await;
        let mut people = Vec::new();
        for _ in 0..8 {
            people.push(app.miner().await);
        }
        let mut sockets = Vec::new();
        for (number, person) in people.iter().enumerate() {
            let at = if number % 2 == 0 { app } else { &other };
            sockets.push(follow(at, person).await);
        }
        let writing = people.iter().enumerate().map(|(number, person)| {
            // Each writes where they don't listen.
            let person = person.at([other.address(), app.address()][number % 2]);
            async move { person.start().await }
        });
        futures_util::future::join_all(writing).await;
        app.advance(TimeDelta::hours(24)).await;
        let writing = people.iter().enumerate().map(|(number, person)| {
            let person = person.at([other.address(), app.address()][number % 2]);
            async move { person.must_claim("1").await }
        });
        futures_util::future::join_all(writing).await;
        for socket in &mut sockets {
            let heard = tokio::time::timeout(Duration::from_secs(20), async {
                [sequence(socket).await, sequence(socket).await]
            });
            let [started, claimed] = heard.await.unwrap();
            assert!(started < claimed);
        }
        other.stop().await;
    });
}
