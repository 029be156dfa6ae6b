//! Live updates: sockets, and the events they carry.
//!
//! `protocol` is what client and server say to each other in graphql-transport-ws, `operations` what runs on one
//! socket, `socket` a socket's life from handshake to close code. [`announcer`] tells all instances what was written,
//! [`listener`] hears it and hands it to this instance's subscribers; what all of them follow together, [`leaderboard`]
//! reads for all of them.

pub mod announcer;
pub mod leaderboard;
pub mod listener;
mod operations;
mod protocol;
mod socket;

use std::time::Duration;

use axum::http::{HeaderMap, header};

pub use socket::upgrade;

/// How much a socket is allowed.
#[derive(Clone, Debug)]
pub struct SocketSettings {
    /// How long a client may take to say who it is.
    pub init_timeout: Duration,
    /// How often we ask whether it is still there.
    pub ping_every: Duration,
    /// How long it may take to read what we send.
    pub write_timeout: Duration,
    /// The longest message it may send.
    pub max_message_bytes: usize,
    /// How many operations it may run at once.
    pub max_operations: usize,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(3),
            ping_every: Duration::from_secs(20),
            write_timeout: Duration::from_secs(10),
            max_message_bytes: 256 * 1024,
            max_operations: 100,
        }
    }
}

/// Whether a request wants to become a socket.
#[must_use]
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::UPGRADE)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Tells the recorder what is counted.
pub fn describe() {
    metrics::describe_gauge!("websocket_connections", "Sockets that are open");
    metrics::describe_gauge!("websocket_operations", "Operations that run on sockets");
    metrics::describe_counter!("websocket_closes_total", "Sockets closed, by code");
}
