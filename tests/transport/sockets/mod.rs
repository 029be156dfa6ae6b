//! WebSocket subprotocols, limits and close codes.

mod budget;
mod closing;
mod handshake;
mod legacy;
mod messages;
mod quota;
mod slow;
mod token;

use std::net::SocketAddr;

use goodgo::http::HttpSettings;
use goodgo::realtime::LiveSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::Server;
use crate::support::TestApp;

pub const FOLLOW: &str = "subscription { minerUpdated { __typename } }";

/// Sends a raw handshake; returns the stream and the response's head.
pub async fn shake_hands(address: SocketAddr, headers: &str) -> (TcpStream, String) {
    shake_hands_in(address, 13, headers).await
}

/// [`shake_hands`] in a version of the protocol.
async fn shake_hands_in(address: SocketAddr, version: u8, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: {version}\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

/// Status of a handshake.
pub async fn status_of(address: SocketAddr, headers: &str) -> u16 {
    let (_, head) = shake_hands(address, &format!("{KEY}{headers}")).await;
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

pub const KEY: &str = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
pub const PROTOCOL: &str = "sec-websocket-protocol: graphql-transport-ws\r\n";

pub async fn with_limits(app: &TestApp, change: impl FnOnce(&mut LiveSettings)) -> Server {
    let mut settings = HttpSettings::default();
    change(&mut settings.live);
    Server::start(app, settings).await
}
