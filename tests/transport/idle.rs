//! Timeouts of idle connections and of clients that do not read.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{in_time, test_with};

/// Pipelines requests whose answers exceed all buffers.
const ASKED: usize = 2_000;

#[test]
fn disconnects_clients_that_do_not_read() {
    test_with(&[("GOODGO_SOCKET_WRITE_SECONDS", "1")], async |app| {
        let mut deaf = TcpStream::connect(app.address()).await.unwrap();
        let host = app.address();
        let request = format!("GET /schema.graphql HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let sdl = resolvers::sdl(&resolvers::schema()).len();
        // The server stops reading requests while answers wait, and finally closes the connection.
        let cut = async { while deaf.write_all(request.as_bytes()).await.is_ok() {} };
        in_time("an end", cut).await;
        let mut read = 0;
        let mut chunk = vec![0; 1 << 16];
        while let Ok(length @ 1..) = deaf.read(&mut chunk).await {
            read += length;
        }
        assert!(read < ASKED * sdl, "{read} bytes");
        // A client that reads slowly is served.
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
fn closes_idle_connections() {
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
