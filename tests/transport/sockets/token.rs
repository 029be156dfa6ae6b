//! Places of a socket's token: the payload of `connection_init`, its `headers`, and the header of the handshake.

use serde_json::{Value, json};

use crate::support::{Actor, Socket, TestApp, test};

/// Opens a socket with an `Authorization` header and a payload.
async fn open(app: &TestApp, protocol: &str, header: Option<&str>, payload: Value) -> Socket {
    let headers: Vec<_> = header
        .map(|value| ("authorization", value))
        .into_iter()
        .collect();
    let mut socket = Socket::connect_as(protocol, app.address(), &headers).await;
    socket
        .say(json!({"type": "connection_init", "payload": payload}))
        .await;
    socket
}

fn bearer(actor: &Actor) -> String {
    format!("Bearer {}", actor.token().unwrap())
}

/// Whom a socket is authenticated as; none for an anonymous caller.
async fn viewer(socket: &mut Socket) -> Option<String> {
    assert_eq!(socket.hear().await["type"], "connection_ack");
    socket.subscribe("1", "{ viewer { id } }").await;
    let answer = socket.event("1").await;
    answer["viewer"]["id"].as_str().map(str::to_owned)
}

#[test]
fn accepts_tokens_of_handshake_and_nested_headers() {
    test(async |app| {
        let (alice, bob) = (app.user(), app.user());
        let (of_alice, of_bob) = (bearer(&alice), bearer(&bob));
        let (alice, bob) = (Some(alice.viewer_id()), Some(bob.viewer_id()));
        for (header, payload, expected) in [
            (None, json!({}), &None),
            (Some(&of_alice), Value::Null, &alice),
            (Some(&of_alice), json!({"Authorization": ""}), &alice),
            (Some(&of_alice), json!({"authorization": null}), &alice),
            (
                None,
                json!({"headers": {"Authorization": of_alice}}),
                &alice,
            ),
            (
                None,
                json!({"Headers": {"AUTHORIZATION": of_alice}}),
                &alice,
            ),
            // The payload's own token comes first, then its headers.
            (Some(&of_alice), json!({"Authorization": of_bob}), &bob),
            (
                Some(&of_alice),
                json!({"headers": {"authorization": of_bob}}),
                &bob,
            ),
            (
                None,
                json!({"authorization": of_bob, "headers": {"authorization": of_alice}}),
                &bob,
            ),
        ] {
            let header = header.map(String::as_str);
            let mut socket = open(app, "graphql-transport-ws", header, payload.clone()).await;
            assert_eq!(viewer(&mut socket).await, *expected, "{header:?} {payload}");
        }
    });
}

#[test]
fn closes_on_invalid_tokens_in_every_place() {
    test(async |app| {
        let good = bearer(&app.user());
        for (header, payload) in [
            (None, json!({"Authorization": "Bearer nonsense"})),
            (
                None,
                json!({"headers": {"authorization": "Bearer nonsense"}}),
            ),
            (None, json!({"headers": {"authorization": 7}})),
            (Some("Bearer nonsense"), json!({})),
            (Some("Basic Ym9iOmJvYg=="), json!({})),
            (
                Some(good.as_str()),
                json!({"Authorization": "Bearer nonsense"}),
            ),
        ] {
            let mut socket = open(app, "graphql-transport-ws", header, payload.clone()).await;
            assert_eq!(socket.close_code().await, 4403, "{header:?} {payload}");
        }
        let mut legacy = open(app, "graphql-ws", Some("Bearer nonsense"), json!({})).await;
        assert_eq!(legacy.hear().await["type"], "connection_error");
        assert_eq!(legacy.close_code().await, 4403);
    });
}
