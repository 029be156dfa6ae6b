//! Graceful shutdown: answered and refused requests, and the end of open connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use resolvers::live::MinerTopic;
use serde_json::json;
use tokio::net::TcpStream;

use super::Reply;
use super::sockets::{FOLLOW, PROTOCOL, status_of};
use crate::support::lock::{Lock, until_waiting};
use crate::support::{Socket, in_time, test};

const REGISTER: &str = "mutation { minerRegister(input: {}) { userErrors { code } } }";

async fn ready(address: SocketAddr) -> Reply {
    Reply::to(reqwest::Client::new().get(format!("http://{address}/readyz"))).await
}

/// Waits until a server reports its shutdown.
async fn until_draining(address: SocketAddr) {
    let draining = async { while ready(address).await.status != 503 {} };
    in_time("an instance that drains", draining).await;
}

fn post(address: SocketAddr, accept: &str, query: &str) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(format!("http://{address}/graphql"))
        .header("accept", accept)
        .json(&json!({"query": query}))
}

#[test]
fn closes_sockets_with_1012_on_shutdown() {
    test(async |app| {
        let other = app.another().await;
        let address = other.address();
        let alice = app.user().at(address);
        let mut busy = alice.socket().await;
        busy.subscribe("1", FOLLOW).await;
        other.until_followed(alice.id()).await;
        let mut idle = app.anonymous().at(address).socket().await;
        let mut fresh = Socket::connect(address, &[]).await;
        let mut old = Socket::connect_as("graphql-ws", address, &[]).await;
        let stopping = tokio::spawn(other.stop());
        for socket in [&mut busy, &mut idle, &mut fresh, &mut old] {
            let (code, reason) = socket.close().await;
            assert_eq!(code, 1012);
            assert!(reason.contains("connect again"), "{reason}");
        }
        stopping.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn stays_open_while_load_balancers_notice() {
    test(async |app| {
        let other = app.another_with(&[("GOODGO_LEAVE_SECONDS", "6")]).await;
        let address = other.address();
        let alice = app.user().at(address);
        let mut socket = alice.socket().await;
        let told_at = Instant::now();
        let stopping = tokio::spawn(other.stop());
        until_draining(address).await;
        // New requests are answered, one per connection.
        let reply = Reply::to(post(address, "application/json", "{ __typename }")).await;
        assert_eq!(
            (reply.status, reply.header("connection").as_str()),
            (200, "close")
        );
        // Long-lived requests are refused.
        assert_eq!(status_of(address, PROTOCOL).await, 503);
        let accept = "text/event-stream";
        let reply = Reply::to(post(
            address,
            accept,
            "subscription { minerUpdated { __typename } }",
        ))
        .await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (503, "UNAVAILABLE".to_owned())
        );
        assert_eq!(reply.header("retry-after"), "1");
        // Open streams continue.
        socket.settle().await;
        assert!(
            told_at.elapsed() < Duration::from_secs(6),
            "too slow a machine"
        );
        assert_eq!(socket.close_code().await, 1012);
        assert!(told_at.elapsed() >= Duration::from_secs(6));
        stopping.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn spreads_the_closing_of_sockets() {
    test(async |app| {
        let other = app
            .another_with(&[("GOODGO_SOCKET_DRAIN_SECONDS", "4")])
            .await;
        let mut sockets = Vec::new();
        for _ in 0..12 {
            sockets.push(app.anonymous().at(other.address()).socket().await);
        }
        let told_at = Instant::now();
        let stopping = tokio::spawn(other.stop());
        let ends = sockets.into_iter().map(|mut socket| async move {
            assert_eq!(socket.close_code().await, 1012);
            Instant::now()
        });
        let ends = futures_util::future::join_all(ends).await;
        let (first, last) = (ends.iter().min().unwrap(), ends.iter().max().unwrap());
        assert!(*last - *first > Duration::from_millis(100), "all at once");
        assert!(*last - told_at < Duration::from_secs(15), "not in time");
        stopping.await.unwrap();
    });
}

#[test]
fn answers_a_running_mutation_before_closing() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.user().at(other.address());
        let mut socket = alice.socket().await;
        socket.subscribe("follow", FOLLOW).await;
        other.until_followed(alice.id()).await;
        let lock = Lock::on(app, "miners").await;
        socket.subscribe("1", REGISTER).await;
        until_waiting(app, 1).await;
        let (events, address) = (other.events.clone(), other.address());
        let stopping = tokio::spawn(other.stop());
        // The subscription is stopped at once, and nothing new begins.
        let stopped = async {
            while events.subscribers::<MinerTopic>().has(&alice.id()) {
                tokio::task::yield_now().await;
            }
        };
        in_time("an end of the subscription", stopped).await;
        socket.subscribe("2", "{ __typename }").await;
        let refused = socket.hear().await;
        assert_eq!(
            (&refused["type"], &refused["id"]),
            (&json!("error"), &json!("2"))
        );
        assert_eq!(refused["payload"][0]["extensions"]["code"], "UNAVAILABLE");
        lock.release().await;
        let next = socket.hear().await;
        assert_eq!(
            (&next["type"], &next["id"]),
            (&json!("next"), &json!("1")),
            "{next}"
        );
        assert_eq!(
            next["payload"]["data"]["minerRegister"]["userErrors"],
            json!([])
        );
        assert_eq!(socket.hear().await, json!({"type": "complete", "id": "1"}));
        assert_eq!(socket.close_code().await, 1012);
        stopping.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn streams_are_completed() {
    test(async |app| {
        for (accept, fault, end) in [
            (
                "text/event-stream",
                "event: next\ndata: {\"errors\":[",
                "event: complete\ndata:\n\n",
            ),
            (
                "multipart/mixed;subscriptionSpec=1.0",
                "{\"payload\":null,\"errors\":[",
                "\r\n--graphql--\r\n",
            ),
        ] {
            let other = app.another().await;
            let alice = app.user();
            let request = post(
                other.address(),
                accept,
                "subscription { minerUpdated { __typename } }",
            )
            .bearer_auth(alice.token().unwrap());
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200);
            other.until_followed(alice.id()).await;
            let stopping = tokio::spawn(other.stop());
            let text = response.text().await.unwrap();
            assert!(text.contains(fault), "{text}");
            assert!(text.contains("\"code\":\"UNAVAILABLE\""), "{text}");
            assert!(text.ends_with(end), "{text}");
            stopping.await.unwrap();
        }
    });
}

#[test]
fn ends_everything_by_the_deadline() {
    test(async |app| {
        let other = app.another_with(&[("GOODGO_DRAIN_SECONDS", "1")]).await;
        let mut socket = app.user().at(other.address()).socket().await;
        let lock = Lock::on(app, "miners").await;
        socket.subscribe("1", REGISTER).await;
        until_waiting(app, 1).await;
        let told_at = Instant::now();
        other.stop().await;
        let took = told_at.elapsed();
        assert!(
            took >= Duration::from_secs(1) && took < Duration::from_secs(8),
            "{took:?}"
        );
        lock.release().await;
        app.until_count("miners", "true", 1).await;
    });
}
