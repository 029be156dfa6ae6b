//! What time makes of sessions, written down in batches by a job.

use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::ids::MinerId;
use domain::mining::{Configuration, Miner, Session, SessionState, SessionStatus};
use domain::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::decide::lock_free_miners;
use super::events::MinerEvents;
use crate::mining::rows::SessionRow;
use crate::schema::{miners, mining_sessions};
use crate::text::Text as _;
use crate::{Connection, DbError, Tx, configuration};

/// Sessions of one transaction.
const BATCH: usize = 200;
/// What the job's events carry as the request that caused them.
const REQUEST: &str = "job mining-sessions";

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    /// Sessions that run on paper, by their end.
    Ended,
    /// Sessions that wait to be claimed, by the end of their claim window.
    Waiting,
}

/// Where a batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    looking: Looking,
    after: (Timestamp, Uuid),
}

impl Place {
    /// Where the first batch begins.
    pub const START: Self = Self::of(Looking::Ended);

    const fn of(looking: Looking) -> Self {
        Self {
            looking,
            after: (Timestamp::UNIX_EPOCH, Uuid::nil()),
        }
    }
}

/// What a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Sessions that ran to their end.
    pub completed: usize,
    /// Sessions that were not claimed in time.
    pub expired: usize,
    /// Where the next batch begins; none after the last.
    pub next: Option<Place>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    miner_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

/// Writes down what time has made of a batch of sessions: complete, or expired.
///
/// Miners who are busy are left for the next run. May be stopped anywhere: a batch is done wholly or not at all, and
/// what is done is not found again.
pub async fn sessions_settle(tx: &mut Tx, from: Place) -> Result<Settled, DbError> {
    let found = due(tx, from).await?;
    let next = match (found.last(), from.looking) {
        (Some(last), looking) if found.len() == BATCH => Some(Place {
            looking,
            after: (last.at, last.id),
        }),
        (_, Looking::Ended) => Some(Place::of(Looking::Waiting)),
        (_, Looking::Waiting) => None,
    };
    let owners: Vec<MinerId> = found.iter().map(|due| MinerId(due.miner_id)).collect();
    let locked = lock_free_miners(tx.conn(), &owners).await?;
    // Read again under the lock: somebody may have claimed one.
    let sessions = open_sessions(tx.conn(), &locked, &found).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let mut settled = Settled {
        completed: 0,
        expired: 0,
        next,
    };
    for miner in &locked {
        let own = sessions.iter().find(|session| session.miner_id == miner.id);
        let Some(session) = own else { continue };
        let Some(status) = settle(tx.now(), session, &configuration) else {
            continue;
        };
        store(tx, miner, session, status).await?;
        match status {
            SessionStatus::Expired => settled.expired += 1,
            _ => settled.completed += 1,
        }
    }
    Ok(settled)
}

/// What time has made of a session that is stored otherwise; none, if nothing.
fn settle(
    now: Timestamp,
    session: &Session,
    configuration: &Configuration,
) -> Option<SessionStatus> {
    match (session.status_at(now, configuration), &session.state) {
        (status @ SessionStatus::Completed, SessionState::Active)
        | (status @ SessionStatus::Expired, SessionState::Active | SessionState::Completed) => {
            Some(status)
        }
        _ => None,
    }
}

/// The next sessions to look at. Pauses may have made a claim window longer than it is here, so `settle` has the last
/// word; that of a suspended miner stands still.
async fn due(tx: &mut Tx, from: Place) -> Result<Vec<Found>, DbError> {
    let (at, id) = from.after;
    let query = match from.looking {
        Looking::Ended => {
            "SELECT id, miner_id, ends_at AS at FROM mining_sessions
             WHERE status = 'ACTIVE' AND ends_at <= $1 AND (ends_at, id) > ($2, $3)
             ORDER BY ends_at, id LIMIT $4"
        }
        Looking::Waiting => {
            "SELECT id, miner_id, claim_window_end(ends_at, claim_window_hours, window_extension_microseconds) AT TIME ZONE 'UTC' AS at
             FROM mining_sessions
             WHERE status = 'COMPLETED' AND window_stopped_at IS NULL
               AND claim_window_end(ends_at, claim_window_hours, window_extension_microseconds) < $1 AT TIME ZONE 'UTC'
               AND (claim_window_end(ends_at, claim_window_hours, window_extension_microseconds), id) > ($2 AT TIME ZONE 'UTC', $3)
             ORDER BY claim_window_end(ends_at, claim_window_hours, window_extension_microseconds), id LIMIT $4"
        }
    };
    Ok(diesel::sql_query(query)
        .bind::<Timestamptz, _>(tx.now())
        .bind::<Timestamptz, _>(at)
        .bind::<SqlUuid, _>(id)
        .bind::<BigInt, _>(i64::try_from(BATCH).unwrap_or(i64::MAX))
        .load(tx.conn())
        .await?)
}

async fn open_sessions(
    conn: &mut Connection,
    locked: &[Miner],
    found: &[Found],
) -> Result<Vec<Session>, DbError> {
    let rows: Vec<SessionRow> = mining_sessions::table
        .filter(mining_sessions::id.eq_any(found.iter().map(|due| due.id)))
        .filter(mining_sessions::miner_id.eq_any(locked.iter().map(|miner| miner.id.0)))
        .order(mining_sessions::id)
        .select(SessionRow::as_select())
        .for_no_key_update()
        .load(conn)
        .await?;
    rows.into_iter().map(Session::try_from).collect()
}

async fn store(
    tx: &mut Tx,
    miner: &Miner,
    session: &Session,
    status: SessionStatus,
) -> Result<(), DbError> {
    let expired_at = (status == SessionStatus::Expired).then(|| tx.now());
    diesel::update(mining_sessions::table.find(session.id.0))
        .set((
            mining_sessions::status.eq(status.text()),
            mining_sessions::expired_at.eq(expired_at),
        ))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(miner, None);
    let name = match status {
        SessionStatus::Expired => "MiningSessionExpired",
        _ => "MiningSessionCompleted",
    };
    events.push(
        name,
        json!({
            "userId": miner.user_id.0, "minerId": miner.id.0, "sessionId": session.id.0,
            "endsAt": session.ends_at.to_rfc3339(),
        }),
    );
    let version = events.store_as(tx, REQUEST).await?;
    diesel::update(miners::table.find(miner.id.0))
        .set((miners::version.eq(version), miners::updated_at.eq(tx.now())))
        .execute(tx.conn())
        .await?;
    Ok(())
}
