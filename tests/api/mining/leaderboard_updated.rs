use std::time::Instant;

use resolvers::live::LeaderboardTopic;
use serde_json::{Value, json};

use crate::support::{Miner, Socket, TestApp, test};

const FOLLOW: &str = "subscription { leaderboardUpdated(limit: 2) {
    occurredAt entries { rank rankPrecision totalMinedPoints miner { displayName streakDays badge } }
} }";
const FIRST: &str =
    "subscription { leaderboardUpdated(limit: 1) { entries { totalMinedPoints } } }";

/// Miners with a session that can be claimed.
async fn ready<const N: usize>(app: &TestApp) -> [Miner; N] {
    let miners = app.miners().await;
    app.mine(&miners.each_ref()).await;
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

/// Waits for an event with these points; earlier states may come before it.
async fn until_points(socket: &mut Socket, id: &str, expected: &[&str]) -> Value {
    socket
        .event_when(id, |event| points(event) == expected)
        .await
}

#[test]
fn delivers_the_new_top_on_every_instance() {
    test(async |app| {
        let other = app.another().await;
        let miners = ready::<3>(app).await;
        let mut here = app.anonymous().socket().await;
        let mut there = app.user().at(other.address()).socket().await;
        follow(app, &mut here, "1", FOLLOW).await;
        follow(&other, &mut there, "1", FOLLOW).await;
        miners[1].claim().await.ok();
        for socket in [&mut here, &mut there] {
            let event = until_points(socket, "1", &["6.0000", "0.0000"]).await;
            let first = &event["leaderboardUpdated"]["entries"][0];
            assert_eq!(
                (
                    &first["rank"],
                    &first["rankPrecision"],
                    &first["miner"]["streakDays"]
                ),
                (&json!(1), &json!("EXACT"), &json!(1)),
                "{first}"
            );
        }
        miners[0].at(other.address()).claim().await.ok();
        for socket in [&mut here, &mut there] {
            until_points(socket, "1", &["6.0000", "6.0000"]).await;
        }
        other.stop().await;
    });
}

#[test]
fn delivers_only_changes_of_followed_places() {
    test(async |app| {
        let miners = ready::<2>(app).await;
        let mut socket = app.anonymous().socket().await;
        follow(app, &mut socket, "first", FIRST).await;
        miners[0].claim().await.ok();
        until_points(&mut socket, "first", &["6.0000"]).await;
        follow(app, &mut socket, "both", FOLLOW).await;
        // Equal points reached later leave the first place unchanged.
        miners[1].claim().await.ok();
        assert_eq!(points(&socket.event("both").await), ["6.0000", "6.0000"]);
        app.mine(&[&miners[0]]).await;
        miners[0].claim().await.ok();
        // The next event of both subscriptions shows the new first place.
        for _ in 0..2 {
            let message = socket.hear().await;
            // 12 points of the sessions, and the streak's bonus.
            let first = points(&message["payload"]["data"])[0];
            assert!(first.starts_with("12."), "{message}");
        }
    });
}

#[test]
fn delivers_at_most_once_a_second_and_the_last_state() {
    test(async |app| {
        let miners = ready::<12>(app).await;
        let mut socket = app.anonymous().socket().await;
        let all = "subscription { leaderboardUpdated { occurredAt entries { totalMinedPoints } } }";
        follow(app, &mut socket, "1", all).await;
        let began_at = Instant::now();
        for miner in &miners {
            miner.claim().await.ok();
        }
        let (mut events, mut last) = (0_u64, String::new());
        let is_final = |event: &Value| points(event).iter().all(|points| *points == "6.0000");
        let mut event = Value::Null;
        while event.is_null() || !is_final(&event) {
            event = socket.event("1").await;
            let at = event["leaderboardUpdated"]["occurredAt"].as_str().unwrap();
            assert!(at > last.as_str(), "time went back from {last} to {at}");
            last = at.to_owned();
            events += 1;
            assert!(events < 100, "{event}");
        }
        // The first update is immediate, later ones are one second apart.
        assert!(
            events <= 1 + began_at.elapsed().as_secs(),
            "{events} events"
        );
    });
}

#[test]
fn rejects_limits_beyond_100() {
    test(async |app| {
        let mut socket = app.anonymous().socket().await;
        for limit in [-1, 0, 101] {
            let query =
                format!("subscription {{ leaderboardUpdated(limit: {limit}) {{ occurredAt }} }}");
            socket.subscribe("1", &query).await;
            assert_eq!(socket.error().await, "BAD_USER_INPUT", "{limit}");
            assert_eq!(socket.hear().await["type"], "complete");
        }
    });
}
