//! A replica for reads.
//!
//! [`Db::read_replicated`] reads where the operation may: the choice is made by its first read and holds for all of them.
//! Whatever fails on the replica is read from the primary.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::async_fn::Statements;
use crate::pool::Use;
use crate::read_after::{Position, ReadAfter, current_position, replayed_position};
use crate::standby::{Identity, ServerFacts, observe};
use crate::{Connection, Db, DbError, Result, Settings};

/// Interval of the checks.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Longest time of a check, of opening a connection to the replica, and of reading a position.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// Text of a timeout.
const NO_ANSWER: &str = "the replica doesn't answer";
/// Delay beyond which the replica answers nothing.
const LARGEST_DELAY: Duration = Duration::from_secs(30);
/// Largest number of remembered positions of the primary: more than checks in the largest delay.
const MARKS: usize = 64;

/// Server that an operation's replicated reads may use. With a known position of the caller's last write a replica must
/// have replayed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// Only the primary.
    Primary,
    /// A replica, if a position is known.
    ReplicaWithPosition,
    /// A replica, also without any position.
    Replica,
}

/// The reads of one operation.
#[derive(Debug)]
pub(crate) struct OperationReads {
    read_from: ReadFrom,
    read_after: ReadAfter,
    uses_replica: OnceCell<bool>,
    /// Whether the primary answers from now on, because the replica failed.
    primary_only: AtomicBool,
}

impl OperationReads {
    /// Notes the position of a write that its connection has just committed. Returns whether the connection can be used
    /// again.
    pub async fn wrote(&self, conn: &mut Connection) -> bool {
        let position = tokio::time::timeout(CHECK_TIMEOUT, current_position(conn)).await;
        let position = position.ok().and_then(Result::ok);
        self.read_after
            .write(position.unwrap_or_else(Position::unknown));
        position.is_some()
    }
}

impl Db {
    /// The database for one operation, whose replicated reads may use the replica, and whose writes are noted.
    #[must_use]
    pub fn for_operation(&self, read_from: ReadFrom, read_after: &ReadAfter) -> Self {
        let operation = self.replica().map(|_| {
            Arc::new(OperationReads {
                read_from,
                read_after: read_after.clone(),
                uses_replica: OnceCell::new(),
                primary_only: AtomicBool::new(false),
            })
        });
        let mut db = self.clone();
        db.operation = operation;
        db
    }

    /// Notes that the operation may have written, or may still write: only the primary is sure to show it.
    pub fn note_unknown_write(&self) {
        if let Some(operation) = &self.operation {
            operation.read_after.write(Position::unknown());
        }
    }

    /// The same database, whose replicated reads use the primary.
    #[must_use]
    pub fn at_primary(&self) -> Self {
        let mut db = self.clone();
        db.operation = None;
        db
    }

    /// Runs queries on the replica if the operation may read there, else on the primary; on the primary, too, when the
    /// replica fails.
    pub async fn read_replicated<T, F>(&self, query: F) -> Result<T>
    where
        F: Statements<T>,
        T: Send,
    {
        if let (Some(replica), Some(operation)) = (self.replica(), &self.operation)
            && replica.serves(operation).await
        {
            match replica.read(query.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    operation.primary_only.store(true, Ordering::Relaxed);
                    tracing::info!(%error, "The primary answers instead of the replica: {error}");
                }
            }
        }
        self.read(query).await
    }

    /// Checks the replica each second, until the process ends.
    pub async fn watch_replica(&self) {
        let mut ticks = tokio::time::interval(CHECK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.check_replica().await.is_none() {
                return std::future::pending().await;
            }
        }
    }

    /// Checks whether the replica can be used. None without one.
    pub async fn check_replica(&self) -> Option<Result<(), String>> {
        let replica = self.replica()?;
        let primary = self.run_twice(Use::Read, observe);
        if let Ok(Ok(primary)) = tokio::time::timeout(CHECK_TIMEOUT, primary).await {
            replica.compare_with(&primary);
        }
        let checked = match replica.observe().await {
            Ok(observed) => replica.judge(&observed),
            Err(error) => Err(error),
        };
        replica.set_status(checked.clone());
        Some(checked)
    }

    /// The result of the last check of the replica. None without one.
    #[must_use]
    pub fn replica_status(&self) -> Option<Result<(), String>> {
        Some(self.replica()?.status.lock().clone())
    }
}

