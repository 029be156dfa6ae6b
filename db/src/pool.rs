//! Connections: a pool of them, each in the role that may not change what is append-only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::ConnectionError;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::money::{Currency, CurrencyCode};
use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::record::Busy;
use crate::tx::AsyncFunc;
use crate::{DbError, Ids, record};

/// Statements that are cancelled at once, at most.
const CANCELLED_AT_ONCE: usize = 4;

/// One connection to the database.
pub type Connection = AsyncPgConnection;

/// How to connect with TLS: to what the machine's certificate store trusts.
#[derive(Clone)]
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

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// How to use the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is: a URL or `key=value` pairs.
    pub url: String,
    /// Connections at most.
    pub pool_size: usize,
    /// How long to wait for one.
    pub pool_wait: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a lock.
    pub lock_timeout: Duration,
}

impl Settings {
    /// The limits a server starts with.
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
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool<Connection>,
    settings: Settings,
    tls: Tls,
    ids: Ids,
    currencies: HashMap<CurrencyCode, Currency>,
    committed: Notify,
    /// Turns to cancel statements: each takes a connection beside the pool's.
    cancelling: Arc<Semaphore>,
    statements: Arc<AtomicU64>,
}

impl Db {
    /// Opens the pool and reads what never changes: the currencies.
    pub async fn connect(settings: Settings, tls: Tls, ids: Ids) -> Result<Self, DbError> {
        let statements = Arc::new(AtomicU64::new(0));
        let pool = pool(&settings, &tls, &statements);
        let currencies = {
            let mut conn = pool.get().await?;
            crate::wallets::queries::currencies(&mut conn).await?
        };
        Ok(Self {
            shared: Arc::new(Shared {
                pool,
                settings,
                tls,
                ids,
                currencies: currencies
                    .into_iter()
                    .map(|currency| (currency.code, currency))
                    .collect(),
                committed: Notify::new(),
                cancelling: Arc::new(Semaphore::new(CANCELLED_AT_ONCE)),
                statements,
            }),
        })
    }

    /// Lends a connection to queries, once more on a fresh one when it turns out to be closed.
    pub async fn read<T, F>(&self, query: F) -> Result<T, DbError>
    where
        for<'c> F: AsyncFnOnce(&'c mut Connection) -> Result<T, DbError>
            + AsyncFunc<&'c mut Connection, Result<T, DbError>, Fut: Send>
            + Clone
            + Send,
        T: Send,
    {
        let mut conn = self.connection().await?;
        let answer = query.clone()(&mut conn).await;
        conn.give_back();
        match answer {
            Err(error) if error.is_closed() => {
                drop(conn);
                self.forget_idle();
                let mut conn = self.connection().await?;
                let answer = query(&mut conn).await;
                conn.give_back();
                answer
            }
            answer => answer,
        }
    }

    /// The currencies, by code.
    #[must_use]
    pub fn currencies(&self) -> &HashMap<CurrencyCode, Currency> {
        &self.shared.currencies
    }

    /// The source of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.shared.ids
    }

    /// How the database is used.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Statements sent so far: tests count them.
    #[must_use]
    pub fn statements(&self) -> u64 {
        AtomicU64::load(&self.shared.statements, Ordering::Relaxed)
    }

    /// How the pool is doing.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let status = self.shared.pool.status();
        Connections {
            open: status.size,
            idle: status.available,
            most: status.max_size,
            wanted: status.waiting,
        }
    }

    /// Waits until a transaction of this process wrote an event.
    pub async fn event_written(&self) {
        self.shared.committed.notified().await;
    }

    /// Tells that a transaction wrote an event.
    pub(crate) fn tell_event_written(&self) {
        self.shared.committed.notify_one();
    }

    /// How to connect with TLS.
    pub(crate) fn tls(&self) -> &Tls {
        &self.shared.tls
    }

    /// Takes a connection from the pool.
    pub(crate) async fn connection(&self) -> Result<Lent, DbError> {
        let busy = Busy::start();
        let asked = Instant::now();
        let conn = self.shared.pool.get().await;
        metrics::histogram!("goodgo_pool_wait_seconds").record(asked.elapsed());
        if conn.is_err() {
            metrics::counter!("goodgo_pool_failures_total").increment(1);
        }
        Ok(Lent {
            conn: Some(conn?),
            is_done: false,
            _busy: busy,
            tls: self.shared.tls.clone(),
            cancelling: Arc::clone(&self.shared.cancelling),
        })
    }

    /// Closes idle connections: when one is closed, the others are likely closed too.
    pub(crate) fn forget_idle(&self) {
        self.shared.pool.retain(|_, _| false);
    }
}

