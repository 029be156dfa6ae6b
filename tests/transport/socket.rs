//! Sockets: what is said over them, and how they end.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use goodgo::auth::clock::instance_now;
use goodgo::http::HttpSettings;
use goodgo::realtime::LiveSettings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::Server;
use crate::support::{Actor, Socket, TestApp, test};

const FOLLOW: &str = "subscription { minerUpdated { __typename } }";

/// Shakes hands by hand; answers the stream and the head of the answer.
async fn shake_hands(address: SocketAddr, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

/// The status of a handshake.
async fn status_of(address: SocketAddr, headers: &str) -> u16 {
    let headers = format!("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}");
    let (_, head) = shake_hands(address, &headers).await;
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

const PROTOCOL: &str = "sec-websocket-protocol: graphql-transport-ws\r\n";

async fn with_limits(app: &TestApp, change: impl FnOnce(&mut LiveSettings)) -> Server {
    let mut settings = HttpSettings::default();
    change(&mut settings.live);
    Server::start(app, settings).await
}

async fn until_unfollowed(app: &TestApp, actor: &Actor) {
    let unfollowed = async {
        while app.events.follows(actor.id().0) {
            tokio::task::yield_now().await;
            app.events.sweep();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), unfollowed)
        .await
        .expect("nobody following in time");
}

#[test]
fn queries_and_mutations_are_answered_once() {
    test(async |app| {
        let alice = app.user();
        let mut socket = alice.socket().await;
        for (query, data) in [
            (
                "{ viewer { uuid } }",
                json!({"viewer": {"uuid": alice.id().to_string()}}),
            ),
            (
                "mutation { minerRegister(input: {}) { miner { userId } userErrors { code } } }",
                json!({"minerRegister": {"miner": {"userId": alice.id().to_string()}, "userErrors": []}}),
            ),
        ] {
            // The same id again: it is free after its end.
            socket.subscribe("1", query).await;
            assert_eq!(
                socket.hear().await,
                json!({"type": "next", "id": "1", "payload": {"data": data}})
            );
            assert_eq!(socket.hear().await, json!({"type": "complete", "id": "1"}));
        }
        // Variables and the operation's name, as over HTTP.
        let payload = json!({
            "query": "query A { __typename } query B($limit: Int!) { leaderboard(limit: $limit) { viewerEntry { rank } } }",
            "operationName": "B",
            "variables": {"limit": 0},
        });
        socket
            .say(json!({"type": "subscribe", "id": "2", "payload": payload}))
            .await;
        let next = socket.hear().await;
        assert_eq!(
            (&next["type"], &next["payload"]["data"]),
            (&json!("next"), &json!({"leaderboard": null}))
        );
        let extensions = &next["payload"]["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "BAD_USER_INPUT");
        assert!(extensions["requestId"].is_string(), "{next}");
        assert_eq!(socket.hear().await["type"], "complete");
    });
}

#[test]
fn an_operation_that_makes_no_sense_is_refused_alone() {
    test(async |app| {
        let mut socket = app.user().socket().await;
        socket.subscribe("follow", FOLLOW).await;
        for (query, code) in [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("mutation { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (
                "query A { __typename } query B { __typename }",
                "OPERATION_RESOLUTION_FAILURE",
            ),
        ] {
            socket.subscribe("1", query).await;
            let error = socket.hear().await;
            assert_eq!(
                (&error["type"], &error["id"]),
                (&json!("error"), &json!("1")),
                "{query}: {error}"
            );
            let errors = error["payload"].as_array().unwrap();
            assert_eq!(errors.len(), 1, "{error}");
            assert_eq!(errors[0]["extensions"]["code"], code, "{query}: {error}");
            assert!(errors[0]["extensions"]["requestId"].is_string(), "{error}");
        }
        socket.subscribe("1", "{ __typename }").await;
        assert_eq!(socket.event("1").await, json!({"__typename": "Query"}));
        assert_eq!(socket.hear().await["type"], "complete");
    });
}

#[test]
fn pings_are_answered_before_and_after_the_start() {
    test(async |app| {
        let mut socket = Socket::connect(app.address(), &[]).await;
        socket.say(json!({"type": "ping"})).await;
        assert_eq!(socket.hear().await, json!({"type": "pong"}));
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
        socket
            .say(json!({"type": "ping", "payload": {"n": 1}}))
            .await;
        assert_eq!(
            socket.hear().await,
            json!({"type": "pong", "payload": {"n": 1}})
        );
        socket.say(json!({"type": "pong"})).await;
        socket.settle().await;
    });
}

#[test]
fn who_stops_listening_is_not_told_any_more() {
    test(async |app| {
        let alice = app.user();
        let mut socket = alice.socket().await;
        socket.subscribe("1", FOLLOW).await;
        app.until_followed(alice.id()).await;
        socket.say(json!({"type": "complete", "id": "1"})).await;
        socket
            .say(json!({"type": "complete", "id": "unknown"}))
            .await;
        until_unfollowed(app, &alice).await;
        alice.register().await;
        alice.start().await;
        // Not a word of it, and the id is free.
        socket.settle().await;
        socket.subscribe("1", FOLLOW).await;
        app.until_followed(alice.id()).await;
        drop(socket);
        until_unfollowed(app, &alice).await;
    });
}

#[test]
fn messages_that_make_no_sense_close_it() {
    test(async |app| {
        for message in [
            "x",
            "{}",
            "[]",
            r#"{"type": "start", "id": "1", "payload": {"query": "{ __typename }"}}"#,
            r#"{"type": "subscribe", "payload": {"query": "{ __typename }"}}"#,
            r#"{"type": "subscribe", "id": "1"}"#,
            r#"{"type": "subscribe", "id": "1", "payload": {}}"#,
            r#"{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}"#,
            r#"{"type": "complete"}"#,
        ] {
            let mut socket = app.anonymous().socket().await;
            socket.say_text(message).await;
            assert_eq!(socket.close_code().await, 4400, "{message}");
        }
    });
}

#[test]
fn messages_out_of_turn_close_it() {
    test(async |app| {
        let alice = app.user();
        let mut early = Socket::connect(app.address(), &[]).await;
        early.subscribe("1", "{ __typename }").await;
        assert_eq!(early.close_code().await, 4401);

        let mut twice = alice.socket().await;
        twice.say(json!({"type": "connection_init"})).await;
        assert_eq!(twice.close_code().await, 4429);

        let mut same = alice.socket().await;
        same.subscribe("1", FOLLOW).await;
        same.subscribe("1", "{ __typename }").await;
        assert_eq!(same.close_code().await, 4409);
        until_unfollowed(app, &alice).await;
    });
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    test(async |app| {
        let server = with_limits(app, |limits| {
            limits.init_timeout = Duration::from_millis(100);
        })
        .await;
        let mut silent = Socket::connect(server.address, &[]).await;
        assert_eq!(silent.close_code().await, 4408);
        // Who spoke in time stays.
        let mut prompt = server.anonymous().socket().await;
        let mut silent = Socket::connect(server.address, &[]).await;
        assert_eq!(silent.close_code().await, 4408);
        prompt.settle().await;
    });
}

#[test]
fn it_ends_with_its_token() {
    test(async |app| {
        let alice = app.user();
        let token = app.user_token(alice.id(), &[], instance_now() + TimeDelta::seconds(3));
        // Tokens have whole seconds.
        let claims = URL_SAFE_NO_PAD
            .decode(token.split('.').nth(1).unwrap())
            .unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let mut socket = Socket::open(app.address(), Some(&token)).await;
        socket.subscribe("1", FOLLOW).await;
        app.until_followed(alice.id()).await;
        assert_eq!(socket.close_code().await, 4403);
        assert!(instance_now().timestamp() >= claims["exp"].as_i64().unwrap());
        until_unfollowed(app, &alice).await;
    });
}

#[test]
fn it_is_told_when_the_server_restarts() {
    test(async |app| {
        let other = app.another().await;
        let address = other.address();
        let alice = app.user().at(address);
        let mut busy = alice.socket().await;
        busy.subscribe("1", FOLLOW).await;
        other.until_followed(alice.id()).await;
        let mut idle = app.anonymous().at(address).socket().await;
        let mut fresh = Socket::connect(address, &[]).await;
        let stopping = tokio::spawn(other.stop());
        assert_eq!(busy.close_code().await, 1012);
        assert_eq!(idle.close_code().await, 1012);
        assert_eq!(fresh.close_code().await, 1012);
        stopping.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());

        let server = Server::start(app, HttpSettings::default()).await;
        server.draining.send(true).unwrap();
        assert_eq!(status_of(server.address, PROTOCOL).await, 503);
    });
}

#[test]
fn who_does_not_answer_pings_is_gone() {
    test(async |app| {
        let server = with_limits(app, |limits| limits.ping_every = Duration::from_millis(50)).await;
        let headers = format!("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{PROTOCOL}");
        let (mut deaf, _) = shake_hands(server.address, &headers).await;
        let mut frames = [0; 8];
        deaf.read_exact(&mut frames).await.unwrap();
        assert_eq!(
            frames[..5],
            [0x89, 0, 0x89, 0, 0x88],
            "two pings and the end"
        );
        assert_eq!(u16::from_be_bytes([frames[6], frames[7]]), 1001);
        drop(deaf);
        // Who answers stays.
        let (mut awake, _) = shake_hands(server.address, &headers).await;
        for _ in 0..6 {
            let mut frame = [0; 2];
            awake.read_exact(&mut frame).await.unwrap();
            assert_eq!(frame, [0x89, 0], "a ping");
            awake.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap();
        }
        drop(awake);
        server.until_idle().await;
    });
}

#[test]
fn it_has_limits() {
    test(async |app| {
        let alice = app.user();
        let mut socket = alice.socket().await;
        for id in 0..100 {
            socket.subscribe(&id.to_string(), FOLLOW).await;
        }
        socket.subscribe("more", "{ __typename }").await;
        let error = socket.hear().await;
        assert_eq!(
            (&error["type"], &error["id"]),
            (&json!("error"), &json!("more")),
            "{error}"
        );
        assert_eq!(error["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
        socket.say(json!({"type": "complete", "id": "7"})).await;
        socket.subscribe("more", "{ __typename }").await;
        assert_eq!(socket.event("more").await, json!({"__typename": "Query"}));

        let mut socket = alice.socket().await;
        socket.say_text(&"x".repeat(256 * 1024 + 1)).await;
        assert_eq!(socket.close_code().await, 1009);
    });
}

#[test]
fn the_handshake_checks_origin_and_protocol() {
    test(async |app| {
        let own = format!("http://{}", app.address());
        for (origin, status) in [
            ("http://localhost:3000", 101),
            (own.as_str(), 101),
            ("https://evil.example", 403),
            ("http://localhost:3000.evil.example", 403),
            ("null", 403),
        ] {
            let headers = format!("{PROTOCOL}origin: {origin}\r\n");
            assert_eq!(status_of(app.address(), &headers).await, status, "{origin}");
        }
        for (protocols, status) in [
            ("graphql-transport-ws", 101),
            ("something, graphql-transport-ws", 101),
            ("something", 400),
        ] {
            let headers = format!("sec-websocket-protocol: {protocols}\r\n");
            assert_eq!(
                status_of(app.address(), &headers).await,
                status,
                "{protocols}"
            );
        }
        assert_eq!(status_of(app.address(), "").await, 400, "no protocol");
        let (_, head) = shake_hands(app.address(), PROTOCOL).await;
        assert!(head.starts_with("http/1.1 400"), "no key: {head}");
        let headers = format!("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{PROTOCOL}");
        let (_, head) = shake_hands(app.address(), &headers).await;
        assert!(
            head.contains("sec-websocket-protocol: graphql-transport-ws\r\n"),
            "{head}"
        );
    });
}

#[test]
fn a_token_is_found_in_whichever_case_its_name_has() {
    test(async |app| {
        let alice = app.user();
        let bearer = format!("Bearer {}", alice.token().unwrap());
        let id = json!({"viewer": {"uuid": alice.id().to_string()}});
        for (payload, data) in [
            (json!({"Authorization": bearer}), &id),
            (json!({"authorization": bearer, "other": 1}), &id),
            (json!({"Authorization": null}), &json!({"viewer": null})),
            (json!({}), &json!({"viewer": null})),
            (Value::Null, &json!({"viewer": null})),
        ] {
            let mut socket = Socket::connect(app.address(), &[]).await;
            socket
                .say(json!({"type": "connection_init", "payload": payload}))
                .await;
            assert_eq!(socket.hear().await["type"], "connection_ack", "{payload}");
            socket.subscribe("1", "{ viewer { uuid } }").await;
            assert_eq!(&socket.event("1").await, data, "{payload}");
        }
    });
}
