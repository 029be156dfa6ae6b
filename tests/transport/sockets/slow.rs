//! Slow readers: closed without delaying others.

use domain::ids::UserId;
use resolvers::live::MinerTopic;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FOLLOW, KEY, PROTOCOL, shake_hands};
use crate::support::{TestApp, in_time, test_with};

/// Events per batch and number of batches: below the limit of a mailbox, but enough to fill all buffers.
const BATCH: i64 = 40;
const BATCHES: i64 = 50;

/// Number of unread answers: more than all buffers hold.
const UNREAD: usize = 40;

/// Encodes a client's message as a frame with a zero mask.
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

/// Inserts events of a miner by SQL and announces them.
async fn happen(app: &TestApp, user: UserId, from: i64) {
    app.sql(&format!(
        "INSERT INTO outbox (lane, day, event_id, name, subject_kind, subject_id, audience_id, sequence, payload, occurred_at)
         SELECT 0, (now() AT TIME ZONE 'UTC')::date, gen_random_uuid(), 'StreakBroken', 'miner', m.id, m.user_id, n, 
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
fn closes_a_slow_reader_without_delaying_others() {
    test_with(&[("GOODGO_SOCKET_WRITE_SECONDS", "1")], async |app| {
        let alice = app.miner().await;
        let token = alice.token().unwrap();
        let (mut deaf, _) = shake_hands(app.address(), &format!("{KEY}{PROTOCOL}")).await;
        let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {token}")}});
        say(&mut deaf, &init.to_string()).await;
        let subscribe = json!({"type": "subscribe", "id": "events", "payload": {"query": FOLLOW}});
        say(&mut deaf, &subscribe.to_string()).await;
        app.until_followed(alice.id()).await;
        let mut keen = alice.socket().await;
        keen.subscribe("1", "subscription { minerUpdated { sequence } }")
            .await;
        app.until(|| app.events.subscribers::<MinerTopic>().count() == 2)
            .await;
        // From here on the server waits for the deaf client.
        // Below the longest answer over a socket, however many types are added.
        let long: Vec<_> = (0..8)
            .map(|n| format!("{}{n}: name", "a".repeat(1_000)))
            .collect();
        let query = format!("{{ __schema {{ types {{ {} }} }} }}", long.join(" "));
        let answer = alice.get(&query, json!({})).await.to_string().len();
        for id in 0..UNREAD {
            let id = id.to_string();
            let ask = json!({"type": "subscribe", "id": id, "payload": {"query": query}});
            say(&mut deaf, &ask.to_string()).await;
        }
        let first = 1_000;
        for batch in 0..BATCHES {
            let from = first + batch * BATCH;
            happen(app, alice.id(), from).await;
            for sequence in from..from + BATCH {
                let event = keen.event("1").await;
                assert_eq!(event["minerUpdated"]["sequence"], sequence.to_string());
            }
        }
        // The client reads on while nothing more is sent: everything sent can be read to its end.
        let mut read = Vec::new();
        let ended = in_time("an end", async {
            let mut chunk = vec![0; 1 << 16];
            // Not before the server has given up.
            until_slow(app).await;
            while let Ok(length @ 1..) = deaf.read(&mut chunk).await {
                read.extend_from_slice(&chunk[..length]);
            }
        });
        ended.await;
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
