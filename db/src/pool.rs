//! The connection pool. Its connections work in a role that cannot change append-only tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deadpool::Status;
use diesel::ConnectionError;
use diesel::sql_types::{Bool, Text};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::money::{Currency, CurrencyCode};
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::async_fn::Statements;
use crate::instrumentation::{Sent, StatementObserver};
use crate::key_quota::KeyQuota;
use crate::operation_trace::Busy;
use crate::replica::{OperationReads, Replica};
use crate::standby;
use crate::stock::Stocks;
use crate::wallets::{Constants, CurrentConstants};
use crate::wire::{CONNECT_TIMEOUT, Endpoint, Tls, describe};
use crate::{DbError, Ids, Result};

/// Role of every pooled connection. It cannot change append-only tables.
pub const APP_ROLE: &str = "goodgo_app";

/// Largest number of concurrent cancellations of statements.
const CANCELLED_AT_ONCE: usize = 4;

/// Pause before another attempt to open a connection, if none returns to the pool.
const REOPEN_AFTER: Duration = Duration::from_millis(250);

/// One connection to the database.
pub type Connection = AsyncPgConnection;

/// Settings of the database connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL or `key=value` pairs. May lead through a pooler.
    pub url: String,
    /// The same database without a pooler, to listen for events.
    pub direct_url: String,
    /// A replica for reads.
    pub read_url: Option<String>,
    /// Largest number of connections.
    pub pool_size: usize,
    /// Time to wait for a connection.
    pub pool_wait: Duration,
    /// Timeout of a statement.
    pub statement_timeout: Duration,
    /// Time a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// Time to wait for another process that migrates.
    pub migration_wait: Duration,
}

impl Settings {
    /// The default settings.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            direct_url: url.clone(),
            read_url: None,
            url,
            pool_size: 16,
            pool_wait: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(8),
            lock_timeout: Duration::from_secs(3),
            migration_wait: Duration::from_secs(60),
        }
    }

    /// User of the URL.
    pub(crate) fn user(&self) -> Option<String> {
        let config: tokio_postgres::Config = self.url.parse().ok()?;
        config.get_user().map(str::to_owned)
    }

    /// Settings that transactions have, in the form in which the database stores them.
    pub(crate) fn of_role(&self) -> [(&'static str, String); 4] {
        let milliseconds = |time: Duration| time.as_millis().to_string();
        [
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            // A transaction that sends nothing.
            (
                "idle_in_transaction_session_timeout",
                milliseconds(self.statement_timeout * 2),
            ),
            ("TimeZone", "UTC".to_owned()),
        ]
    }

    /// Statements that set up a session; none when the URL's user is the application's role, which has its settings
    /// itself, so that nothing depends on the session.
    pub(crate) fn of_session(&self) -> Option<String> {
        let settings = self.of_role();
        let settings = settings
            .iter()
            .map(|(name, value)| format!("SET {name} = '{value}'"));
        let role = std::iter::once(format!("SET ROLE {APP_ROLE}"));
        let statements: Vec<String> = role.chain(settings).collect();
        (self.user().as_deref() != Some(APP_ROLE)).then(|| statements.join("; "))
    }

    /// Largest number of connections that reads, and that writes may use at once: three quarters. The rest is left to
    /// the other kind, so that neither hung commits nor slow queries take all of them.
    fn share(&self) -> usize {
        self.pool_size - (self.pool_size / 4).max(1).min(self.pool_size - 1)
    }
}

/// Use of a connection.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Read,
    Write,
}

/// The database. Clones share one pool.
#[derive(Clone, derive_more::Debug)]
#[debug("Db({:?})", self.connections())]
pub struct Db {
    shared: Arc<Shared>,
    is_cluster: bool,
    /// The operation that uses it, if there is a replica.
    pub(crate) operation: Option<Arc<OperationReads>>,
}

