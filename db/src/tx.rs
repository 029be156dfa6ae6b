//! Transactions: [`Db::write`] is the only way to open one.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::TransactionDepthChange;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel_async::{AnsiTransactionManager, SimpleAsyncConnection, TransactionManager};
use domain::money::{Currency, CurrencyCode};
use domain::time::Timestamp;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join};
use tracing::Instrument;
use uuid::Uuid;

use crate::async_fn::AsyncFunc;
use crate::key_quota::{KeyQuota, ReservedKey};
use crate::last_writes::{self, LastWrite, Statement};
use crate::outbox::{self, NewRow};
use crate::pool::{PooledConnection, Use};
use crate::stock::Stocks;
use crate::wallets::Constants;
use crate::{Connection, Db, DbError, Ids, Result, clock, operation_trace, owners};

/// Largest number of attempts before a transaction's fault is returned.
const ATTEMPTS: u32 = 4;

/// Time without an answer after which a commit counts as lost. No statement timeout ends a commit.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time during which a command is run again because others hold all that is left.
const TAKEN_FOR: Duration = Duration::from_secs(3);

/// Time during which a command whose commit was lost is run again to find its stored answer.
const LOST_FOR: Duration = Duration::from_secs(3);

/// An open transaction, which only [`Db::write`] creates. It carries what commands need besides the connection: the
/// transaction's time, ids, and currencies.
pub struct Tx {
    conn: PooledConnection,
    now: Timestamp,
    db: Db,
    pub(crate) events: Vec<NewRow>,
    pub(crate) last_writes: Vec<LastWrite>,
    pub(crate) holds_key: bool,
    pub(crate) reserved_key: Option<ReservedKey>,
    /// Whether the constants of the ledger are read again after the commit.
    pub(crate) changes_currencies: bool,
}

impl Tx {
    /// Time of the transaction: everything in it occurs at this moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.ids().uuid(self.now)
    }

    /// The source of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        self.db.ids()
    }

    /// The currencies, by code.
    #[must_use]
    pub fn currencies(&self) -> &HashMap<CurrencyCode, Currency> {
        self.db.currencies()
    }

    /// A currency; also one that another instance has just added. None for an unknown code.
    pub async fn currency(&mut self, code: CurrencyCode) -> Result<Option<Currency>> {
        self.know_currencies([code]).await?;
        Ok(self.currencies().get(&code).copied())
    }

    /// Reads the constants of the ledger again when one of these currencies is not among them.
    pub(crate) async fn know_currencies(
        &mut self,
        codes: impl IntoIterator<Item = CurrencyCode>,
    ) -> Result<()> {
        self.db.know_currencies(&mut self.conn, codes).await
    }

    /// Reads the constants of the ledger again, after a row with a currency that is not among them.
    pub(crate) async fn reload_currencies(&mut self) -> Result<()> {
        self.db.reload_constants(&mut self.conn).await
    }

    /// Constants of the ledger.
    pub(crate) fn constants(&self) -> &Constants {
        self.db.constants()
    }

    /// Quota of idempotency keys.
    pub(crate) fn key_quota(&self) -> &KeyQuota {
        self.db.key_quota()
    }

    /// Where to look for the next free object of a stock.
    pub(crate) fn stocks(&self) -> &Stocks {
        self.db.stocks()
    }

    /// Whether statements that lock rows have to name one owner.
    #[must_use]
    pub(crate) fn is_cluster(&self) -> bool {
        self.db.is_cluster()
    }

    /// Changes rows at the end of the transaction, together with other writes. Nothing in the transaction may read the rows
    /// afterwards, and no other write of this kind may change them.
    pub(crate) fn write_last(
        &mut self,
        table: &'static str,
        rows: usize,
        statement: impl QueryFragment<Pg> + Send + Sync + 'static,
    ) {
        self.push_write(table, rows, false, Box::new(statement));
    }

    /// [`Tx::write_last`] for rows that a concurrent transaction may have inserted first: this one is retried then.
    pub(crate) fn write_last_racing(
        &mut self,
        table: &'static str,
        rows: usize,
        statement: impl QueryFragment<Pg> + Send + Sync + 'static,
    ) {
        self.push_write(table, rows, true, Box::new(statement));
    }

    fn push_write(
        &mut self,
        table: &'static str,
        rows: usize,
        is_race: bool,
        statement: Statement,
    ) {
        self.last_writes.push(LastWrite {
            table,
            rows,
            is_race,
            statement,
        });
    }

    /// The connection, for queries that run inside the transaction.
    pub fn conn(&mut self) -> &mut Connection {
        &mut self.conn
    }
}

