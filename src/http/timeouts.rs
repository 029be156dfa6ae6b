//! Closes connections whose peer doesn't read, and idle connections.
//!
//! An answer that the peer doesn't read stays in our buffers; without a timeout it would stay as long as the peer's
//! machine runs.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, Instant, Sleep, sleep};

/// Accepts connections with a write timeout and an idle timeout.
#[derive(Debug)]
pub struct IdleTimeoutListener {
    /// The listening socket.
    pub tcp: TcpListener,
    /// Time after which a peer that leaves pending data unread is disconnected.
    pub write_timeout: Duration,
    /// Time after which an idle connection is closed. Sockets and streams send heartbeats more often.
    pub idle_timeout: Duration,
}

/// The kernel's send buffer per connection. Its default may grow to megabytes.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

impl Listener for IdleTimeoutListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (tcp, address) = Listener::accept(&mut self.tcp).await;
        // Events are sent at once, not when a packet is full.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "A connection was closed already: {error}");
        }
        if let Err(error) = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "The send buffer of a connection can't be set: {error}");
        }
        let connection = Connection {
            tcp,
            write_timeout: self.write_timeout,
            stalled: None,
            idle_timeout: self.idle_timeout,
            active_at: Instant::now(),
            idle_timer: Box::pin(sleep(self.idle_timeout)),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A connection with timeouts.
#[derive(Debug)]
pub struct Connection {
    tcp: TcpStream,
    write_timeout: Duration,
    /// Runs while pending data is not read.
    stalled: Option<Pin<Box<Sleep>>>,
    idle_timeout: Duration,
    /// Time of the last transfer of data.
    active_at: Instant,
    /// Elapses at the earliest time at which the connection may be idle.
    idle_timer: Pin<Box<Sleep>>,
}

impl Connection {
    fn check_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.active_at = Instant::now();
            return written;
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(context, buffer);
        if read.is_ready() {
            self.active_at = Instant::now();
            return read;
        }
        // A task that waits for the peer is polled here.
        loop {
            ready!(self.idle_timer.as_mut().poll(context));
            let until = self.active_at + self.idle_timeout;
            if Instant::now() >= until {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.idle_timer.as_mut().reset(until);
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.check_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(context, slices);
        self.check_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
