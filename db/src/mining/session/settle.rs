//! Stores completed and expired sessions in batches; run by a job.

use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use domain::mining::{Configuration, Due, Miner, Session, SessionStatus, Streak};

use crate::mining::configuration;
use crate::mining::miner::events::MinerEvents;
use crate::mining::miner::locks::{lock_free_miners, seek};
use crate::mining::session::rows::SessionRow;
use crate::prelude::*;
use crate::schema::{miners, mining_sessions};

/// Number of sessions in one transaction.
const BATCH: usize = 200;
/// Request id of the job's events.
const REQUEST: &str = "job mining_session_completion";

/// Kind of sessions that a batch selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    /// Sessions stored as active, ordered by their end.
    Ended,
    /// Completed sessions, ordered by the end of their claim window.
    Waiting,
}

/// Start of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    looking: Looking,
    after: (Timestamp, Uuid),
}

impl Place {
    /// Start of the first batch.
    pub const START: Self = Self::of(Looking::Ended);

    const fn of(looking: Looking) -> Self {
        Self {
            looking,
            after: (Timestamp::UNIX_EPOCH, Uuid::nil()),
        }
    }
}

/// Result of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Number of sessions that completed.
    pub completed: usize,
    /// Number of sessions that expired.
    pub expired: usize,
    /// Start of the next batch; none after the last.
    pub next: Option<Place>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

/// Stores the new status of a batch of sessions that completed or expired.
///
/// Skips miners that another transaction has locked; the next run finds them. A batch is one transaction, so the job can
/// be stopped at any point.
pub async fn sessions_settle(tx: &mut Tx, from: Place) -> Result<Settled> {
    let configuration = configuration::in_force(tx.conn()).await?;
    let found = due(tx, from, &configuration).await?;
    let next = match (found.last(), from.looking) {
        (Some(last), looking) if found.len() == BATCH => Some(Place {
            looking,
            after: (last.at, last.id),
        }),
        (_, Looking::Ended) => Some(Place::of(Looking::Waiting)),
        (_, Looking::Waiting) => None,
    };
    let now = tx.now();
    let changed = |session: &Session| session.unstored_status(now, &configuration);
    // Locks only the miners whose session will change.
    let mut sessions = read(tx.conn(), &found).await?;
    sessions.retain(|session| changed(session).is_some());
    let owners: Vec<UserId> = sessions.iter().map(|session| session.id.user).collect();
    let locked = lock_free_miners(tx, &owners).await?;
    // Read again under the miners' locks: a session may have been claimed.
    let sessions = of_locked(tx.conn(), &sessions, &locked).await?;
    let mut done = Done::default();
    for session in &sessions {
        if let Some(status) = changed(session) {
            let miner = seek(&locked, session.id.user)?;
            done.add(tx, miner, session, status)?;
        }
    }
    let settled = Settled {
        completed: done.completed.len(),
        expired: done.expired.len(),
        next,
    };
    done.store(tx).await?;
    Ok(settled)
}

/// The next candidates. The query ignores pauses, so [`Session::unstored_status`] decides. Claim windows stop for
/// suspended miners, and for everybody while mining is switched off.
async fn due(tx: &mut Tx, from: Place, configuration: &Configuration) -> Result<Vec<Found>> {
    let (at, id) = from.after;
    let until = match (from.looking, configuration.paused_since()) {
        (Looking::Waiting, Some(since)) => since,
        _ => tx.now(),
    };
    let query = match from.looking {
        Looking::Ended => {
            "SELECT user_id, id, ends_at AS at FROM mining_sessions
             WHERE status = 'ACTIVE' AND ends_at <= $1 AND (ends_at, id) > ($2, $3)
             ORDER BY ends_at, id LIMIT $4"
        }
        Looking::Waiting => {
            "SELECT user_id, id, claim_window_end(ends_at, claim_window_hours, window_extension_microseconds) AT TIME ZONE 'UTC' AS at
             FROM mining_sessions
             WHERE status = 'COMPLETED' AND window_stopped_at IS NULL
               AND claim_window_end(ends_at, claim_window_hours, window_extension_microseconds) < $1 AT TIME ZONE 'UTC'
               AND (claim_window_end(ends_at, claim_window_hours, window_extension_microseconds), id) > ($2 AT TIME ZONE 'UTC', $3)
             ORDER BY claim_window_end(ends_at, claim_window_hours, window_extension_microseconds), id LIMIT $4"
        }
    };
    Ok(diesel::sql_query(query)
        .bind::<Timestamptz, _>(until)
        .bind::<Timestamptz, _>(at)
        .bind::<SqlUuid, _>(id)
        .bind::<BigInt, _>(fit::<_, i64>("mining_sessions", "limit", BATCH)?)
        .load(tx.conn())
        .await?)
}

