//! Accepts connections up to a limit, and serves them by HTTP/1.1.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use metrics::{counter, gauge};
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::rate::network;
use super::timeouts::{Connection, Timeouts};
use crate::metrics::Counted;

/// Files of the process besides connections of clients and of the database: logs, exports, key files, the runtime.
const OTHER_FILES: usize = 64;

/// The fewest connections, even if the process may open few files.
const MIN_CONNECTIONS: usize = 16;

/// Maximum of open connections on this instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `GOODGO_CONNECTIONS`: in all, 20000. An address never takes more than half of them.
    pub all: usize,
    /// `GOODGO_CONNECTIONS_PER_ADDRESS`: of an address (IPv6: of a /64 network), 2000. `None` behind proxies, whose
    /// address all clients share.
    pub per_address: Option<usize>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            all: 20_000,
            per_address: Some(2_000),
        }
    }
}

impl ConnectionLimits {
    /// Lowers the limits so that the files that the process may open suffice for these database connections too.
    #[must_use]
    pub fn within_open_files(self, database_connections: usize) -> Self {
        let Some(files) = getrlimit(Resource::Nofile).current else {
            return self;
        };
        self.within(
            usize::try_from(files).unwrap_or(usize::MAX),
            database_connections,
        )
    }

    fn within(self, files: usize, database_connections: usize) -> Self {
        let left = files.saturating_sub(OTHER_FILES + database_connections);
        let all = self.all.min(left.max(MIN_CONNECTIONS));
        if all < self.all {
            tracing::info!(
                files,
                all,
                "At most {all} connections are accepted, because the process may open {files} files"
            );
        }
        Self { all, ..self }
    }
}

/// Serves connections until `shutdown` ends, and then until the open ones have finished their requests.
pub async fn serve(
    mut tcp: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    timeouts: Timeouts,
    shutdown: impl Future<Output = ()>,
) {
    let open = OpenConnections::new(limits);
    let (shut_down, is_shutting_down) = watch::channel(false);
    let connections = TaskTracker::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut tcp) => accepted,
            () = &mut shutdown => break,
        };
        match open.acquire(peer.ip()) {
            Ok(permit) => {
                let connection = Connection::new(stream, timeouts, permit);
                let serving = serve_one(connection, peer, router.clone(), is_shutting_down.clone());
                connections.spawn(serving.boxed());
            }
            Err(limit) => {
                counter!("http_connections_refused_total", "limit" => limit.name()).increment(1);
                // A client that has sent its request may not receive this.
                stream.try_write(limit.answer()).ok();
            }
        }
    }
    drop(tcp);
    shut_down.send_replace(true);
    connections.close();
    connections.wait().await;
}

async fn serve_one(
    connection: Connection<Permit>,
    peer: SocketAddr,
    router: Router,
    mut is_shutting_down: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let timer = connection.header_timer();
    let serving = http1::Builder::new()
        .header_read_timeout(timer.timeout())
        .timer(timer)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    let mut serving = pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = is_shutting_down.wait_for(|is_shutting_down| *is_shutting_down).map(drop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "A connection of {peer} failed: {error}");
    }
}

/// The limit that refuses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    All,
    PerAddress,
}

impl Limit {
    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::PerAddress => "address",
        }
    }

    fn answer(self) -> &'static [u8] {
        match self {
            Self::All => {
                b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            }
            Self::PerAddress => {
                b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            }
        }
    }
}

/// Counts the open connections, sockets included.
#[derive(Clone, Debug)]
struct OpenConnections {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl OpenConnections {
    fn new(limits: ConnectionLimits) -> Self {
        let half = (limits.all / 2).max(1);
        Self {
            limits: ConnectionLimits {
                per_address: limits.per_address.map(|most| most.min(half)),
                ..limits
            },
            counts: Arc::default(),
        }
    }

    fn acquire(&self, peer: IpAddr) -> Result<Permit, Limit> {
        let address = network(peer);
        let mut counts = self.counts.lock();
        if counts.all >= self.limits.all {
            return Err(Limit::All);
        }
        let of_address = counts.by_address.get(&address).copied().unwrap_or_default();
        if self
            .limits
            .per_address
            .is_some_and(|most| of_address >= most)
        {
            return Err(Limit::PerAddress);
        }
        counts.all += 1;
        counts.by_address.insert(address, of_address + 1);
        drop(counts);
        Ok(Permit {
            open: self.clone(),
            address,
            _gauge: Counted::by(gauge!("http_connections")),
        })
    }
}

/// Counts a connection until it is dropped.
#[derive(Debug)]
struct Permit {
    open: OpenConnections,
    address: IpAddr,
    _gauge: Counted,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.open.counts.lock();
        counts.all = counts.all.saturating_sub(1);
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn leaves_half_to_other_addresses() {
        let open = OpenConnections::new(ConnectionLimits {
            all: 4,
            per_address: Some(100),
        });
        let acquire = |text| open.acquire(address(text));
        let first = acquire("192.0.2.1").expect("a connection");
        let _second = acquire("192.0.2.1").expect("a connection");
        assert_eq!(acquire("192.0.2.1").err(), Some(Limit::PerAddress));
        let _third = acquire("2001:db8::1").expect("a connection");
        let _fourth = acquire("2001:db8::2").expect("a connection");
        assert_eq!(acquire("192.0.2.3").err(), Some(Limit::All));
        drop(first);
        assert_eq!(acquire("2001:db8::3").err(), Some(Limit::PerAddress));
        assert!(acquire("192.0.2.1").is_ok());
    }

    #[test]
    fn does_not_limit_proxies_per_address() {
        let open = OpenConnections::new(ConnectionLimits {
            all: 3,
            per_address: None,
        });
        let kept: Vec<_> = (0..4).map(|_| open.acquire(address("10.0.0.1"))).collect();
        let refused = kept.iter().filter(|permit| permit.is_err());
        assert_eq!(refused.count(), 1);
        drop(kept);
        assert!(open.counts.lock().by_address.is_empty());
    }

    #[test]
    fn keeps_files_for_the_database() {
        let all = |files, most: usize| {
            let limits = ConnectionLimits {
                all: most,
                ..ConnectionLimits::default()
            };
            limits.within(files, 36).all
        };
        assert_eq!(all(300, 20_000), 200);
        assert_eq!(all(300, 100), 100);
        assert_eq!(all(64, 100), MIN_CONNECTIONS);
    }
}
