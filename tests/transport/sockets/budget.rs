//! Costs and concurrency of socket messages.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::access::Role;
use serde_json::json;

use crate::support::lock::{Lock, until_waiting};
use crate::support::{Socket, test, test_with};

#[test]
fn delays_messages_beyond_the_budget() {
    // A hundred points are there at once.
    test_with(&[("GOODGO_RATE_ANONYMOUS", "10")], async |app| {
        let mut socket = Socket::connect(app.address(), &[]).await;
        let began_at = Instant::now();
        for number in 0..115 {
            socket
                .say(json!({"type": "ping", "payload": {"n": number}}))
                .await;
        }
        // All of it is answered in the end.
        for number in 0..115 {
            assert_eq!(socket.hear().await["payload"]["n"], number);
        }
        let took = began_at.elapsed();
        assert!(took >= Duration::from_secs(1), "115 points in {took:?}");
    });
}

#[test]
fn charges_each_event() {
    // Ten points are there at once; an event costs seven.
    test_with(&[("GOODGO_RATE_STAFF", "1")], async |app| {
        let alice = app.miner().await;
        let id = &alice.id;
        let mut socket = app.person(&[Role::Support]).socket().await;
        let follow = format!(
            r#"subscription {{ minerUpdated(minerId: "{id}") {{ sequence miner {{
                 profile {{ id }} session {{ id }} circle {{ id }} streak {{ streakDays }} rate {{ hourlyRate }} }} }} }}"#
        );
        socket.subscribe("1", &follow).await;
        app.until_followed(alice.id()).await;
        let began_at = Instant::now();
        alice.start().await.ok();
        app.advance(TimeDelta::hours(24)).await;
        alice.claim().await.ok();
        alice.start().await.ok();
        for _ in 0..3 {
            socket.event("1").await;
        }
        let took = began_at.elapsed();
        assert!(took >= Duration::from_secs(2), "21 points in {took:?}");
    });
}

#[test]
fn charges_cancelled_queries_more() {
    // Fifty points are there at once.
    test_with(&[("GOODGO_RATE_STAFF", "5")], async |app| {
        let support = app.person(&[Role::Support]);
        let mut socket = support.socket().await;
        let lock = Lock::on(app, "miners").await;
        socket
            .subscribe("1", "{ miners(first: 1) { nodes { uuid } } }")
            .await;
        until_waiting(app, 1).await;
        socket.say(json!({"type": "complete", "id": "1"})).await;
        until_waiting(app, 0).await;
        lock.release().await;
        // The caller was within the budget before, and is again after about eight seconds.
        let many = "{ miners(first: 40) { nodes { uuid } } }";
        let answer = support.ask(many, json!({})).await;
        assert_eq!((answer.status, answer.code()), (429, "RATE_LIMITED"));
        let metrics = reqwest::get(app.url("/metrics")).await.unwrap();
        let cancelled = r#"graphql_operations_total{transport="websocket",kind="query",outcome="cancelled",operation="any"}"#;
        assert!(metrics.text().await.unwrap().contains(cancelled));
    });
}

/// The other operations are not executed before these are read.
#[test]
fn executes_four_queries_of_a_socket_at_once() {
    test(async |app| {
        let mut socket = app.miner().await.socket().await;
        let lock = Lock::on(app, "miners").await;
        for id in 0..10 {
            let query = "{ viewer { miner { uuid } } }";
            socket.subscribe(&id.to_string(), query).await;
        }
        until_waiting(app, 4).await;
        // No more, however long one waits: a round trip to the server and one to the database.
        socket.settle().await;
        until_waiting(app, 4).await;
        lock.release().await;
        for _ in 0..20 {
            let message = socket.hear().await;
            assert_ne!(message["type"], "error", "{message}");
        }
    });
}