type Output = Box<dyn Any + Send>;

/// A command without its result type, so that the retry loop is compiled once.
type Body = Arc<dyn for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<Output>> + Send + Sync>;

impl Db {
    /// Runs a command in a transaction (READ COMMITTED) and commits it.
    ///
    /// The command is run again, at most three times and with jitter, after a serialization failure, a deadlock, a
    /// missing partition of the day, or a connection that was closed before anything could be committed. A command
    /// whose commit was lost is run again when it holds an idempotency key, which makes that safe. The transaction runs
    /// to its end even when the caller disconnects.
    pub fn write<T, F>(&self, name: &'static str, command: F) -> BoxFuture<'static, Result<T>>
    where
        for<'t> F: AsyncFnOnce(&'t mut Tx) -> Result<T>
            + AsyncFunc<&'t mut Tx, Result<T>, Fut: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        T: Send + 'static,
    {
        let body: Body = Arc::new(move |tx: &mut Tx| {
            let command = command.clone();
            async move { command(tx).await.map(|done| Box::new(done) as Output) }.boxed()
        });
        let output = self.run(name, body);
        async move {
            match output.await?.downcast() {
                Ok(done) => Ok(*done),
                Err(_) => unreachable!("the body returns this type"),
            }
        }
        .boxed()
    }

    fn run(&self, name: &'static str, body: Body) -> BoxFuture<'static, Result<Output>> {
        let db = self.clone();
        async move {
            let task = operation_trace::writing(name, async move { db.attempt_all(&body).await });
            let task = operation_trace::carried(task);
            tokio::spawn(task.instrument(tracing::info_span!("write", name)))
                .await
                .unwrap_or_else(|stopped| match stopped.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(stopped) => Err(DbError::Unavailable(stopped.to_string())),
                })
        }
        .boxed()
    }

