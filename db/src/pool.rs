//! The connection pool. Its connections work in a role that cannot change append-only tables.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool::Status;
use diesel::ConnectionError;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::sql_types::Bool;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::money::{Currency, CurrencyCode};
use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::async_fn::AsyncFunc;
use crate::operation_trace::{self, Busy};
use crate::wallets::Constants;
use crate::{DbError, Ids, Result};

/// Role of every pooled connection. It cannot change append-only tables.
pub const APP_ROLE: &str = "goodgo_app";

/// Largest number of concurrent cancellations of statements.
const CANCELLED_AT_ONCE: usize = 4;

/// One connection to the database.
pub type Connection = AsyncPgConnection;

/// TLS configuration that trusts the machine's certificate store.
#[derive(Clone, derive_more::Debug)]
#[debug("Tls")]
pub struct Tls(rustls::ClientConfig);

impl Tls {
    /// Reads the machine's certificate store.
    #[must_use]
    pub fn from_machine() -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self(
            rustls::ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    /// The connector for one connection.
    pub(crate) fn connector(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new(self.0.clone())
    }
}

/// Settings of the database connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL or `key=value` pairs.
    pub url: String,
    /// Largest number of connections.
    pub pool_size: usize,
    /// Time to wait for a connection.
    pub pool_wait: Duration,
    /// Timeout of a statement.
    pub statement_timeout: Duration,
    /// Time a statement may wait for a lock.
    pub lock_timeout: Duration,
}

impl Settings {
    /// The default settings.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            pool_wait: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(8),
            lock_timeout: Duration::from_secs(3),
        }
    }
}

/// The database. Clones share one pool.
#[derive(Clone, derive_more::Debug)]
#[debug("Db({:?})", self.connections())]
pub struct Db {
    shared: Arc<Shared>,
    is_cluster: bool,
}

struct Shared {
    pool: Pool<Connection>,
    settings: Settings,
    tls: Tls,
    ids: Ids,
    constants: Constants,
    committed: Notify,
    /// Permits to cancel statements: each cancellation opens a connection beside the pool.
    cancelling: Arc<Semaphore>,
    sent: Arc<Sent>,
}

/// Numbers of what the pool's connections sent.
#[derive(Default)]
struct Sent {
    statements: AtomicU64,
    round_trips: AtomicU64,
}

impl Db {
    /// Opens the pool and reads what never changes: the currencies, the house accounts, and whether it is a cluster.
    pub async fn connect(settings: Settings, tls: Tls, ids: Ids) -> Result<Self> {
        let sent = Arc::default();
        let pool = pool(&settings, &tls, &sent);
        let mut conn = pool.get().await?;
        let constants = crate::wallets::constants(&mut conn).await?;
        let is_cluster = diesel::dsl::sql::<Bool>(
            "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')",
        );
        let is_cluster = is_cluster.get_result(&mut conn).await?;
        drop(conn);
        Ok(Self {
            is_cluster,
            shared: Arc::new(Shared {
                pool,
                settings,
                tls,
                ids,
                constants,
                committed: Notify::new(),
                cancelling: Arc::new(Semaphore::new(CANCELLED_AT_ONCE)),
                sent,
            }),
        })
    }