struct Shared {
    /// Name of the server in metrics.
    server: &'static str,
    replica: Option<Replica>,
    pool: Pool<Connection>,
    readers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    /// Callers that wait for a connection.
    waiting: AtomicUsize,
    /// A connection returned to the pool, or was closed.
    returned: Notify,
    /// Connections opened before this moment are not used again.
    stale_before: Mutex<Option<Instant>>,
    settings: Settings,
    endpoint: Endpoint,
    tls: Tls,
    ids: Ids,
    constants: Arc<CurrentConstants>,
    committed: Notify,
    key_quota: KeyQuota,
    stocks: Stocks,
    /// Permits to cancel statements: each cancellation opens a connection beside the pool.
    cancelling: Arc<Semaphore>,
    sent: Arc<Sent>,
}

impl Shared {
    fn new(
        pool: Pool<Connection>,
        endpoint: Endpoint,
        settings: Settings,
        (tls, ids, constants): (Tls, Ids, Arc<CurrentConstants>),
        sent: Arc<Sent>,
    ) -> Self {
        Self {
            server: "primary",
            replica: None,
            pool,
            readers: Arc::new(Semaphore::new(settings.share())),
            writers: Arc::new(Semaphore::new(settings.share())),
            waiting: AtomicUsize::new(0),
            returned: Notify::new(),
            stale_before: Mutex::new(None),
            settings,
            endpoint,
            tls,
            ids,
            constants,
            committed: Notify::new(),
            key_quota: KeyQuota::default(),
            stocks: Stocks::default(),
            cancelling: Arc::new(Semaphore::new(CANCELLED_AT_ONCE)),
            sent,
        }
    }
}

impl Db {
    /// Opens the pool and reads the currencies, the house accounts, and whether it is a cluster.
    pub async fn connect(settings: Settings, tls: Tls, ids: Ids) -> Result<Self> {
        let sent = Arc::default();
        let endpoint = endpoint(&settings.url, &tls)?;
        let pool = pool(&settings, &endpoint, &sent);
        let mut conn = pool.get().await?;
        let constants = crate::wallets::constants(&mut conn).await?;
        let constants = Arc::new(CurrentConstants::new(constants));
        let is_cluster = diesel::dsl::sql::<Bool>(
            "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')",
        );
        let is_cluster = is_cluster.get_result(&mut conn).await?;
        let mut shared = Shared::new(pool, endpoint, settings, (tls, ids, constants), sent);
        if let Some(settings) = shared.settings.of_replica() {
            let of = standby::observe(&mut conn).await?.identity();
            let endpoint = self::endpoint(&settings.url, &shared.tls)?;
            let pool = self::pool(&settings, &endpoint, &shared.sent);
            let same = (
                shared.tls.clone(),
                shared.ids.clone(),
                Arc::clone(&shared.constants),
            );
            let mut other = Shared::new(pool, endpoint, settings, same, Arc::clone(&shared.sent));
            other.server = "replica";
            shared.replica = Some(Replica::new(Self::of(other, is_cluster), of));
        }
        drop(conn);
        let db = Self::of(shared, is_cluster);
        // The server starts without its replica, too.
        let _ = db.check_replica().await;
        Ok(db)
    }

    fn of(shared: Shared, is_cluster: bool) -> Self {
        Self {
            shared: Arc::new(shared),
            is_cluster,
            operation: None,
        }
    }

    /// Runs queries on a pooled connection, and once more on a fresh one when that turns out to be closed.
    pub async fn read<T, F>(&self, query: F) -> Result<T>
    where
        F: Statements<T>,
        T: Send,
    {
        self.count_read();
        self.run_twice(Use::Read, query).await
    }

    /// Counts a read by its server.
    pub(crate) fn count_read(&self) {
        metrics::counter!("goodgo_reads_total", "server" => self.shared.server).increment(1);
    }

    /// The replica, if there is one.
    pub(crate) fn replica(&self) -> Option<&Replica> {
        self.shared.replica.as_ref()
    }