    async fn attempt_all(&self, body: &Body) -> Result<Output> {
        let mut attempt = 1;
        let started_at = Instant::now();
        // After a lost commit only a stored answer can tell the outcome.
        let mut lost_at: Option<Instant> = None;
        loop {
            let attempted = match lost_at {
                None => self.attempt(body).await,
                // Connections can be short while other commits hang.
                Some(lost_at) => {
                    let rest = LOST_FOR.saturating_sub(lost_at.elapsed());
                    match tokio::time::timeout(rest, self.attempt(body)).await {
                        Ok(attempted) => attempted,
                        Err(_) => return Err(DbError::OutcomeUnknown),
                    }
                }
            };
            let error = match attempted {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match &error {
                Attempt::CommitLost {
                    is_closed: true, ..
                } => self.close_idle(),
                Attempt::Rolled(error) if error.is_closed() => self.close_idle(),
                Attempt::Rolled(error) => {
                    // After a lost commit only the stored answer decides.
                    if let (Err(fault), None) = (self.create_missing(error).await, lost_at) {
                        return Err(fault);
                    }
                }
                Attempt::CommitLost { .. } => {}
            }
            if let Attempt::CommitLost { holds_key, .. } = error {
                self.note_unknown_write();
                if !holds_key {
                    return Err(DbError::OutcomeUnknown);
                }
                lost_at.get_or_insert_with(Instant::now);
            }
            let again = match (&error, lost_at) {
                (_, Some(lost_at)) => lost_at.elapsed() < LOST_FOR,
                (Attempt::Rolled(DbError::AllTaken), None) => started_at.elapsed() < TAKEN_FOR,
                (Attempt::Rolled(error), None) => attempt < ATTEMPTS && error.is_transient(),
                (Attempt::CommitLost { .. }, None) => false,
            };
            if !again {
                return Err(match (error, lost_at) {
                    (Attempt::Rolled(DbError::UnknownOwners(owners)), None) => {
                        DbError::Contended(format!("owners are being changed: {owners:?}"))
                    }
                    (Attempt::Rolled(error), None) => error,
                    _ => DbError::OutcomeUnknown,
                });
            }
            metrics::counter!("goodgo_write_retries_total").increment(1);
            operation_trace::retrying();
            let [jitter] = self.ids().bytes();
            // At most 50 ms while others hold all that is left.
            let steps = if matches!(error, Attempt::Rolled(DbError::AllTaken)) {
                6
            } else {
                20
            };
            let wait = u64::from(attempt.min(steps)) * 5 + u64::from(jitter) / 16;
            tokio::time::sleep(Duration::from_millis(wait)).await;
            attempt += 1;
        }
    }

    /// Creates partitions and owners that an attempt missed, in transactions of their own, and reads new currencies.
    async fn create_missing(&self, error: &DbError) -> Result<()> {
        match error {
            DbError::UnknownOwners(owners) => {
                let owners = owners.clone();
                let create = async |conn: &mut Connection| owners::ensure(conn, &owners).await;
                self.autocommit(create).await
            }
            // Its scale changed, and with it its number.
            error if error.is_unknown_currency() => {
                let db = self.clone();
                let reload = async move |conn: &mut Connection| db.reload_constants(conn).await;
                self.autocommit(reload).await
            }
            error if error.is_missing_partition() => {
                let create = async |conn: &mut Connection| clock::ensure_partitions(conn).await;
                self.autocommit(create).await
            }
            _ => Ok(()),
        }
    }

    async fn attempt(&self, body: &Body) -> Result<Output, Attempt> {
        let mut conn = self.connection(Use::Write).await?;
        let now = begin(&mut conn).await?;
        let mut tx = Tx {
            conn,
            now,
            db: self.clone(),
            events: Vec::new(),
            last_writes: Vec::new(),
            holds_key: false,
            reserved_key: None,
            changes_currencies: false,
        };
        match commands(body, &mut tx).await {
            Ok((done, wrote_event)) => {
                let Tx {
                    mut conn,
                    holds_key,
                    reserved_key,
                    changes_currencies,
                    ..
                } = tx;
                if let Some(reserved) = reserved_key {
                    reserved.stored();
                }
                // A cancelled commit that waits for a standby would count as done here and be lost by a failover.
                conn.close();
                let mut committing = Box::pin(async move {
                    let committed = AnsiTransactionManager::commit_transaction(&mut *conn).await;
                    (conn, committed)
                });
                let lost = |is_closed| Attempt::CommitLost {
                    holds_key,
                    is_closed,
                };
                let Ok((mut conn, committed)) =
                    tokio::time::timeout(COMMIT_TIMEOUT, &mut committing).await
                else {
                    // The connection keeps its place in the pool until its end, so that hung commits are bounded.
                    tokio::spawn(committing);
                    return Err(lost(false));
                };
                if let Err(error) = committed {
                    let error = DbError::from(error);
                    return Err(if error.leaves_outcome_open() {
                        lost(true)
                    } else {
                        Attempt::Rolled(error)
                    });
                }
                if wrote_event {
                    self.notify_event_written();
                }
                if changes_currencies {
                    // A currency that this instance does not know yet is read when a command names it.
                    let _ = self.reload_constants(&mut conn).await;
                }
                let is_usable = match &self.operation {
                    Some(operation) => operation.wrote(&mut conn).await,
                    None => true,
                };
                if is_usable {
                    conn.release();
                }
                Ok(done)
            }
            Err(error) => {
                // The database rolls back when the connection is closed, too.
                tx.conn.close();
                if AnsiTransactionManager::rollback_transaction(&mut *tx.conn)
                    .await
                    .is_ok()
                {
                    tx.conn.release();
                }
                Err(Attempt::Rolled(error))
            }
        }
    }
}

/// Begins a transaction and reads the clock in it, in one round trip.
async fn begin(conn: &mut Connection) -> Result<Timestamp> {
    let shared: &Connection = conn;
    let mut beginning = shared;
    let begin = beginning.batch_execute("BEGIN");
    let (begun, now) = join(begin, clock::pipelined(shared)).await;
    begun?;
    AnsiTransactionManager::transaction_manager_status_mut(conn)
        .transaction_state()?
        .change_transaction_depth(TransactionDepthChange::IncreaseDepth)?;
    now
}

/// Runs the body, then sends its last writes and events; returns whether there were events.
async fn commands(body: &Body, tx: &mut Tx) -> Result<(Output, bool)> {
    let done = body(tx).await?;
    let events = std::mem::take(&mut tx.events);
    let wrote_event = !events.is_empty();
    outbox::insert(tx, events).await?;
    let writes = std::mem::take(&mut tx.last_writes);
    last_writes::send(&tx.conn, writes, tx.is_cluster()).await?;
    Ok((done, wrote_event))
}

/// Failure of one attempt.
enum Attempt {
    /// The transaction was rolled back.
    Rolled(DbError),
    /// The transaction may have been committed.
    CommitLost { holds_key: bool, is_closed: bool },
}

impl<E: Into<DbError>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Rolled(error.into())
    }
}
