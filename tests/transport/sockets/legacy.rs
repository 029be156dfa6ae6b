//! The older subprotocol, graphql-ws of subscriptions-transport-ws.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;
use goodgo::auth::clock::instance_now;
use serde_json::{Value, json};

use super::{FOLLOW, with_limits};
use crate::support::{Socket, test, test_with};

async fn connect(address: SocketAddr) -> Socket {
    Socket::connect_as("graphql-ws", address, &[]).await
}

async fn open(address: SocketAddr, token: Option<&str>) -> Socket {
    let mut socket = connect(address).await;
    let payload = token.map(|token| json!({"Authorization": format!("Bearer {token}")}));
    socket
        .say(json!({"type": "connection_init", "payload": payload}))
        .await;
    assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
    assert_eq!(socket.hear().await, json!({"type": "ka"}));
    socket
}

fn start(id: &str, query: &str) -> Value {
    json!({"type": "start", "id": id, "payload": {"query": query, "variables": {}, "operationName": null}})
}

/// Message before the close frame, and the close code.
async fn refusal(socket: &mut Socket) -> (Value, u16) {
    let said = socket.hear().await;
    assert_eq!(said["type"], "connection_error", "{said}");
    assert!(said["payload"]["message"].is_string(), "{said}");
    (
        said["payload"]["extensions"]["closeCode"].clone(),
        socket.close_code().await,
    )
}

#[test]
fn runs_and_stops_operations() {
    test(async |app| {
        let alice = app.user();
        let mut socket = open(app.address(), alice.token()).await;
        let id = json!({"viewer": {"id": alice.viewer_id()}});
        socket.say(start("1", "{ viewer { id } }")).await;
        assert_eq!(
            socket.hear().await,
            json!({"type": "data", "id": "1", "payload": {"data": id}})
        );
        assert_eq!(socket.hear().await, json!({"type": "complete", "id": "1"}));

        let register = "mutation { minerRegister(input: {}) { userErrors { code } } }";
        socket.say(start("2", register)).await;
        assert_eq!(
            socket.hear().await["payload"]["data"]["minerRegister"],
            json!({"userErrors": []})
        );
        assert_eq!(socket.hear().await["type"], "complete");

        socket.say(start("3", FOLLOW)).await;
        app.until_followed(alice.id()).await;
        alice.start().await.ok();
        let data = socket.hear().await;
        assert_eq!(
            (&data["type"], &data["id"], &data["payload"]["data"]),
            (
                &json!("data"),
                &json!("3"),
                &json!({"minerUpdated": {"__typename": "MiningSessionStarted"}})
            )
        );
        socket.say(json!({"type": "stop", "id": "3"})).await;
        assert_eq!(socket.hear().await, json!({"type": "complete", "id": "3"}));
        app.until_unfollowed(alice.id()).await;
        socket.say(json!({"type": "connection_terminate"})).await;
        assert_eq!(socket.close_code().await, 1000);
    });
}

#[test]
fn returns_one_error_for_an_invalid_operation() {
    test(async |app| {
        let mut socket = open(app.address(), None).await;
        for query in ["{", "{ nothing }", "subscription { nothing }"] {
            socket.say(start("1", query)).await;
            let error = socket.hear().await;
            assert_eq!(
                (&error["type"], &error["id"]),
                (&json!("error"), &json!("1"))
            );
            assert!(error["payload"]["message"].is_string(), "{error}");
            assert!(
                error["payload"]["extensions"]["code"].is_string(),
                "{error}"
            );
        }
        // Errors of the policy are data.
        socket.say(start("1", FOLLOW)).await;
        let data = socket.hear().await;
        assert_eq!(data["type"], "data", "{data}");
        assert_eq!(
            data["payload"]["errors"][0]["extensions"]["code"],
            "UNAUTHENTICATED"
        );
        assert_eq!(socket.hear().await["type"], "complete");
    });
}

#[test]
fn replaces_an_operation_with_the_same_id() {
    test(async |app| {
        let alice = app.user();
        let mut socket = open(app.address(), alice.token()).await;
        socket.say(start("1", FOLLOW)).await;
        app.until_followed(alice.id()).await;
        socket.say(start("1", "{ __typename }")).await;
        assert_eq!(
            socket.hear().await["payload"]["data"]["__typename"],
            "Query"
        );
        assert_eq!(socket.hear().await["type"], "complete");
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn sends_the_error_before_closing() {
    test(async |app| {
        let mut unknown = connect(app.address()).await;
        unknown
            .say(json!({"type": "connection_init", "payload": {"Authorization": "Bearer x"}}))
            .await;
        assert_eq!(refusal(&mut unknown).await, (json!(4403), 4403));

        let mut early = connect(app.address()).await;
        early.say(start("1", "{ __typename }")).await;
        assert_eq!(refusal(&mut early).await, (json!(4401), 4401));

        let mut twice = open(app.address(), None).await;
        twice.say(json!({"type": "connection_init"})).await;
        assert_eq!(refusal(&mut twice).await, (json!(4429), 4429));

        for message in [
            "x",
            r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}"#,
        ] {
            let mut odd = open(app.address(), None).await;
            odd.say_text(message).await;
            assert_eq!(refusal(&mut odd).await, (json!(4400), 4400), "{message}");
        }

        let alice = app.user();
        let token = app.user_token(alice.id(), &[], instance_now() + TimeDelta::seconds(2));
        let mut short = open(app.address(), Some(&token)).await;
        assert_eq!(refusal(&mut short).await, (json!(4403), 4403));

        let mut long = open(app.address(), None).await;
        long.say_text(&"x".repeat(256 * 1024 + 1)).await;
        assert_eq!(
            long.close_code().await,
            1009,
            "the frame can't be told from others"
        );

        let server = with_limits(app, |limits| {
            limits.init_timeout = Duration::from_millis(100);
        })
        .await;
        let mut silent = connect(server.address).await;
        assert_eq!(refusal(&mut silent).await, (json!(4408), 4408));
    });
}

#[test]
fn sends_keep_alive_messages() {
    test_with(&[("GOODGO_SOCKET_PING_SECONDS", "1")], async |app| {
        let mut socket = open(app.address(), None).await;
        for _ in 0..3 {
            assert_eq!(socket.hear().await, json!({"type": "ka"}));
        }
    });
}
