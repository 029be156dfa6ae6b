//! Gives up on connections whose peers don't read what is sent to them, or neither say nor hear anything.
//!
//! What a peer doesn't take waits in our buffers, and nobody else asks about it: an answer that nobody reads would be
//! kept for as long as the machine at the other end is there.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, Instant, Sleep, sleep};

/// Takes connections, and has so much patience with each of them.
#[derive(Debug)]
pub struct Patient {
    /// Where they come in.
    pub tcp: TcpListener,
    /// How long nothing may be read of what waits.
    pub patience: Duration,
    /// How long nothing may come or go. Sockets and streams say something more often.
    pub idle: Duration,
}

/// What the machine keeps of what a peer hasn't taken yet: it would be megabytes.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

impl Listener for Patient {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (tcp, address) = Listener::accept(&mut self.tcp).await;
        // What happens is told at once, not when there is enough of it for a packet.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "A connection is gone already: {error}");
        }
        if let Err(error) = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "The buffer of a connection stays as it is: {error}");
        }
        let connection = Connection {
            tcp,
            patience: self.patience,
            stalled: None,
            idle: self.idle,
            moved_at: Instant::now(),
            idles: Box::pin(sleep(self.idle)),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    tcp: TcpStream,
    patience: Duration,
    /// Runs while something waits that is not read.
    stalled: Option<Pin<Box<Sleep>>>,
    idle: Duration,
    /// When something last came or went.
    moved_at: Instant,
    /// Looks at that once in a while.
    idles: Pin<Box<Sleep>>,
}

impl Connection {
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.moved_at = Instant::now();
            return written;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
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
            self.moved_at = Instant::now();
            return read;
        }
        // Whoever waits for its peer's next word waits here.
        loop {
            ready!(self.idles.as_mut().poll(context));
            let until = self.moved_at + self.idle;
            if Instant::now() >= until {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.idles.as_mut().reset(until);
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
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(context, slices);
        self.judge(context, written)
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
