//! Server-sent events: the distinct-connections mode of the graphql-sse protocol.

use chrono::TimeDelta;
use goodgo::auth::clock::instance_now;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{FOLLOW, Stream, ask, code};
use crate::support::{Actor, TestApp, in_time, test, test_with};
use crate::transport::{Reply, get};

const SSE: &str = "text/event-stream";

/// Name and data of the next event; comments are skipped.
async fn event(stream: &mut Stream) -> (String, Value) {
    loop {
        let block = stream.until("\n\n").await.expect("an event");
        if block == ":" {
            continue;
        }
        let (name, data) = block.split_once('\n').unwrap();
        let data = data.strip_prefix("data:").unwrap().trim_start();
        let data = if data.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(data).unwrap()
        };
        return (name.strip_prefix("event: ").unwrap().to_owned(), data);
    }
}

async fn next(stream: &mut Stream) -> Value {
    let (name, data) = event(stream).await;
    assert_eq!(name, "next", "{data}");
    data
}

async fn complete(stream: &mut Stream) {
    assert_eq!(event(stream).await, ("complete".to_owned(), Value::Null));
    assert_eq!(stream.until("\n\n").await, None, "the end");
}

fn by_get(app: &TestApp, actor: &Actor, query: &str) -> reqwest::RequestBuilder {
    let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
    let request = get(app, &format!("/graphql?query={query}")).header("accept", SSE);
    match actor.token() {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

#[test]
fn streams_queries_and_mutations() {
    test(async |app| {
        let alice = app.user();
        let reply = Reply::to(ask(app, &alice, SSE, "{ viewer { id } }")).await;
        assert_eq!(reply.status, 200);
        let data = json!({"data": {"viewer": {"id": alice.viewer_id()}}});
        assert_eq!(
            reply.text,
            format!(":\n\nevent: next\ndata: {data}\n\nevent: complete\ndata:\n\n")
        );
        for (name, value) in [
            ("content-type", "text/event-stream; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
            ("content-encoding", ""),
        ] {
            assert_eq!(reply.header(name), value, "{name}");
        }
        let register = "mutation { minerRegister(input: {}) { userErrors { code } } }";
        let mut stream = Stream::open(ask(app, &alice, SSE, register)).await;
        assert_eq!(
            next(&mut stream).await["data"]["minerRegister"]["userErrors"],
            json!([])
        );
        complete(&mut stream).await;
        let mut stream = Stream::open(by_get(app, &alice, "{ __typename }")).await;
        assert_eq!(
            next(&mut stream).await,
            json!({"data": {"__typename": "Query"}})
        );
        complete(&mut stream).await;
        let reply = Reply::to(by_get(app, &alice, register)).await;
        assert_eq!(
            (reply.status, reply.header("allow").as_str()),
            (405, "POST")
        );
    });
}

#[test]
fn streams_events_until_the_client_disconnects() {
    test(async |app| {
        let alice = app.miner().await;
        let mut by_post = Stream::open(ask(app, &alice, SSE, FOLLOW)).await;
        let mut by_get = Stream::open(by_get(app, &alice, FOLLOW)).await;
        app.until_followed(alice.id()).await;
        until_followers(app, 2).await;
        alice.start().await.ok();
        for stream in [&mut by_post, &mut by_get] {
            let event = next(stream).await;
            assert_eq!(
                event["data"]["minerUpdated"]["__typename"],
                "MiningSessionStarted"
            );
        }
        drop((by_post, by_get));
        app.until_unfollowed(alice.id()).await;
    });
}

async fn until_followers(app: &TestApp, count: usize) {
    let followed = async {
        while app.events.count() != count {
            tokio::task::yield_now().await;
        }
    };
    in_time("followers", followed).await;
}

#[test]
fn returns_a_status_for_errors_before_the_stream() {
    test(async |app| {
        let alice = app.user();
        for (query, code) in [
            ("subscription {", "GRAPHQL_PARSE_FAILED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (
                "subscription A { minerUpdated { __typename } } query B { __typename }",
                "OPERATION_RESOLUTION_FAILURE",
            ),
        ] {
            let reply = Reply::to(ask(app, &alice, SSE, query)).await;
            assert_eq!(
                (reply.status, reply.refusal()),
                (400, code.to_owned()),
                "{query}: {}",
                reply.text
            );
        }
        let stranger = Actor::new(app.address(), Some("nonsense".to_owned()), None);
        let reply = Reply::to(ask(app, &stranger, SSE, FOLLOW)).await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (401, "UNAUTHENTICATED".to_owned())
        );
        // Field errors are part of the event.
        let mut stream = Stream::open(ask(app, &app.anonymous(), SSE, FOLLOW)).await;
        assert_eq!(code(&next(&mut stream).await), "UNAUTHENTICATED");
        complete(&mut stream).await;
        // The answer to other media types lists the accepted ones.
        for accept in [
            "application/json",
            "*/*",
            "multipart/mixed;deferSpec=20220824, application/json",
        ] {
            let reply = Reply::to(ask(app, &alice, accept, FOLLOW)).await;
            assert_eq!(reply.refusal(), "BAD_REQUEST", "{accept}");
            for way in [
                "graphql-transport-ws",
                "text/event-stream",
                "multipart/mixed",
            ] {
                assert!(reply.text.contains(way), "{accept}: {}", reply.text);
            }
        }
        let query = utf8_percent_encode(FOLLOW, NON_ALPHANUMERIC);
        let reply = Reply::to(get(app, &format!("/graphql?query={query}"))).await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (405, "BAD_REQUEST".to_owned())
        );
    });
}

#[test]
fn ends_with_its_token() {
    test(async |app| {
        let alice = app.user();
        let token = app.user_token(alice.id(), &[], instance_now() + TimeDelta::seconds(2));
        let alice = Actor::new(app.address(), Some(token), Some(alice.id()));
        let mut stream = Stream::open(ask(app, &alice, SSE, FOLLOW)).await;
        let last = next(&mut stream).await;
        assert_eq!(code(&last), "UNAUTHENTICATED");
        assert!(last.get("data").is_none(), "{last}");
        complete(&mut stream).await;
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn sends_heartbeats() {
    test_with(&[("GOODGO_SOCKET_PING_SECONDS", "1")], async |app| {
        let alice = app.user();
        let mut stream = Stream::open(ask(app, &alice, SSE, FOLLOW)).await;
        for _ in 0..3 {
            assert_eq!(stream.until("\n\n").await.as_deref(), Some(":"));
        }
    });
}

#[test]
fn executes_persisted_documents() {
    test(async |app| {
        use sha2::{Digest, Sha256};
        let alice = app.user();
        let digits: Vec<_> = Sha256::digest(FOLLOW)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": digits.concat()}});
        let named = json!({"extensions": extensions});
        let send = |body: &Value| ask(app, &alice, SSE, "").json(body);
        assert_eq!(
            Reply::to(send(&named)).await.refusal(),
            "PERSISTED_QUERY_NOT_FOUND"
        );
        let both = json!({"query": FOLLOW, "extensions": extensions});
        drop(Stream::open(send(&both)).await);
        drop(Stream::open(send(&named)).await);
        // Over a socket as well.
        let mut socket = alice.socket().await;
        socket
            .say(json!({"type": "subscribe", "id": "1", "payload": named}))
            .await;
        app.until_followed(alice.id()).await;
        socket.settle().await;
    });
}

#[test]
fn refuses_streams_to_other_origins() {
    test(async |app| {
        let query = "subscription { leaderboardUpdated { occurredAt } }";
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let url = app.url(&format!("/graphql?query={query}"));
        for (origin, status) in [
            (None, 200),
            (Some("http://localhost:3000"), 200),
            (Some("https://evil.example"), 403),
        ] {
            let request = reqwest::Client::new().get(&url).header("accept", SSE);
            let request = match origin {
                Some(origin) => request.header("origin", origin),
                None => request,
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{origin:?}");
        }
    });
}
