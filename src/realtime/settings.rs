//! Limits and timeouts of sockets and streams.

use std::time::Duration;

use super::connection_quota::QuotaLimits;

/// Limits and timeouts of sockets and streams.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// `GOODGO_SOCKET_INIT_SECONDS`: timeout of `connection_init`, 3.
    pub init_timeout: Duration,
    /// `GOODGO_SOCKET_PING_SECONDS`: interval of pings and heartbeats, 20.
    pub ping_every: Duration,
    /// `GOODGO_SOCKET_WRITE_SECONDS`: write timeout, 10.
    pub write_timeout: Duration,
    /// `GOODGO_SOCKET_MESSAGE_BYTES`: longest message of a client, 262144.
    pub max_message_bytes: usize,
    /// `GOODGO_SOCKET_OPERATIONS`: maximum of concurrent operations of a socket, 100.
    pub max_operations: usize,
    /// `GOODGO_SOCKETS_PER_…`: maximum of sockets and streams per caller.
    pub quota: QuotaLimits,
    /// `GOODGO_LEAVE_SECONDS`: how long the server continues after the shutdown signal while readiness fails: 2 in
    /// production, 0 in development.
    pub leave: Duration,
    /// `GOODGO_SOCKET_DRAIN_SECONDS`: time over which sockets are closed after that, 2. If they all closed at once, their
    /// clients would reconnect at once.
    pub drain: Duration,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(3),
            ping_every: Duration::from_secs(20),
            write_timeout: Duration::from_secs(10),
            max_message_bytes: 256 * 1024,
            max_operations: 100,
            quota: QuotaLimits::default(),
            leave: Duration::ZERO,
            drain: Duration::from_secs(2),
        }
    }
}
