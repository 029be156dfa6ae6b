//! Live updates: sockets, streams over HTTP, and the events they deliver.
//!
//! `protocol` parses and writes the messages of the two WebSocket subprotocols, `operations` runs the operations of a
//! socket, `socket` handles a socket from its handshake to its close code. `stream` sends one operation over HTTP in the
//! format of `sse` or `multipart`. `connection_quota` counts the open sockets and streams of each caller, `shutdown`
//! determines when they close. [`announcer`] announces events to all instances; [`listener`] receives the announcements
//! and publishes the events to this instance's subscribers.

pub mod announcer;
mod connection_quota;
pub mod listener;
mod multipart;
mod operations;
mod protocol;
mod settings;
mod shutdown;
mod socket;
mod sse;
mod stream;

use axum::http::{HeaderMap, header};

pub use connection_quota::{ConnectionQuota, QuotaExceeded, QuotaHolder, QuotaLimits, QuotaSlot};
pub use settings::LiveSettings;
pub use socket::upgrade;
pub use stream::{Opened, open};

/// Whether a request asks for a WebSocket.
#[must_use]
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::UPGRADE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}