    /// Runs statements that change rows and commit one by one, with the connections of writes. Like [`Db::read`] it may
    /// run them twice.
    pub async fn autocommit<T, F>(&self, statements: F) -> Result<T>
    where
        F: Statements<T>,
        T: Send,
    {
        self.run_twice(Use::Write, statements).await
    }

    pub(crate) async fn run_twice<T, F>(&self, usage: Use, query: F) -> Result<T>
    where
        F: Statements<T>,
        T: Send,
    {
        let mut conn = self.connection(usage).await?;
        let answer = query.clone()(&mut conn).await;
        conn.release();
        match answer {
            Err(error) if error.is_closed() => {
                conn.close();
                self.close_idle();
                drop(conn);
                let mut conn = self.connection(usage).await?;
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
        &self.constants().currencies
    }

    /// Constants of the ledger.
    pub(crate) fn constants(&self) -> &'static Constants {
        self.shared.constants.get()
    }

    /// Takes over constants of the ledger that were read again.
    pub(crate) fn replace_constants(&self, constants: Constants) {
        self.shared.constants.replace(constants);
    }

    /// Quota of idempotency keys.
    pub(crate) fn key_quota(&self) -> &KeyQuota {
        &self.shared.key_quota
    }

    /// Where to look for the next free object of a stock.
    pub(crate) fn stocks(&self) -> &Stocks {
        &self.shared.stocks
    }

    /// Opens a connection beside the pool, in the role of the URL.
    pub(crate) async fn connect_outside(&self) -> Result<Connection> {
        Ok(self.shared.endpoint.connect().await?)
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
            is_cluster: true,
            ..self.clone()
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
        Status {
            waiting: AtomicUsize::load(&self.shared.waiting, Ordering::Relaxed),
            ..self.shared.pool.status()
        }
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
    pub(crate) async fn connection(&self, usage: Use) -> Result<PooledConnection> {
        let busy = Busy::start();
        let asked = Instant::now();
        let taken = self.take(usage).await;
        metrics::histogram!("goodgo_pool_wait_seconds").record(asked.elapsed());
        if taken.is_err() {
            metrics::counter!("goodgo_pool_failures_total").increment(1);
        }
        let (conn, permit) = taken?;
        Ok(PooledConnection {
            conn: Some(conn),
            ending: Ending::Cancel,
            db: self.clone(),
            _permit: permit,
            _busy: busy,
        })
    }

    /// Waits for a connection. When a new one can't be opened, waits for one that is in use.
    async fn take(&self, usage: Use) -> Result<(Object<Connection>, OwnedSemaphorePermit)> {
        let Shared { pool, returned, .. } = &*self.shared;
        let permits = match usage {
            Use::Read => &self.shared.readers,
            Use::Write => &self.shared.writers,
        };
        let _waiting = Waiting::start(&self.shared.waiting);
        let mut refusal = None;
        let taking = async {
            let permit = Arc::clone(permits).acquire_owned().await;
            let permit = permit.map_err(|closed| DbError::Unavailable(closed.to_string()))?;
            loop {
                let error = match pool.get().await {
                    Ok(conn) => return Ok((conn, permit)),
                    Err(error) => DbError::from(error),
                };
                let is_limited = matches!(error, DbError::LimitReached(_));
                if !is_limited && pool.status().size == 0 {
                    return Err(error);
                }
                refusal = Some(error);
                let _ = tokio::time::timeout(REOPEN_AFTER, returned.notified()).await;
            }
        };
        match tokio::time::timeout(self.settings().pool_wait, taking).await {
            Ok(taken) => taken,
            Err(_) => Err(refusal.unwrap_or(DbError::PoolExhausted)),
        }
    }

    /// Closes all connections, idle ones at once and others when they return: when the database closed one, the others
    /// are probably of no use either.
    pub(crate) fn close_idle(&self) {
        *self.shared.stale_before.lock() = Some(Instant::now());
        self.shared.pool.retain(|_, _| false);
    }

    /// Whether a connection is not to be used again.
    fn is_stale(&self, conn: &Object<Connection>) -> bool {
        let stale_before = *self.shared.stale_before.lock();
        stale_before.is_some_and(|moment| Object::metrics(conn).created < moment)
    }
}

/// Counts a caller that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn start(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection from the pool. One that is dropped before [`PooledConnection::release`] (the client disconnected, a
/// command panicked) does not return to the pool: its statement is cancelled and the connection closed, which frees its
/// locks.
pub(crate) struct PooledConnection {
    conn: Option<Object<Connection>>,
    ending: Ending,
    db: Db,
    _permit: OwnedSemaphorePermit,
    _busy: Busy,
}

/// Treatment of a connection after its use.
enum Ending {
    /// Its statement is cancelled, and it is closed.
    Cancel,
    /// Closed.
    Close,
    /// It returns to the pool.
    Return,
}

impl PooledConnection {
    /// Marks the work as done: the connection may return to the pool.
    pub(crate) fn release(&mut self) {
        self.ending = Ending::Return;
    }

    /// Marks the connection to be closed without a cancellation.
    pub(crate) fn close(&mut self) {
        self.ending = Ending::Close;
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
        let Some(conn) = self.conn.take() else {
            return;
        };
        match self.ending {
            Ending::Return if !self.db.is_stale(&conn) => drop(conn),
            Ending::Return | Ending::Close => drop(Object::take(conn)),
            Ending::Cancel => {
                let (conn, db) = (Object::take(conn), self.db.clone());
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        // The statement ends by its timeout when many clients disconnect at once or the database does
                        // not respond.
                        if let Ok(_turn) = db.shared.cancelling.try_acquire() {
                            let cancelled = db.shared.endpoint.cancel(conn.cancel_token());
                            let _ = tokio::time::timeout(CONNECT_TIMEOUT, cancelled).await;
                        }
                        drop(conn);
                    });
                }
            }
        }
        self.db.shared.returned.notify_waiters();
    }
}

