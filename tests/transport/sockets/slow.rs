//! Clients that don't read: closed, and in nobody's way.

use std::time::Duration;

use domain::ids::UserId;
use resolvers::live::MinerTopic;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FOLLOW, KEY, PROTOCOL, shake_hands};
use crate::support::{TestApp, test_with};

/// Events of a batch, and batches: less than a follower may be behind, often enough to fill all that buffers.
const BATCH: i64 = 40;
const BATCHES: i64 = 50;

/// Answers that nobody reads: more than all buffers in between hold.
const UNREAD: usize = 40;

/// A client's message as a frame, masked with zeros.
async fn say(stream: &mut TcpStream, message: &str) {
    let mut frame = vec![0x81];
    match u16::try_from(message.len()).unwrap() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(message.as_bytes());
    stream.write_all(&frame).await.unwrap();
}

/// Writes events of a miner behind the API's back, and announces them.
async fn happen(app: &TestApp, user: UserId, from: i64) {
    app.sql(&format!(
        "INSERT INTO outbox (day, event_id, name, subject_kind, subject_id, audience_id, sequence, payload, occurred_at)
         SELECT (now() AT TIME ZONE 'UTC')::date, gen_random_uuid(), 'StreakBroken', 'miner', m.id, m.user_id, n, 
                jsonb_build_object('minerId', m.id, 'lostDays', 1), now()
         FROM miners m, generate_series({from}, {from} + {BATCH} - 1) n WHERE m.user_id = '{user}'"
    ))
    .await;
    app.db
        .read(async |conn| db::outbox::announce(conn, false).await)
        .await
        .unwrap();
}

#[test]
fn who_does_not_read_is_closed_and_delays_nobody() {
    test_with(&[("GOODGO_SOCKET_WRITE_SECONDS", "1")], async |app| {
        let alice = app.miner().await;
        let token = alice.token().unwrap();
        let (mut deaf, _) = shake_hands(app.address(), &format!("{KEY}{PROTOCOL}")).await;
        let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {token}")}});
        say(&mut deaf, &init.to_string()).await;
        let subscribe = json!({"type": "subscribe", "id": "events", "payload": {"query": FOLLOW}});
        say(&mut deaf, &subscribe.to_string()).await;
        app.until_followed(alice.id()).await;
        let long: Vec<_> = (0..15)
            .map(|n| format!("{}{n}: name", "a".repeat(1_000)))
            .collect();
        let query = format!("{{ __schema {{ types {{ {} }} }} }}", long.join(" "));
        let answer = alice.get(&query, json!({})).await.to_string().len();
        for id in 0..UNREAD {
            let id = id.to_string();
            let ask = json!({"type": "subscribe", "id": id, "payload": {"query": query}});
            say(&mut deaf, &ask.to_string()).await;
        }

        let mut keen = alice.socket().await;
        keen.subscribe("1", "subscription { minerUpdated { sequence } }")
            .await;
        app.until(|| app.events.subscribers::<MinerTopic>().count() == 2)
            .await;
        let first = 1_000;
        for batch in 0..BATCHES {
            let from = first + batch * BATCH;
            happen(app, alice.id(), from).await;
            for sequence in from..from + BATCH {
                let event = keen.event("1").await;
                assert_eq!(event["minerUpdated"]["sequence"], sequence.to_string());
            }
        }
        // It is let go while nothing more happens: what was sent can be read to its end.
        let mut read = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), async {
            let mut chunk = vec![0; 1 << 16];
            // Not before the server has given up.
            until_slow(app).await;
            while let Ok(length @ 1..) = deaf.read(&mut chunk).await {
                read.extend_from_slice(&chunk[..length]);
            }
        });
        ended.await.expect("an end in time");
        let sent = read.len();
        let all = UNREAD * answer;
        assert!(sent < all / 2, "{sent} bytes of {all} were written for it");
    });
}

async fn until_slow(app: &TestApp) {
    let series = r#"websocket_closes_total{code="1013",reason="too slow"}"#;
    loop {
        let metrics = reqwest::get(app.url("/metrics")).await.unwrap();
        if metrics.text().await.unwrap().contains(series) {
            return;
        }
    }
}