    /// Runs queries on a pooled connection, and once more on a fresh one when that turns out to be closed.
    pub async fn read<T, F>(&self, query: F) -> Result<T>
    where
        for<'c> F: AsyncFnOnce(&'c mut Connection) -> Result<T>
            + AsyncFunc<&'c mut Connection, Result<T>, Fut: Send>
            + Clone
            + Send,
        T: Send,
    {
        let mut conn = self.connection().await?;
        let answer = query.clone()(&mut conn).await;
        conn.release();
        match answer {
            Err(error) if error.is_closed() => {
                drop(conn);
                self.close_idle();
                let mut conn = self.connection().await?;
                let answer = query(&mut conn).await;
                conn.release();
                answer
            }
            answer => answer,
        }
    }

    /// The currencies, by code.
    #[must_use]
    pub fn currencies(&self) -> &HashMap<CurrencyCode, Currency> {
        &self.shared.constants.currencies
    }

    /// What never changes in the ledger.
    pub(crate) fn constants(&self) -> &Constants {
        &self.shared.constants
    }

    /// Whether tables are distributed by owner (Citus).
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// The same database with the statements of a cluster, which a single database understands too.
    #[must_use]
    pub fn as_cluster(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            is_cluster: true,
        }
    }

    /// The source of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.shared.ids
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Number of statements sent so far, for tests.
    #[must_use]
    pub fn statements(&self) -> u64 {
        AtomicU64::load(&self.shared.sent.statements, Ordering::Relaxed)
    }

    /// Number of times that statements were sent while none was running, for tests.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        AtomicU64::load(&self.shared.sent.round_trips, Ordering::Relaxed)
    }

    /// State of the pool.
    #[must_use]
    pub fn connections(&self) -> Status {
        self.shared.pool.status()
    }

    /// Waits until a transaction of this process has written an event.
    pub async fn event_written(&self) {
        self.shared.committed.notified().await;
    }

    /// Signals that a transaction has written an event.
    pub(crate) fn notify_event_written(&self) {
        self.shared.committed.notify_one();
    }

    /// The TLS configuration.
    pub(crate) fn tls(&self) -> &Tls {
        &self.shared.tls
    }

    /// Takes a connection from the pool.
    pub(crate) async fn connection(&self) -> Result<PooledConnection> {
        let busy = Busy::start();
        let asked = Instant::now();
        let conn = self.shared.pool.get().await;
        metrics::histogram!("goodgo_pool_wait_seconds").record(asked.elapsed());
        if conn.is_err() {
            metrics::counter!("goodgo_pool_failures_total").increment(1);
        }
        Ok(PooledConnection {
            conn: Some(conn?),
            is_done: false,
            _busy: busy,
            tls: self.shared.tls.clone(),
            cancelling: Arc::clone(&self.shared.cancelling),
        })
    }

    /// Closes idle connections: when the database closed one, the others are probably closed too.
    pub(crate) fn close_idle(&self) {
        self.shared.pool.retain(|_, _| false);
    }
}

/// A connection from the pool. One that is dropped before [`PooledConnection::release`] (the client disconnected, a
/// command panicked) does not return to the pool: its statement is cancelled and the connection closed, which frees its
/// locks.
pub(crate) struct PooledConnection {
    conn: Option<Object<Connection>>,
    is_done: bool,
    _busy: Busy,
    tls: Tls,
    cancelling: Arc<Semaphore>,
}

impl PooledConnection {
    /// Marks the work as done: the connection may return to the pool.
    pub(crate) fn release(&mut self) {
        self.is_done = true;
    }
}

impl std::ops::Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.conn {
            Some(conn) => conn,
            None => unreachable!("only dropping takes it"),
        }
    }
}

impl std::ops::DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.conn {
            Some(conn) => conn,
            None => unreachable!("only dropping takes it"),
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if let Some(conn) = self.conn.take().map(Object::take)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (tls, turns) = (self.tls.connector(), Arc::clone(&self.cancelling));
            runtime.spawn(async move {
                // The statement ends by its timeout when many clients disconnect at once or the database does not respond.
                if let Ok(_turn) = turns.try_acquire() {
                    let token = conn.cancel_token();
                    let cancelled = token.cancel_query(tls);
                    let _ = tokio::time::timeout(CONNECT_TIMEOUT, cancelled).await;
                }
                drop(conn);
            });
        }
    }
}