fn pool(settings: &Settings, endpoint: &Endpoint, sent: &Arc<Sent>) -> Pool<Connection> {
    let mut config = ManagerConfig::default();
    // A test statement at each checkout would cost a round trip; `read` and `write` retry on a closed connection.
    config.recycling_method = RecyclingMethod::Fast;
    let endpoint = endpoint.clone();
    let sent = Arc::clone(sent);
    let setup = settings.of_session();
    config.custom_setup = Box::new(move |_| {
        let (endpoint, setup) = (endpoint.clone(), setup.clone());
        let sent = Arc::clone(&sent);
        async move {
            let mut conn = endpoint.connect().await?;
            if let Some(setup) = setup {
                conn.batch_execute(&setup)
                    .await
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
            }
            conn.set_instrumentation(StatementObserver::by(sent));
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

/// Opens a connection in the role of the URL, which may do more than the server's.
pub async fn connect_as_migrator(url: &str, tls: &Tls) -> Result<Connection> {
    Ok(endpoint(url, tls)?.connect().await?)
}

/// Parses a URL.
fn endpoint(url: &str, tls: &Tls) -> Result<Endpoint, ConnectionError> {
    Endpoint::new(url, tls).map_err(|error| ConnectionError::InvalidConnectionUrl(describe(&error)))
}

/// Runs statements without results.
pub(crate) async fn batch(conn: &mut Connection, sql: &str) -> Result<()> {
    Ok(conn.batch_execute(sql).await?)
}

/// Checks that the database answers, and that it accepts writes.
pub async fn ping(conn: &mut Connection) -> Result<()> {
    let read_only = diesel::dsl::sql::<Text>("SHOW transaction_read_only");
    let read_only: String = read_only.get_result(conn).await?;
    if read_only == "on" {
        return Err(DbError::Closed("the database only reads".to_owned()));
    }
    Ok(())
}
