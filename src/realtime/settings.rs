//! How much live transports are allowed, and how they end.

use std::time::Duration;

use super::places::MaxPlaces;

/// How much a socket, or a stream over HTTP, is allowed.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// `GOODGO_SOCKET_INIT_SECONDS`: how long a client may take to say who it is, 3.
    pub init_timeout: Duration,
    /// `GOODGO_SOCKET_PING_SECONDS`: how often we ask whether it is still there, and say that we are, 20.
    pub ping_every: Duration,
    /// `GOODGO_SOCKET_WRITE_SECONDS`: how long it may take to read what we send, 10.
    pub write_timeout: Duration,
    /// `GOODGO_SOCKET_MESSAGE_BYTES`: the longest message it may send, 262144.
    pub max_message_bytes: usize,
    /// `GOODGO_SOCKET_OPERATIONS`: how many operations a socket may run at once, 100.
    pub max_operations: usize,
    /// `GOODGO_SOCKETS_PER_…`: how many sockets and streams a caller may have.
    pub places: MaxPlaces,
    /// `GOODGO_LEAVE_SECONDS`: how long a server that is told to stop goes on as before, but for saying that it stops:
    /// 2 in production, 0 in development.
    pub leave: Duration,
    /// `GOODGO_SOCKET_DRAIN_SECONDS`: over how long sockets are closed after that, 2. All at once would come back at once.
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
            places: MaxPlaces::default(),
            leave: Duration::ZERO,
            drain: Duration::from_secs(2),
        }
    }
}
