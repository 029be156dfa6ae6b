//! Timeouts of a connection: of request headers, of a peer that doesn't read, and of idleness.
//!
//! An answer that the peer doesn't read stays in our buffers; without a timeout it would stay as long as the peer's
//! machine runs. hyper's timeout of headers also runs while a connection waits for its next request. [`HeaderTimer`]
//! starts it at the accept, and later at the first read of a request; the idle timeout covers the time between, and
//! headers that began in the same read as the request before them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Sleep as HyperSleep, Timer};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, Sleep, sleep, sleep_until};

/// The kernel's send buffer per connection. Its default may grow to megabytes.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Time from the accept, or from the first byte of a later request, to the end of the headers.
    pub header: Duration,
    /// Time after which a peer that leaves pending data unread is disconnected.
    pub write: Duration,
    /// Time after which an idle connection is closed. Sockets and streams send heartbeats more often.
    pub idle: Duration,
}

/// The headers that a connection waits for.
#[derive(Clone, Copy, Debug)]
enum Headers {
    /// Those of the first request, since the accept.
    First(Instant),
    /// Those of a later request, without a byte so far.
    Later,
    /// They began at this time.
    Began(Instant),
}

/// Times the headers of each request of a connection. hyper asks for a sleep whenever it begins to wait for headers.
#[derive(Clone, Debug)]
pub struct HeaderTimer {
    headers: Arc<Mutex<Headers>>,
    timeout: Duration,
}

impl HeaderTimer {
    fn new(timeout: Duration) -> Self {
        Self {
            headers: Arc::new(Mutex::new(Headers::First(Instant::now()))),
            timeout,
        }
    }

    /// The timeout of headers.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Starts the timeout at the first byte of a later request.
    fn received(&self, now: Instant) {
        let mut headers = self.headers.lock();
        if matches!(*headers, Headers::Later) {
            *headers = Headers::Began(now);
        }
    }
}

impl Timer for HeaderTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn HyperSleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, _deadline: std::time::Instant) -> Pin<Box<dyn HyperSleep>> {
        let mut headers = self.headers.lock();
        *headers = match *headers {
            Headers::First(at) => Headers::Began(at),
            Headers::Later | Headers::Began(_) => Headers::Later,
        };
        Box::pin(HeaderSleep {
            timer: self.clone(),
            sleep: None,
        })
    }
}

/// Ends when the headers have taken too long.
struct HeaderSleep {
    timer: HeaderTimer,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl HyperSleep for HeaderSleep {}

impl Future for HeaderSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // A read wakes the task, and hyper polls this after each read.
        let Headers::Began(at) = *self.timer.headers.lock() else {
            return Poll::Pending;
        };
        let until = at + self.timer.timeout;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        sleep.as_mut().poll(context)
    }
}

/// A connection with timeouts. `permit` counts it until it is dropped.
#[derive(Debug)]
pub struct Connection<P> {
    tcp: TcpStream,
    header_timer: HeaderTimer,
    write_timeout: Duration,
    /// Runs while pending data is not read.
    stalled: Option<Pin<Box<Sleep>>>,
    idle_timeout: Duration,
    /// Time of the last transfer of data.
    active_at: Instant,
    /// Elapses at the earliest time at which the connection may be idle.
    idle_timer: Pin<Box<Sleep>>,
    _permit: P,
}

impl<P> Connection<P> {
    /// A connection that was just accepted.
    pub fn new(tcp: TcpStream, timeouts: Timeouts, permit: P) -> Self {
        // Events are sent at once, not when a packet is full.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "A connection was closed already: {error}");
        }
        if let Err(error) = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "The send buffer of a connection can't be set: {error}");
        }
        Self {
            tcp,
            header_timer: HeaderTimer::new(timeouts.header),
            write_timeout: timeouts.write,
            stalled: None,
            idle_timeout: timeouts.idle,
            active_at: Instant::now(),
            idle_timer: Box::pin(sleep(timeouts.idle)),
            _permit: permit,
        }
    }

    /// The timer of its request headers.
    #[must_use]
    pub fn header_timer(&self) -> HeaderTimer {
        self.header_timer.clone()
    }

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

impl<P: Unpin> AsyncRead for Connection<P> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(context, buffer);
        if read.is_ready() {
            self.active_at = Instant::now();
            self.header_timer.received(self.active_at);
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

impl<P: Unpin> AsyncWrite for Connection<P> {
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
