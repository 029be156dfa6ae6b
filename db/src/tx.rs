//! The one door to a transaction.

use std::time::{Duration, Instant};

use diesel_async::{AnsiTransactionManager, TransactionManager};
use domain::time::Timestamp;
use tracing::Instrument;
use uuid::Uuid;

use crate::pool::Lent;
use crate::{Connection, Db, DbError, Ids, record};

/// How often a transaction is tried before its fault is answered.
const ATTEMPTS: u32 = 4;

/// How long to look for the stored answer of a command whose commit was lost.
const LOST_FOR: Duration = Duration::from_secs(3);

/// An open transaction. Only [`Db::write`] makes one, so whoever takes it runs inside of one.
pub struct Tx {
    conn: Lent,
    now: Timestamp,
    ids: Ids,
    wrote_event: bool,
    holds_key: bool,
}

impl Tx {
    /// The transaction's time: all of it happens at this moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.ids.uuid(self.now)
    }

    /// The source of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The connection, for queries that run inside of the transaction.
    pub fn conn(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// Notes that an event was written, to be announced after the commit.
    pub(crate) fn note_event(&mut self) {
        self.wrote_event = true;
    }

    /// Notes that an idempotency key was claimed: running the command again is safe.
    pub(crate) fn note_key(&mut self) {
        self.holds_key = true;
    }
}

impl Db {
    /// Runs a command in a transaction (READ COMMITTED) and commits it.
    ///
    /// The command is run again, at most three times and with jitter, when the database could not serialize it, found
    /// a deadlock, missed the day's partition, or closed the connection before anything could be committed. A command
    /// whose commit was lost on the way is run again when it holds an idempotency key, which makes that safe.
    /// The transaction runs to its end even when the caller goes away.
    pub async fn write<T, F>(&self, name: &'static str, command: F) -> Result<T, DbError>
    where
        for<'t> F: AsyncFnOnce(&'t mut Tx) -> Result<T, DbError>
            + AsyncFunc<&'t mut Tx, Result<T, DbError>, Fut: Send>
            + Clone
            + Send
            + 'static,
        T: Send + 'static,
    {
        let db = self.clone();
        let task = async move { record::writing(name, db.attempt_until_done(command)).await };
        tokio::spawn(record::carried(task).instrument(tracing::info_span!("write", name)))
            .await
            .unwrap_or_else(|stopped| match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(stopped) => Err(DbError::Unavailable(stopped.to_string())),
            })
    }

    async fn attempt_until_done<T, F>(&self, command: F) -> Result<T, DbError>
    where
        for<'t> F: AsyncFnOnce(&'t mut Tx) -> Result<T, DbError>
            + AsyncFunc<&'t mut Tx, Result<T, DbError>, Fut: Send>
            + Clone
            + Send,
        T: Send,
    {
        let mut attempt = 1;
        // From a lost commit on, nothing but a stored answer can tell what happened.
        let mut lost_at: Option<Instant> = None;
        loop {
            let error = match self.attempt(command.clone()).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match &error {
                Attempt::CommitLost { .. } => self.forget_idle(),
                Attempt::Rolled(error) if error.is_closed() => self.forget_idle(),
                Attempt::Rolled(error) if error.is_missing_partition() => {
                    self.read(async |conn| crate::clock::ensure_partitions(conn).await)
                        .await?;
                }
                Attempt::Rolled(_) => {}
            }
            if let Attempt::CommitLost { holds_key } = error {
                if !holds_key {
                    return Err(DbError::OutcomeUnknown);
                }
                lost_at.get_or_insert_with(Instant::now);
            }
            let again = match (&error, lost_at) {
                (_, Some(lost_at)) => lost_at.elapsed() < LOST_FOR,
                (Attempt::Rolled(error), None) => attempt < ATTEMPTS && error.is_transient(),
                (Attempt::CommitLost { .. }, None) => false,
            };
            if !again {
                return Err(match (error, lost_at) {
                    (Attempt::Rolled(error), None) => error,
                    _ => DbError::OutcomeUnknown,
                });
            }
            metrics::counter!("goodgo_write_retries_total").increment(1);
            record::trying_again();
            let [jitter] = self.ids().bytes();
            let wait = u64::from(attempt.min(20)) * 5 + u64::from(jitter) / 16;
            tokio::time::sleep(Duration::from_millis(wait)).await;
            attempt += 1;
        }
    }

    async fn attempt<T, F>(&self, command: F) -> Result<T, Attempt>
    where
        for<'t> F: AsyncFnOnce(&'t mut Tx) -> Result<T, DbError>
            + AsyncFunc<&'t mut Tx, Result<T, DbError>, Fut: Send>
            + Send,
        T: Send,
    {
        let mut conn = self.connection().await?;
        AnsiTransactionManager::begin_transaction(&mut *conn).await?;
        let now = crate::clock::now(&mut conn).await?;
        let mut tx = Tx {
            conn,
            now,
            ids: self.ids().clone(),
            wrote_event: false,
            holds_key: false,
        };
        match command(&mut tx).await {
            Ok(done) => {
                if let Err(error) = AnsiTransactionManager::commit_transaction(&mut *tx.conn).await
                {
                    let error = DbError::from(error);
                    return Err(if error.is_closed() {
                        Attempt::CommitLost {
                            holds_key: tx.holds_key,
                        }
                    } else {
                        Attempt::Rolled(error)
                    });
                }
                tx.conn.give_back();
                if tx.wrote_event {
                    self.tell_event_written();
                }
                Ok(done)
            }
            Err(error) => {
                // When even this fails the connection is thrown away, and the database rolls back.
                if AnsiTransactionManager::rollback_transaction(&mut *tx.conn)
                    .await
                    .is_ok()
                {
                    tx.conn.give_back();
                }
                Err(Attempt::Rolled(error))
            }
        }
    }
}

/// How a try ended without success.
enum Attempt {
    /// Nothing of it remains.
    Rolled(DbError),
    /// It may have been committed.
    CommitLost { holds_key: bool },
}

impl<E: Into<DbError>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Rolled(error.into())
    }
}

/// An async closure whose future can be sent to another thread: `AsyncFnOnce` alone can't say so yet.
pub trait AsyncFunc<A, R>:
    AsyncFnOnce(A) -> R + FnOnce(A) -> <Self as AsyncFunc<A, R>>::Fut
{
    /// What calling it gives.
    type Fut: Future<Output = R>;
}

impl<F, A, Fut, R> AsyncFunc<A, R> for F
where
    F: AsyncFnOnce(A) -> R + FnOnce(A) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}
