//! Clients that disconnect: mutations are completed, queries are cancelled.

use domain::access::Role;
use serde_json::json;

use crate::support::lock::{Lock, until_waiting};
use crate::support::test;

const REGISTER: &str = "mutation { minerRegister(input: {}) { userErrors { code } } }";

#[test]
fn commits_a_mutation_after_a_disconnect() {
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
fn commits_a_mutation_after_its_socket_closed() {
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
fn cancels_a_query_after_a_disconnect() {
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
