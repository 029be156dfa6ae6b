//! Apollo's multipart protocol for subscriptions over HTTP.

use chrono::TimeDelta;
use goodgo::auth::clock::instance_now;
use serde_json::{Value, json};

use super::{FOLLOW, Stream, ask, code};
use crate::support::{Actor, test, test_with};
use crate::transport::Reply;

const PARTS: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0, application/json";
const DELIMITER: &str = "\r\n--graphql";

/// Next part that is not a heartbeat.
async fn said(stream: &mut Stream) -> Value {
    loop {
        let part = part(stream).await;
        if part != json!({}) {
            return part;
        }
    }
}

/// Next part.
async fn part(stream: &mut Stream) -> Value {
    let part = stream.until(DELIMITER).await.expect("a part");
    let json = part
        .strip_prefix("\r\ncontent-type: application/json\r\n\r\n")
        .unwrap_or_else(|| panic!("no part: {part:?}"));
    serde_json::from_str(json).unwrap()
}

/// Opens a stream and reads its first delimiter and heartbeat.
async fn open(request: reqwest::RequestBuilder) -> Stream {
    let mut stream = Stream::open(request).await;
    assert_eq!(
        stream.header("content-type"),
        "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0"
    );
    assert_eq!(stream.header("cache-control"), "no-store");
    assert_eq!(stream.header("x-accel-buffering"), "no");
    assert_eq!(stream.header("content-encoding"), "");
    assert_eq!(stream.until(DELIMITER).await.as_deref(), Some(""));
    assert_eq!(part(&mut stream).await, json!({}));
    stream
}

#[test]
fn sends_events_as_parts_until_the_client_disconnects() {
    test(async |app| {
        let alice = app.miner().await;
        let mut stream = open(ask(app, &alice, PARTS, FOLLOW)).await;
        app.until_followed(alice.id()).await;
        alice.start().await.ok();
        let event = json!({"data": {"minerUpdated": {"__typename": "MiningSessionStarted"}}});
        assert_eq!(said(&mut stream).await, json!({"payload": event}));
        drop(stream);
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn sends_a_field_error_as_the_last_part() {
    test(async |app| {
        let mut stream = open(ask(app, &app.anonymous(), PARTS, FOLLOW)).await;
        let refused = said(&mut stream).await;
        assert_eq!(code(&refused["payload"]), "UNAUTHENTICATED", "{refused}");
        assert_eq!(stream.rest().await, "--\r\n");
    });
}

#[test]
fn ends_with_its_token() {
    test(async |app| {
        let alice = app.user();
        let token = app.user_token(alice.id(), &[], instance_now() + TimeDelta::seconds(2));
        let alice = Actor::new(app.address(), Some(token), Some(alice.id()));
        let mut stream = open(ask(app, &alice, PARTS, FOLLOW)).await;
        let last = said(&mut stream).await;
        assert_eq!(
            (&last["payload"], code(&last)),
            (&Value::Null, "UNAUTHENTICATED"),
            "{last}"
        );
        assert_eq!(stream.rest().await, "--\r\n");
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn sends_heartbeats() {
    test_with(&[("GOODGO_SOCKET_PING_SECONDS", "1")], async |app| {
        let alice = app.user();
        let mut stream = open(ask(app, &alice, PARTS, FOLLOW)).await;
        for _ in 0..2 {
            assert_eq!(part(&mut stream).await, json!({}));
        }
    });
}

#[test]
fn answers_queries_and_mutations_as_json() {
    test(async |app| {
        let alice = app.user();
        for accept in [
            PARTS,
            "multipart/mixed;deferSpec=20220824, application/json",
            "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9",
        ] {
            let reply = Reply::to(ask(app, &alice, accept, "{ __typename }")).await;
            assert!(reply.header("content-type").contains("json"), "{accept}");
            assert_eq!(
                reply.json(),
                json!({"data": {"__typename": "Query"}}),
                "{accept}"
            );
        }
        // By the type of the other answers, because its clients read that.
        let reply = Reply::to(ask(app, &alice, PARTS, "subscription { nothing }")).await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (200, "GRAPHQL_VALIDATION_FAILED".to_owned())
        );
        let newer = "multipart/mixed;subscriptionSpec=1.0, application/graphql-response+json, application/json";
        let reply = Reply::to(ask(app, &alice, newer, "subscription { nothing }")).await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (400, "GRAPHQL_VALIDATION_FAILED".to_owned())
        );
    });
}
