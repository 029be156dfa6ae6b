//! The walkthrough of the README with real processes.

use serde_json::json;

use super::program::{Program, folder, postmaster};
use crate::support::Socket;

fn on_a_runtime(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(body);
}

#[test]
fn claims_a_reward_and_receives_the_event() {
    let folder = folder();
    let program = Program::start(folder.path());
    on_a_runtime(async {
        let bob = program.demo("bob");
        let viewer = "{ viewer { miner { totalMinedPoints rate { hourlyRate } session { status rate { hourlyRate } } } } }";
        let before = bob.get(viewer, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(before["session"]["status"], "COMPLETED");
        let (had, rate) = (
            points(&bob.points().await),
            points(before["session"]["rate"]["hourlyRate"].as_str().unwrap()),
        );

        // Followed in another process than the one that claims.
        let other = program.another().await;
        let mut socket = Socket::open(other.address, bob.token()).await;
        let follow = "subscription { minerUpdated { __typename ... on PointsUpdated { pointsEarned totalMinedPoints } } }";
        socket.subscribe("1", follow).await;
        other.until_followed().await;

        let paid = bob.claim().key("bob-1").await.ok();
        let earned = points(paid["pointsEarned"].as_str().unwrap());
        assert_eq!(earned, rate * 24);
        assert_eq!(points(&bob.points().await), had + earned);
        let event = socket.event("1").await["minerUpdated"].clone();
        other.stop();
        assert_eq!(
            event,
            json!({"__typename": "PointsUpdated", "pointsEarned": paid["pointsEarned"],
                "totalMinedPoints": paid["miner"]["totalMinedPoints"]})
        );

        // The newest entry is the reward, and the balance follows from the one before.
        let entries = "{ viewer { miner { wallet { entries(first: 2) { nodes { side amount { amount } balanceAfter { amount } } } } } } }";
        let nodes =
            bob.get(entries, json!({})).await["viewer"]["miner"]["wallet"]["entries"]["nodes"]
                .clone();
        assert_eq!(nodes[0]["amount"]["amount"], paid["pointsEarned"]);
        let after = |n: usize| points(nodes[n]["balanceAfter"]["amount"].as_str().unwrap());
        assert_eq!(after(0), after(1) + earned);

        let again = bob.claim().key("bob-1").await.replayed();
        assert_eq!(again["pointsEarned"], paid["pointsEarned"]);
        let outcome = bob.claim().key("bob-2").await;
        outcome.refused("SESSION_ALREADY_CLAIMED", None);

        let carol = program.demo("carol");
        carol.register().await.ok();
        carol.start().await.ok();
        carol.claim().await.refused("SESSION_NOT_COMPLETE", None);
        program.beside(&["clock", "advance", "24h"]);
        assert_eq!(carol.claim().await.ok()["pointsEarned"], "6.0000");

        // Over the last partition that was made at start, a day at a time and then many at once.
        for by in ["24h", "24h", "20d"] {
            program.beside(&["clock", "advance", by]);
            let started = carol.start().await;
            let refusal = started.refusal();
            assert!(
                [None, Some("SESSION_UNCLAIMED")].contains(&refusal),
                "{by}: {refusal:?}"
            );
            // Refused where the session is not complete or has expired.
            assert!(carol.claim().await.answer.code().is_empty());
        }

        // The demo's town can be seen by staff, and a service has a token too.
        let staff = program
            .demo("support")
            .get("{ miners(first: 1) { totalCount } }", json!({}))
            .await;
        assert!(staff["miners"]["totalCount"].as_i64().unwrap() > 2_000);
        let query = "query ($id: UUID!) { miner(by: {userId: $id}) { status } }";
        let alice = program
            .demo("alice")
            .get("{ viewer { user { uuid } } }", json!({}))
            .await["viewer"]["user"]["uuid"]
            .clone();
        assert_eq!(
            program
                .demo("service")
                .get(query, json!({"id": alice}))
                .await["miner"]["status"],
            "ACTIVE"
        );
    });
    assert!(
        program
            .beside(&["verify"])
            .starts_with("the ledger is right")
    );
    program.stop();
    assert_eq!(
        postmaster(folder.path()),
        None,
        "the cluster stops with the program"
    );
}

/// Smallest units of a point: ten-thousandths.
fn points(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap();
    whole.parse::<i64>().unwrap() * 10_000 + part.parse::<i64>().unwrap()
}

#[test]
fn replaces_the_demo_users_at_each_start() {
    let folder = folder();
    let uuid = async |program: &Program| {
        program
            .demo("alice")
            .get("{ viewer { user { uuid } } }", json!({}))
            .await["viewer"]["user"]["uuid"]
            .clone()
    };
    on_a_runtime(async {
        let program = Program::start(folder.path());
        let first = uuid(&program).await;
        program.stop();
        let program = Program::start(folder.path());
        assert_ne!(uuid(&program).await, first);
        // Earlier ones stay.
        let query = "query ($id: UUID!) { miner(by: {userId: $id}) { status } }";
        let earlier = program.demo("admin").get(query, json!({"id": first})).await;
        assert_eq!(earlier["miner"]["status"], "ACTIVE");
        program.stop();
    });
}