/// How a pool is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Connections there are.
    pub open: usize,
    /// Of these, those that wait to be lent.
    pub idle: usize,
    /// How many there may be.
    pub most: usize,
    /// How many are waited for.
    pub wanted: usize,
}

/// A connection from the pool. One that is dropped in the middle of its work (a reader hung up, a command panicked)
/// doesn't go back: its statement is cancelled and the connection closed, so that nobody waits behind it and its
/// locks are free.
pub(crate) struct Lent {
    conn: Option<Object<Connection>>,
    is_done: bool,
    _busy: Busy,
    tls: Tls,
    cancelling: Arc<Semaphore>,
}

impl Lent {
    /// Says that the work is done: the connection may go back to the pool.
    pub(crate) fn give_back(&mut self) {
        self.is_done = true;
    }
}

impl std::ops::Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.conn {
            Some(conn) => conn,
            None => unreachable!("only dropping takes it"),
        }
    }
}

impl std::ops::DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.conn {
            Some(conn) => conn,
            None => unreachable!("only dropping takes it"),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if let Some(conn) = self.conn.take().map(Object::take)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (tls, turns) = (self.tls.connector(), Arc::clone(&self.cancelling));
            runtime.spawn(async move {
                // Where many hang up at once, or the database doesn't hear, the statement ends by its timeout.
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

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

fn pool(settings: &Settings, tls: &Tls, statements: &Arc<AtomicU64>) -> Pool<Connection> {
    let mut config = ManagerConfig::default();
    // A test statement at each checkout would cost a round trip; `read` and `write` retry on a closed connection.
    config.recycling_method = RecyclingMethod::Fast;
    let tls = tls.clone();
    let statements = Arc::clone(statements);
    let setup = format!(
        "SET ROLE {role}; SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {idle}; SET TIME ZONE 'UTC'; SET application_name = 'goodgo'",
        role = crate::migrate::APP_ROLE,
        statement = settings.statement_timeout.as_millis(),
        lock = settings.lock_timeout.as_millis(),
        idle = settings.statement_timeout.as_millis() * 2,
    );
    config.custom_setup = Box::new(move |url| {
        let (url, tls, setup) = (url.to_owned(), tls.clone(), setup.clone());
        let statements = Arc::clone(&statements);
        async move {
            let mut conn = connect(&url, &tls).await?;
            conn.batch_execute(&setup)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            conn.set_instrumentation(Observed {
                statements,
                started: None,
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

/// How long a connection may be silent before the network is asked whether it is still there; three times as long
/// without any answer, and it is lost.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads a URL; a database that vanished without a word is found out soon, whatever the machine's own patience is.
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

/// Opens one connection outside of the pool, in the role of the URL.
pub(crate) async fn connect(url: &str, tls: &Tls) -> Result<Connection, ConnectionError> {
    let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(describe(&error));
    let (client, connection) = endpoint(url)
        .map_err(bad)?
        .connect(tls.connector())
        .await
        .map_err(bad)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// The error with its causes: the driver's own text leaves them out.
fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Counts and times a connection's statements. It is called in the task that asked, so the record of that is at hand.
struct Observed {
    statements: Arc<AtomicU64>,
    started: Option<Instant>,
}

impl Instrumentation for Observed {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.statements.fetch_add(1, Ordering::Relaxed);
                self.started = Some(Instant::now());
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                if let Some(started) = self.started.take() {
                    let took = record::statement(query, started, error.is_some());
                    metrics::histogram!("goodgo_statement_duration_seconds").record(took);
                }
            }
            _ => {}
        }
    }
}

/// Runs statements that answer nothing, on a connection outside of the pool.
pub(crate) async fn batch(conn: &mut Connection, sql: &str) -> Result<(), DbError> {
    Ok(conn.batch_execute(sql).await?)
}

/// Asks whether the database answers.
pub async fn ping(conn: &mut Connection) -> Result<(), DbError> {
    diesel::sql_query("SELECT 1").execute(conn).await?;
    Ok(())
}