fn pool(settings: &Settings, tls: &Tls, sent: &Arc<Sent>) -> Pool<Connection> {
    let mut config = ManagerConfig::default();
    // A test statement at each checkout would cost a round trip; `read` and `write` retry on a closed connection.
    config.recycling_method = RecyclingMethod::Fast;
    let tls = tls.clone();
    let sent = Arc::clone(sent);
    let setup = format!(
        "SET ROLE {role}; SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {idle}; SET TIME ZONE 'UTC'; SET application_name = 'goodgo'",
        role = APP_ROLE,
        statement = settings.statement_timeout.as_millis(),
        lock = settings.lock_timeout.as_millis(),
        idle = settings.statement_timeout.as_millis() * 2,
    );
    config.custom_setup = Box::new(move |url| {
        let (url, tls, setup) = (url.to_owned(), tls.clone(), setup.clone());
        let sent = Arc::clone(&sent);
        async move {
            let mut conn = connect(&url, &tls).await?;
            conn.batch_execute(&setup)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            conn.set_instrumentation(Observed {
                sent,
                started: VecDeque::new(),
            });
            Ok(conn)
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(&settings.url, config);
    Pool::builder(manager)
        .max_size(settings.pool_size)
        .wait_timeout(Some(settings.pool_wait))
        .create_timeout(Some(settings.pool_wait))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .unwrap_or_else(|error| unreachable!("a runtime is given: {error}"))
}

/// Idle time after which TCP keepalive probes are sent. A connection without a response is lost after three times this.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Timeout of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Parses a URL and sets the timeouts by which a vanished database is detected.
pub(crate) fn endpoint(url: &str) -> Result<tokio_postgres::Config, tokio_postgres::Error> {
    let mut config: tokio_postgres::Config = url.parse()?;
    config
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE / 3)
        .keepalives_retries(3)
        .tcp_user_timeout(KEEPALIVE * 2);
    Ok(config)
}

/// Opens a connection outside the pool, in the role of the URL.
pub(crate) async fn connect(url: &str, tls: &Tls) -> Result<Connection, ConnectionError> {
    let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(describe(&error));
    let (client, connection) = endpoint(url)
        .map_err(bad)?
        .connect(tls.connector())
        .await
        .map_err(bad)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// Opens a connection in the role of the URL, which may do more than the server's.
pub async fn connect_as_migrator(url: &str, tls: &Tls) -> Result<Connection> {
    connect(url, tls)
        .await
        .map_err(|error| DbError::Unavailable(error.to_string()))
}

/// The error with its causes, which the driver's own text omits.
fn describe(error: &tokio_postgres::Error) -> String {
    let first: &dyn std::error::Error = error;
    let errors = std::iter::successors(Some(first), |error| error.source());
    let texts: Vec<_> = errors.map(ToString::to_string).collect();
    texts.join(": ")
}

/// Counts and times the statements of a connection. It is called in the task of the operation that sends them.
struct Observed {
    sent: Arc<Sent>,
    /// Start times of the statements without a result yet: several when they are pipelined.
    started: VecDeque<Instant>,
}

impl Instrumentation for Observed {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.sent.statements.fetch_add(1, Ordering::Relaxed);
                if self.started.is_empty() {
                    self.sent.round_trips.fetch_add(1, Ordering::Relaxed);
                }
                self.started.push_back(Instant::now());
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                if let Some(started) = self.started.pop_front() {
                    let took = operation_trace::statement(query, started, error.is_some());
                    metrics::histogram!("goodgo_statement_duration_seconds").record(took);
                }
                // Statements pipelined behind a failed one end without an event.
                if error.is_some() {
                    self.started.clear();
                }
            }
            _ => {}
        }
    }
}

/// Runs statements without results.
pub(crate) async fn batch(conn: &mut Connection, sql: &str) -> Result<()> {
    Ok(conn.batch_execute(sql).await?)
}

/// Sends `SELECT 1`.
pub async fn ping(conn: &mut Connection) -> Result<()> {
    diesel::sql_query("SELECT 1").execute(conn).await?;
    Ok(())
}
