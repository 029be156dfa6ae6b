//! Messages of graphql-transport-ws.

use serde_json::{Value, json};

use super::FOLLOW;
use crate::support::{Socket, test};

#[test]
fn answers_queries_and_mutations_once() {
    test(async |app| {
        let alice = app.user();
        let mut socket = alice.socket().await;
        for (query, data) in [
            (
                "{ viewer { id } }",
                json!({"viewer": {"id": alice.viewer_id()}}),
            ),
            (
                "mutation { minerRegister(input: {}) { miner { user { uuid } } userErrors { code } } }",
                json!({"minerRegister": {"miner": {"user": {"uuid": alice.id().to_string()}}, "userErrors": []}}),
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
fn refuses_an_invalid_operation_alone() {
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
        let long = "x".repeat(1_025);
        for (id, query) in [("1", ""), (long.as_str(), "{ __typename }")] {
            socket.subscribe(id, query).await;
            let error = socket.hear().await;
            assert_eq!(
                (&error["type"], &error["id"]),
                (&json!("error"), &json!(id)),
                "{error}"
            );
            assert_eq!(error["payload"][0]["extensions"]["code"], "BAD_REQUEST");
        }
        for id in ["1", &long[..1_024]] {
            socket.subscribe(id, "{ __typename }").await;
            assert_eq!(socket.event(id).await, json!({"__typename": "Query"}));
            assert_eq!(socket.hear().await["type"], "complete");
        }
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
fn sends_nothing_after_complete() {
    test(async |app| {
        let alice = app.user();
        let mut socket = alice.socket().await;
        socket.subscribe("1", FOLLOW).await;
        app.until_followed(alice.id()).await;
        socket.say(json!({"type": "complete", "id": "1"})).await;
        socket
            .say(json!({"type": "complete", "id": "unknown"}))
            .await;
        app.until_unfollowed(alice.id()).await;
        alice.register().await.ok();
        alice.start().await.ok();
        // Not a word of it, and the id is free.
        socket.settle().await;
        socket.subscribe("1", FOLLOW).await;
        app.until_followed(alice.id()).await;
        drop(socket);
        app.until_unfollowed(alice.id()).await;
    });
}

#[test]
fn reads_the_token_under_any_case_of_its_name() {
    test(async |app| {
        let alice = app.user();
        let bearer = format!("Bearer {}", alice.token().unwrap());
        let id = json!({"viewer": {"id": alice.viewer_id()}});
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
            socket.subscribe("1", "{ viewer { id } }").await;
            assert_eq!(&socket.event("1").await, data, "{payload}");
        }
    });
}
