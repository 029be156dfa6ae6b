//! Connections that don't read: cut, before what waits for them piles up.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::test_with;

/// Asks for so much at once that no buffer in between holds the answers.
const ASKED: usize = 2_000;

#[test]
fn who_does_not_read_its_answers_is_cut() {
    test_with(&[("GOODGO_SOCKET_WRITE_SECONDS", "1")], async |app| {
        let mut deaf = TcpStream::connect(app.address()).await.unwrap();
        let host = app.address();
        let request = format!("GET /schema.graphql HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let sdl = resolvers::sdl(&resolvers::schema()).len();
        // It stops taking requests while answers wait, and hangs up in the end: then nothing can be sent any more.
        let cut = async { while deaf.write_all(request.as_bytes()).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(30), cut)
            .await
            .expect("an end in time");
        let mut read = 0;
        let mut chunk = vec![0; 1 << 16];
        while let Ok(length @ 1..) = deaf.read(&mut chunk).await {
            read += length;
        }
        assert!(read < ASKED * sdl, "{read} bytes");
        // Who reads slowly, but reads, is served.
        let mut slow = TcpStream::connect(app.address()).await.unwrap();
        slow.write_all(
            request
                .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")
                .as_bytes(),
        )
        .await
        .unwrap();
        let mut answer = Vec::new();
        slow.read_to_end(&mut answer).await.unwrap();
        assert!(answer.len() > sdl);
    });
}

#[test]
fn a_connection_on_which_nothing_happens_is_closed() {
    let settings = [
        ("GOODGO_IDLE_SECONDS", "15"),
        ("GOODGO_SOCKET_PING_SECONDS", "1"),
    ];
    test_with(&settings, async |app| {
        let mut silent = TcpStream::connect(app.address()).await.unwrap();
        let mut halfway = TcpStream::connect(app.address()).await.unwrap();
        halfway
            .write_all(b"POST /graphql HTTP/1.1\r\nhost: a")
            .await
            .unwrap();
        // A socket is pinged all the time, and its client answers.
        let mut socket = app.user().socket().await;
        let follow = "subscription { minerUpdated { __typename } }";
        socket.subscribe("1", follow).await;
        let closed = async {
            let mut rest = Vec::new();
            for idle in [&mut silent, &mut halfway] {
                // An answer or none, and the end.
                let _ = idle.read_to_end(&mut rest).await;
            }
        };
        assert_eq!(socket.close_code_unless(closed).await, None);
        socket.settle().await;
    });
}