impl Settings {
    /// The settings of the replica's pool.
    pub(crate) fn of_replica(&self) -> Option<Self> {
        let url = self.read_url.clone()?;
        Some(Self {
            direct_url: url.clone(),
            url,
            read_url: None,
            pool_wait: CHECK_TIMEOUT,
            ..self.clone()
        })
    }
}

/// The replica of a primary.
pub(crate) struct Replica {
    /// The pool of its connections.
    db: Db,
    /// The primary's database.
    of: Identity,
    /// The result of the last check.
    status: Mutex<Result<(), String>>,
    /// A connection for the checks, which need no free one of the pool.
    checking: tokio::sync::Mutex<Option<Connection>>,
    /// Position up to which the replica has replayed at least.
    replayed: AtomicU64,
    primary: Mutex<Primary>,
}

/// Facts about the primary, with which the replica is compared.
#[derive(Default)]
struct Primary {
    timeline: i32,
    marks: Marks,
}

impl Replica {
    pub fn new(db: Db, of: Identity) -> Self {
        Self {
            db,
            of,
            status: Mutex::new(Err("the replica was not checked yet".to_owned())),
            checking: tokio::sync::Mutex::default(),
            replayed: AtomicU64::new(0),
            primary: Mutex::default(),
        }
    }

    /// Observes the replica.
    async fn observe(&self) -> Result<ServerFacts, String> {
        let mut kept = self.checking.lock().await;
        let observing = async {
            let mut conn = match kept.take() {
                Some(conn) => conn,
                None => self.db.connect_outside().await?,
            };
            let observed = observe(&mut conn).await?;
            Ok::<_, DbError>((conn, observed))
        };
        match tokio::time::timeout(CHECK_TIMEOUT, observing).await {
            Ok(Ok((conn, observed))) => {
                *kept = Some(conn);
                Ok(observed)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(NO_ANSWER.to_owned()),
        }
    }

    /// Notes what was observed on the primary.
    fn compare_with(&self, observed: &ServerFacts) {
        let mut primary = self.primary.lock();
        if primary.timeline != observed.timeline() {
            *primary = Primary {
                timeline: observed.timeline(),
                marks: Marks::default(),
            };
            self.replayed.store(0, Ordering::Relaxed);
        }
        primary.marks.add(observed.position(), Instant::now());
    }

    /// Whether the replica answers an operation's next read.
    async fn serves(&self, operation: &OperationReads) -> bool {
        if operation.read_from == ReadFrom::Primary
            || AtomicBool::load(&operation.primary_only, Ordering::Relaxed)
        {
            return false;
        }
        let choose = async || {
            self.status.lock().is_ok()
                && match operation.read_after.position() {
                    Some(position) => self.has_replayed(position).await,
                    None => operation.read_from == ReadFrom::Replica,
                }
        };
        *operation.uses_replica.get_or_init(choose).await
    }

    /// Whether a position is replayed. Asks only when a position is newer than the last known one.
    async fn has_replayed(&self, position: Position) -> bool {
        if position.is_pinned() {
            return false;
        }
        if position.0 <= AtomicU64::load(&self.replayed, Ordering::Relaxed) {
            return true;
        }
        let asked = self.db.run_twice(Use::Read, replayed_position);
        let asked = tokio::time::timeout(CHECK_TIMEOUT, asked).await;
        let Ok(Ok(Some(replayed))) = asked else {
            return false;
        };
        self.replayed.fetch_max(replayed.0, Ordering::Relaxed);
        position <= replayed
    }

    /// Runs queries once. A read that takes half of a statement's time is left to the primary.
    async fn read<T, F>(&self, query: F) -> Result<T>
    where
        F: Statements<T>,
        T: Send,
    {
        let reading = async {
            let mut conn = self.db.connection(Use::Read).await?;
            let answer = query(&mut conn).await;
            // A conflict with recovery can end the session, too.
            match &answer {
                Ok(_) => conn.release(),
                Err(_) => conn.close(),
            }
            answer
        };
        let limit = self.db.settings().statement_timeout / 2;
        let Ok(answer) = tokio::time::timeout(limit, reading).await else {
            return Err(DbError::Timeout("the replica took too long".to_owned()));
        };
        match &answer {
            Ok(_) => self.db.count_read(),
            Err(error @ (DbError::Closed(_) | DbError::Unavailable(_))) => {
                self.db.close_idle();
                self.set_status(Err(error.to_string()));
            }
            Err(_) => {}
        }
        answer
    }

    /// Judges what was observed on the replica.
    fn judge(&self, observed: &ServerFacts) -> Result<(), String> {
        observed.judge(&self.of).map_err(str::to_owned)?;
        let mut primary = self.primary.lock();
        if observed.timeline() < primary.timeline {
            return Err("the replica follows an older primary".to_owned());
        }
        let replayed = observed.position();
        self.replayed.store(replayed.0, Ordering::Relaxed);
        let delay = primary.marks.delay(replayed, Instant::now());
        if delay > LARGEST_DELAY {
            return Err(format!("the replica is {} s behind", delay.as_secs()));
        }
        Ok(())
    }

    fn set_status(&self, checked: Result<(), String>) {
        let mut status = self.status.lock();
        match (&checked, &*status) {
            (Ok(()), Err(_)) => tracing::info!("The replica answers reads"),
            (Err(reason), Ok(())) => {
                tracing::warn!(reason, "The primary answers all reads: {reason}");
            }
            _ => {}
        }
        *status = checked;
    }
}

/// Positions of the primary that the replica has not replayed, with the times they were read. They show the delay
/// without the replica's clock, and also while the primary writes nothing.
#[derive(Default)]
struct Marks(VecDeque<(Instant, Position)>);

impl Marks {
    /// Adds a position. Health checks may come more often than is needed.
    fn add(&mut self, position: Position, now: Instant) {
        let last = self.0.back().map(|(at, _)| now.duration_since(*at));
        if self.0.len() < MARKS && last.is_none_or(|since| since >= CHECK_EVERY / 2) {
            self.0.push_back((now, position));
        }
    }

    /// Time since the first position that is not replayed.
    fn delay(&mut self, replayed: Position, now: Instant) -> Duration {
        while self.0.front().is_some_and(|(_, mark)| *mark <= replayed) {
            self.0.pop_front();
        }
        let first = self.0.front();
        first.map_or(Duration::ZERO, |(at, _)| now.duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_the_delay_by_positions() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut marks = Marks::default();
        for second in 0..200 {
            marks.add(Position(second), at(second));
            // A replica that is always 40 s behind.
            let replayed = Position(second.saturating_sub(40));
            let delay = marks.delay(replayed, at(second)).as_secs();
            assert_eq!(delay > 30, second > 31, "{delay} at {second}");
        }
        // It catches up, and the primary writes nothing.
        assert_eq!(marks.delay(Position(199), at(200)), Duration::ZERO);
        for second in 200..300 {
            marks.add(Position(199), at(second));
            assert_eq!(marks.delay(Position(199), at(second)), Duration::ZERO);
        }
        // It stands still for a long time.
        for second in 300..900 {
            marks.add(Position(second), at(second));
        }
        assert_eq!(marks.delay(Position(199), at(900)).as_secs(), 600);
    }
}
