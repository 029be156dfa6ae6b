//! Limits of sockets and streams per caller.

use std::net::SocketAddr;

use goodgo::realtime::QuotaLimits;
use serde_json::json;

use super::{FOLLOW, with_limits};
use crate::support::{PATIENCE, Socket, TestApp, in_time, test, test_with};
use crate::transport::Reply;
use crate::transport::server::Server;

async fn until_taken(server: &Server, count: u64) {
    let taken = async {
        while server.connection_quota.count() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken)
        .await
        .unwrap_or_else(|_| panic!("{count} places, not {}", server.connection_quota.count()));
}

async fn init(address: SocketAddr, token: Option<&str>) -> Socket {
    let mut socket = Socket::connect(address, &[]).await;
    let payload = token.map(|token| json!({"Authorization": format!("Bearer {token}")}));
    socket
        .say(json!({"type": "connection_init", "payload": payload}))
        .await;
    socket
}

#[test]
fn limits_connections_per_address() {
    test(async |app| {
        let server = with_limits(app, |limits| {
            limits.quota = QuotaLimits {
                per_address: 3,
                ..QuotaLimits::default()
            };
        })
        .await;
        let anonymous = server.anonymous();
        let mut open = Vec::new();
        for _ in 0..2 {
            open.push(anonymous.socket().await);
        }
        open.push(anonymous.socket().await);
        let mut more = init(server.address, None).await;
        assert_eq!(more.close().await.0, 1013);
        // A stream counts with the sockets of its caller.
        let request = reqwest::Client::new()
            .post(server.url("/graphql"))
            .header("accept", "text/event-stream")
            .json(&json!({"query": FOLLOW}));
        let reply = Reply::to(request).await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (429, "LIMIT_EXCEEDED".to_owned())
        );
        let extensions = &reply.json()["errors"][0]["extensions"];
        assert_eq!(extensions["limit"], "socketsPerAddress");
        assert_eq!(extensions["maximum"], 3);
        // However it ends, it is given back.
        open[0].say_text("nonsense").await;
        assert_eq!(open[0].close_code().await, 4400);
        until_taken(&server, 2).await;
        open.push(anonymous.socket().await);
        drop(open);
        until_taken(&server, 0).await;
        server.until_idle().await;
    });
}

#[test]
fn counts_signed_in_callers_apart_from_addresses() {
    let settings = [
        ("GOODGO_SOCKETS_PER_ADDRESS", "5"),
        ("GOODGO_SOCKETS_PER_USER", "2"),
        ("GOODGO_SOCKETS_PER_SERVICE", "3"),
    ];
    test_with(&settings, async |app| {
        let (alice, bob) = (app.user(), app.user());
        let service = app.service(&[]);
        let mut open = Vec::new();
        for actor in [&alice, &alice, &bob, &bob, &service, &service, &service] {
            open.push(actor.socket().await);
        }
        for actor in [&alice, &service] {
            let mut more = init(app.address(), actor.token()).await;
            let (code, reason) = more.close().await;
            assert_eq!(code, 1013);
            assert!(reason.contains("close some"), "{reason}");
        }
        // Their address has room, and a stream needs a place like a socket.
        drop(app.anonymous().socket().await);
        assert_eq!(stream(app, &alice).await.status, 429);
        open.remove(0);
        until_room(app, &alice).await;
    });
}

#[test]
fn anonymous_sockets_keep_nobody_out() {
    let settings = [
        ("GOODGO_SOCKETS_PER_ADDRESS", "2"),
        ("GOODGO_SOCKETS_WAITING_PER_ADDRESS", "3"),
        ("GOODGO_SOCKET_INIT_SECONDS", "60"),
        ("GOODGO_RATE_ANONYMOUS", "2"),
    ];
    test_with(&settings, async |app| {
        let anonymous = [
            app.anonymous().socket().await,
            app.anonymous().socket().await,
        ];
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(Socket::connect(app.address(), &[]).await);
        }
        // Their address has no points left.
        let anybody = app.anonymous();
        while anybody.ask("{ __typename }", json!({})).await.status != 429 {}
        let mut alice = app.user().socket().await;
        alice.settle().await;
        // The oldest silent socket made room.
        let (code, reason) = silent[0].close().await;
        assert_eq!((code, reason.starts_with("too many")), (1013, true));
        drop((anonymous, silent));
    });
}

async fn stream(app: &TestApp, actor: &crate::support::Actor) -> Reply {
    let request = reqwest::Client::new()
        .post(app.url("/graphql"))
        .bearer_auth(actor.token().unwrap())
        .header("accept", "text/event-stream")
        .json(&json!({"query": "subscription { minerUpdated { __typename } }"}));
    Reply::to(request).await
}

/// Waits until the server has released a closed socket.
async fn until_room(app: &TestApp, actor: &crate::support::Actor) {
    let room = async {
        loop {
            let mut socket = init(app.address(), actor.token()).await;
            if let Some(said) = socket.try_hear().await {
                return assert_eq!(said["type"], "connection_ack");
            }
        }
    };
    in_time("room", room).await;
}