async fn read(conn: &mut Connection, found: &[Found]) -> Result<Vec<Session>> {
    let query = SessionRow::query()
        .filter(mining_sessions::user_id.eq_any(found.iter().map(|due| due.user_id)))
        .filter(mining_sessions::id.eq_any(found.iter().map(|due| due.id)));
    values(query.load(conn).await?)
}

/// The sessions whose miners are locked.
async fn of_locked(
    conn: &mut Connection,
    sessions: &[Session],
    locked: &[Miner],
) -> Result<Vec<Session>> {
    let query = SessionRow::query()
        .filter(mining_sessions::user_id.eq_any(locked.iter().map(|miner| miner.id.user.0)))
        .filter(mining_sessions::id.eq_any(sessions.iter().map(|session| session.id.uuid)))
        .order(mining_sessions::id);
    values(query.load(conn).await?)
}

/// Changes of a batch, written in few statements whatever its size, because its miners are locked.
#[derive(Default)]
struct Done {
    completed: Vec<SessionId>,
    expired: Vec<SessionId>,
    /// Users of the miners.
    miners: Vec<Uuid>,
    /// Miners whose session expired, with their streak afterwards.
    unclaimed: Vec<(Uuid, Streak)>,
}

impl Done {
    /// Adds a session with its event; the event is the only one, so the miner's version rises by one.
    fn add(
        &mut self,
        tx: &mut Tx,
        miner: &Miner,
        session: &Session,
        status: SessionStatus,
    ) -> Result<()> {
        match status {
            SessionStatus::Expired => {
                self.expired.push(session.id);
                let streak = miner.streak.clone().unclaimed(session.started_in_grace);
                self.unclaimed.push((miner.id.user.0, streak));
            }
            _ => self.completed.push(session.id),
        }
        self.miners.push(miner.id.user.0);
        let mut events = MinerEvents::of(miner, None);
        events.session(session, status, tx.now());
        events.enqueue(tx, REQUEST)?;
        Ok(())
    }

    async fn store(self, tx: &mut Tx) -> Result<()> {
        if self.miners.is_empty() {
            return Ok(());
        }
        let now = tx.now();
        for (ids, status, expired_at) in [
            (self.completed, SessionStatus::Completed, None),
            (self.expired, SessionStatus::Expired, Some(now)),
        ] {
            let sessions = mining_sessions::table
                .filter(mining_sessions::user_id.eq_any(ids.iter().map(|id| id.user.0)))
                .filter(mining_sessions::id.eq_any(ids.iter().map(|id| id.uuid)));
            diesel::update(sessions)
                .set((
                    mining_sessions::status.eq(status.name()),
                    mining_sessions::expired_at.eq(expired_at),
                ))
                .execute(tx.conn())
                .await?;
        }
        diesel::update(miners::table.filter(miners::user_id.eq_any(self.miners)))
            .set((
                miners::version.eq(miners::version + 1),
                miners::updated_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
        store_unclaimed(tx, &self.unclaimed).await
    }
}

/// Stores the streaks of miners whose session expired.
async fn store_unclaimed(tx: &mut Tx, streaks: &[(Uuid, Streak)]) -> Result<()> {
    if streaks.is_empty() {
        return Ok(());
    }
    let of = |part: fn(&Due) -> Timestamp| -> Vec<Option<Timestamp>> {
        let dues = streaks.iter().map(|(_, streak)| streak.due.as_ref());
        dues.map(|due| due.map(part)).collect()
    };
    let ids: Vec<Uuid> = streaks.iter().map(|(id, _)| *id).collect();
    let graces = streaks.iter().map(|(_, streak)| streak.is_grace_period);
    diesel::sql_query(
        "UPDATE miners SET streak_since = after.since, streak_due_at = after.due_at, is_grace_period = after.is_grace,
                           previous_since = NULL, previous_due_at = NULL
         FROM unnest($1, $2, $3, $4) AS after (user_id, since, due_at, is_grace) WHERE miners.user_id = after.user_id AND miners.user_id = ANY($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Nullable<Timestamptz>>, _>(of(|due| due.since))
    .bind::<Array<Nullable<Timestamptz>>, _>(of(|due| due.at))
    .bind::<Array<Bool>, _>(graces.collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}
