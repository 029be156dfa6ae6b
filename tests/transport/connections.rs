//! Slow request headers, and the number of open connections.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::support::{in_time, test_with};

/// Connects from an address of the loopback network.
pub async fn connect_from(local: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((local, 0).into()).unwrap();
    socket.connect(server).await.unwrap()
}

/// Sends a request for the liveness; returns the status, or none without an answer.
pub async fn status(stream: &mut TcpStream) -> Option<u16> {
    let request = b"GET /health/live HTTP/1.1\r\nhost: goodgo\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(b"}") {
            match stream.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(_) => break,
            }
        }
    };
    in_time("an answer", read).await;
    String::from_utf8(answer)
        .unwrap()
        .split(' ')
        .nth(1)?
        .parse()
        .ok()
}

/// Sends a byte of a header again and again until the server closes the connection.
async fn drip(stream: &mut TcpStream, start: &[u8]) {
    stream.write_all(start).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let dripping = async {
        while writing.write_all(b"a").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let mut rest = Vec::new();
    let closed = async {
        tokio::select! {
            _ = reading.read_to_end(&mut rest) => {}
            () = dripping => {}
        }
    };
    in_time("the end of a slow connection", closed).await;
}

#[test]
fn closes_connections_with_slow_headers() {
    test_with(&[("GOODGO_HEADER_SECONDS", "1")], async |app| {
        let connect = async || TcpStream::connect(app.address()).await.unwrap();
        let (mut silent, mut slow) = (connect().await, connect().await);
        drip(&mut slow, b"GET / HTTP/1.1\r\nhost: ").await;
        let mut rest = Vec::new();
        let ended = silent.read_to_end(&mut rest);
        in_time("the end of a silent connection", ended).await.ok();
        // A connection may wait for its next request for longer, but not for the end of its headers.
        let mut reused = connect().await;
        assert_eq!(status(&mut reused).await, Some(200));
        sleep(Duration::from_millis(2_500)).await;
        assert_eq!(status(&mut reused).await, Some(200));
        drip(&mut reused, b"GET / HTTP/1.1\r\nhost: ").await;
    });
}

#[test]
fn limits_connections_per_address_and_in_all() {
    let settings = [
        ("GOODGO_CONNECTIONS", "6"),
        ("GOODGO_CONNECTIONS_PER_ADDRESS", "2"),
    ];
    test_with(&settings, async |app| {
        let connect = async |host| connect_from([127, 0, 0, host], app.address()).await;
        let mut open = Vec::new();
        for host in [2, 2] {
            open.push(connect(host).await);
        }
        assert_eq!(refusal(connect(2).await).await, "429");
        for host in [3, 3, 4, 4] {
            open.push(connect(host).await);
        }
        assert_eq!(status(open.last_mut().unwrap()).await, Some(200));
        assert_eq!(refusal(connect(5).await).await, "503");
        drop(open.remove(5));
        until_accepted(async || connect(5).await).await;
    });
}

#[test]
fn does_not_limit_proxies_per_address() {
    let settings = [
        ("GOODGO_CONNECTIONS", "6"),
        ("GOODGO_CONNECTIONS_PER_ADDRESS", "2"),
        ("GOODGO_TRUSTED_PROXIES", "1"),
    ];
    test_with(&settings, async |app| {
        let mut open = Vec::new();
        for _ in 0..5 {
            let mut stream = TcpStream::connect(app.address()).await.unwrap();
            assert_eq!(status(&mut stream).await, Some(200));
            open.push(stream);
        }
    });
}

/// The status of a connection that is refused before its request.
async fn refusal(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    in_time("a refusal", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// Waits until the server has noticed that another connection was closed.
async fn until_accepted(connect: impl AsyncFn() -> TcpStream) {
    let accepted = async {
        while status(&mut connect().await).await != Some(200) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("room", accepted).await;
}
