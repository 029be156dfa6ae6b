//! Close codes of sockets.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use goodgo::auth::clock::instance_now;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{FOLLOW, KEY, PROTOCOL, shake_hands, with_limits};
use crate::support::{Socket, test, test_with};

#[test]
fn closes_on_invalid_messages() {
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

/// A ping with one byte more than a control frame may have.
const LONG_PING: [u8; 134] = {
    let mut frame = [0; 134];
    (frame[0], frame[1], frame[3]) = (0x89, 0xfe, 126);
    frame
};

#[test]
fn closes_on_invalid_frames() {
    test(async |app| {
        for (frame, problem) in [
            (&[0x81, 0x01, b'x'][..], "not masked"),
            (&[0xf1, 0x80, 0, 0, 0, 0], "reserved bits"),
            (&[0x83, 0x80, 0, 0, 0, 0], "an unknown type"),
            (&[0x8b, 0x80, 0, 0, 0, 0], "an unknown control type"),
            (&[0x09, 0x80, 0, 0, 0, 0], "a fragmented ping"),
            (&[0x80, 0x80, 0, 0, 0, 0], "nothing to continue"),
            (&LONG_PING, "a long ping"),
        ] {
            let headers = format!("{KEY}{PROTOCOL}");
            let (mut stream, _) = shake_hands(app.address(), &headers).await;
            stream.write_all(frame).await.unwrap();
            let mut close = [0; 4];
            stream.read_exact(&mut close).await.unwrap();
            assert_eq!(close[0], 0x88, "{problem}");
            assert_eq!(u16::from_be_bytes([close[2], close[3]]), 1002, "{problem}");
        }
    });
}

#[test]
fn closes_on_messages_out_of_order() {
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
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn closes_without_connection_init() {
    test(async |app| {
        let server = with_limits(app, |limits| {
            limits.init_timeout = Duration::from_secs(3);
        })
        .await;
        // A socket that sent the message in time stays open.
        let mut prompt = server.anonymous().socket().await;
        let mut silent = Socket::connect(server.address, &[]).await;
        assert_eq!(silent.close_code().await, 4408);
        prompt.settle().await;
    });
}

#[test]
fn ends_with_its_token() {
    test(async |app| {
        let alice = app.user();
        let token = app.user_token(alice.id(), &[], instance_now() + TimeDelta::seconds(6));
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
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn closes_without_pongs() {
    test(async |app| {
        let server = with_limits(app, |limits| limits.ping_every = Duration::from_millis(50)).await;
        let headers = format!("{KEY}{PROTOCOL}");
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
        server.until_idle().await;
        // A socket that answers stays open.
        let server = with_limits(app, |limits| {
            limits.ping_every = Duration::from_secs(1);
            limits.init_timeout = Duration::from_secs(60);
        })
        .await;
        let (mut awake, _) = shake_hands(server.address, &headers).await;
        for _ in 0..4 {
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
fn closes_beyond_its_limits() {
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
    let settings = [
        ("GOODGO_SOCKET_MESSAGE_BYTES", "2048"),
        ("GOODGO_SOCKET_OPERATIONS", "1"),
        ("GOODGO_SOCKET_INIT_SECONDS", "3"),
    ];
    test_with(&settings, async |app| {
        let alice = app.user();
        let mut socket = alice.socket().await;
        socket.subscribe("1", FOLLOW).await;
        socket.subscribe("2", "{ __typename }").await;
        let error = socket.hear().await;
        assert_eq!(error["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
        socket.say_text(&"x".repeat(2_049)).await;
        assert_eq!(socket.close_code().await, 1009);
        let mut silent = Socket::connect(app.address(), &[]).await;
        assert_eq!(silent.close_code().await, 4408);
    });
}

#[test]
fn closes_on_a_token_that_is_no_text() {
    test(async |app| {
        for payload in [
            json!({"Authorization": "Bearer nonsense"}),
            json!({"Authorization": "nonsense"}),
            json!({"Authorization": 7}),
        ] {
            let mut socket = Socket::connect(app.address(), &[]).await;
            socket
                .say(json!({"type": "connection_init", "payload": payload}))
                .await;
            assert_eq!(socket.close_code().await, 4403, "{payload}");
        }
    });
}

#[test]
fn closes_on_binary_messages() {
    test(async |app| {
        let mut socket = app.anonymous().socket().await;
        socket.say_bytes(b"{}").await;
        assert_eq!(socket.close_code().await, 4400);
    });
}
