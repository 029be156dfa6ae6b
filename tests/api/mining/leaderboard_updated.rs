use std::time::Instant;

use chrono::TimeDelta;
use resolvers::live::LeaderboardTopic;
use serde_json::{Value, json};

use crate::support::{Actor, Socket, TestApp, test};

const FOLLOW: &str = "subscription { leaderboardUpdated(limit: 2) {
    occurredAt entries { rank rankPrecision totalMinedPoints miner { displayName currentStreak badge } }
} }";
const FIRST: &str =
    "subscription { leaderboardUpdated(limit: 1) { entries { totalMinedPoints } } }";

/// Miners with a session that can be claimed.
async fn miners(app: &TestApp, count: usize) -> Vec<Actor> {
    let mut miners = Vec::new();
    for _ in 0..count {
        let miner = app.miner().await;
        miner.start().await;
        miners.push(miner);
    }
    app.advance(TimeDelta::hours(24)).await;
    miners
}

async fn follow(app: &TestApp, socket: &mut Socket, id: &str, query: &str) {
    let before = app.events.subscribers::<LeaderboardTopic>().count();
    socket.subscribe(id, query).await;
    app.until(|| app.events.subscribers::<LeaderboardTopic>().count() > before)
        .await;
}

/// The points of each place of an event.
fn points(event: &Value) -> Vec<&str> {
    let entries = event["leaderboardUpdated"]["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["totalMinedPoints"].as_str().unwrap())
        .collect()
}

/// Waits for an event with these points; states of before may be heard until then.
async fn until_points(socket: &mut Socket, id: &str, expected: &[&str]) -> Value {
    loop {
        let event = socket.event(id).await;
        if points(&event) == expected {
            return event;
        }
    }
}

#[test]
fn tells_everybody_on_every_instance_the_new_top() {
    test(async |app| {
        let other = app.another().await;
        let miners = miners(app, 3).await;
        let mut here = app.anonymous().socket().await;
        let mut there = app.user().at(other.address()).socket().await;
        follow(app, &mut here, "1", FOLLOW).await;
        follow(&other, &mut there, "1", FOLLOW).await;
        miners[1].must_claim("1").await;
        for socket in [&mut here, &mut there] {
            let event = until_points(socket, "1", &["6.0000", "0.0000"]).await;
            let first = &event["leaderboardUpdated"]["entries"][0];
            assert_eq!(
                (
                    &first["rank"],
                    &first["rankPrecision"],
                    &first["miner"]["currentStreak"]
                ),
                (&json!(1), &json!("EXACT"), &json!(1)),
                "{first}"
            );
        }
        miners[0].at(other.address()).must_claim("1").await;
        for socket in [&mut here, &mut there] {
            until_points(socket, "1", &["6.0000", "6.0000"]).await;
        }
        other.stop().await;
    });
}

#[test]
fn tells_only_of_places_that_are_followed() {
    test(async |app| {
        let miners = miners(app, 2).await;
        let mut socket = app.anonymous().socket().await;
        follow(app, &mut socket, "first", FIRST).await;
        miners[0].must_claim("1").await;
        until_points(&mut socket, "first", &["6.0000"]).await;
        follow(app, &mut socket, "both", FOLLOW).await;
        // The same points, but later: the first place stays who it is.
        miners[1].must_claim("1").await;
        assert_eq!(points(&socket.event("both").await), ["6.0000", "6.0000"]);
        miners[0].start().await;
        app.advance(TimeDelta::hours(24)).await;
        miners[0].must_claim("2").await;
        // So the next that the follower of the first place hears is this.
        for _ in 0..2 {
            let message = socket.hear().await;
            // Twelve for the sessions, more for the streak.
            let heard = points(&message["payload"]["data"])[0];
            assert!(heard.starts_with("12."), "{message}");
        }
    });
}

#[test]
fn tells_at_most_once_a_second_and_the_last_state_at_last() {
    test(async |app| {
        let miners = miners(app, 12).await;
        let mut socket = app.anonymous().socket().await;
        let all = "subscription { leaderboardUpdated { occurredAt entries { totalMinedPoints } } }";
        follow(app, &mut socket, "1", all).await;
        let began_at = Instant::now();
        for miner in &miners {
            miner.must_claim("1").await;
        }
        let (mut events, mut last) = (0_u64, String::new());
        loop {
            let event = socket.event("1").await;
            let at = event["leaderboardUpdated"]["occurredAt"].as_str().unwrap();
            assert!(at > last.as_str(), "time went back from {last} to {at}");
            last = at.to_owned();
            events += 1;
            if points(&event).iter().all(|points| *points == "6.0000") {
                break;
            }
        }
        // One at once, then one a second.
        assert!(
            events <= 1 + began_at.elapsed().as_secs(),
            "{events} events"
        );
    });
}

#[test]
fn a_limit_is_from_1_to_100() {
    test(async |app| {
        let mut socket = app.anonymous().socket().await;
        for limit in [-1, 0, 101] {
            let query =
                format!("subscription {{ leaderboardUpdated(limit: {limit}) {{ occurredAt }} }}");
            socket.subscribe("1", &query).await;
            let message = socket.hear().await;
            let errors = match message["type"].as_str() {
                Some("error") => &message["payload"],
                _ => &message["payload"]["errors"],
            };
            assert_eq!(
                errors[0]["extensions"]["code"], "BAD_USER_INPUT",
                "{message}"
            );
            if message["type"] == "next" {
                assert_eq!(socket.hear().await["type"], "complete");
            }
        }
    });
}
