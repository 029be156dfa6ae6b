//! Live updates: sockets, streams over HTTP, and the events they carry.
//!
//! `protocol` is what client and server say to each other over a socket, in two dialects, `operations` what runs on one
//! socket, `socket` a socket's life from handshake to close code. `stream` tells one operation over HTTP, as `sse` or
//! `multipart` write it. `places` counts what each caller has open, `leaving` says when all of it has to end.
//! [`announcer`] tells all instances what was written, [`listener`] hears it and hands it to this instance's
//! subscribers, `circles` those of members; what all of them follow together, [`leaderboard`] reads for all of them.

pub mod announcer;
mod leaving;
pub mod listener;
mod multipart;
mod operations;
mod places;
mod protocol;
mod settings;
mod socket;
mod sse;
mod stream;

use async_graphql::{Response, Value};
use axum::http::{HeaderMap, header};
use resolvers::errors::TOO_SLOW;

pub use places::{Full, Holder, MaxPlaces, Place, Places};
pub use settings::LiveSettings;
pub use socket::upgrade;
pub use stream::{Live, Opened, open};

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
    metrics::describe_counter!(
        "websocket_closes_total",
        "Sockets closed, by code and reason"
    );
    metrics::describe_gauge!("http_streams", "Operations that are told over HTTP");
    metrics::describe_counter!("http_streams_ended_total", "Streams ended, by reason");
    metrics::describe_counter!(
        "live_refused_total",
        "Sockets and streams one caller had too many"
    );
}

/// Whether a subscription ends because its client reads too slowly.
fn is_too_slow(response: &Response) -> bool {
    let reasons = response.errors.iter().filter_map(|error| {
        let extensions = error.extensions.as_ref()?;
        extensions.get("reason")
    });
    let too_slow = Value::from(TOO_SLOW);
    reasons.into_iter().any(|reason| *reason == too_slow)
}
