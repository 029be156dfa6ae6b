//! Clients that hang up: what they wanted done is done, and nothing is left half done.

use domain::access::Role;
use serde_json::json;

use crate::support::lock::{Lock, until_waiting};
use crate::support::test;

const REGISTER: &str = "mutation { minerRegister(input: {}) { userErrors { code } } }";

#[test]
fn a_mutation_is_done_although_its_client_is_gone() {
    test(async |app| {
        let alice = app.user();
        let lock = Lock::on(app, "miners").await;
        let request = tokio::spawn({
            let alice = alice.clone();
            async move { alice.ask(REGISTER, json!({})).await }
        });
        until_waiting(app, 1).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        lock.release().await;
        app.until_count("miners", "true", 1).await;
    });
}

#[test]
fn a_mutation_is_done_although_its_socket_is_gone() {
    test(async |app| {
        let mut socket = app.user().socket().await;
        let lock = Lock::on(app, "miners").await;
        socket.subscribe("1", REGISTER).await;
        until_waiting(app, 1).await;
        drop(socket);
        lock.release().await;
        app.until_count("miners", "true", 1).await;
    });
}

#[test]
fn a_query_is_stopped_when_its_client_is_gone() {
    test(async |app| {
        let support = app.person(&[Role::Support]);
        let lock = Lock::on(app, "miners").await;
        let request = tokio::spawn(async move {
            let query = "{ miners(first: 1) { nodes { uuid } } }";
            support.ask(query, json!({})).await
        });
        until_waiting(app, 1).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        // Long before the statement's own time is over.
        until_waiting(app, 0).await;
        lock.release().await;
    });
}
