//! What time makes of sessions, written down in batches by a job.

use diesel::pg::Pg;
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, SelectableHelper};
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

/// Where a batch ended: by the end of its last session.
pub type Place = (Timestamp, Uuid);

/// What a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Sessions that ran to their end.
    pub completed: usize,
    /// Sessions that were not claimed in time.
    pub expired: usize,
    /// Where to go on; none after the last.
    pub last: Option<Place>,
}

/// Writes down what time has made of the sessions that ended after `after`: complete, or expired.
///
/// Miners who are busy are left for the next run. May be stopped anywhere: a batch is done wholly or not at all, and
/// what is done is not found again.
pub async fn sessions_settle(tx: &mut Tx, after: Option<Place>) -> Result<Settled, DbError> {
    let found = ended(tx, after).await?;
    let last = found
        .last()
        .filter(|_| found.len() == BATCH)
        .map(|(id, _, ends_at)| (*ends_at, *id));
    let owners: Vec<MinerId> = found.iter().map(|(_, miner, _)| MinerId(*miner)).collect();
    let locked = lock_free_miners(tx.conn(), &owners).await?;
    // Read again under the lock: somebody may have claimed one.
    let sessions = open_sessions(tx.conn(), &locked, &found).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let mut settled = Settled {
        completed: 0,
        expired: 0,
        last,
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

/// The next sessions to look at: those that ended and run on paper, and those whose claim window is over by the clock.
/// Pauses and suspensions may have made that longer, so `settle` has the last word.
async fn ended(tx: &mut Tx, after: Option<Place>) -> Result<Vec<(Uuid, Uuid, Timestamp)>, DbError> {
    let now = tx.now();
    let window = diesel::dsl::sql::<diesel::sql_types::Timestamptz>(
        "ends_at + claim_window_hours * interval '1 hour' + window_extension_microseconds * interval '1 microsecond'",
    );
    let runs = mining_sessions::status
        .eq(SessionStatus::Active.text())
        .and(mining_sessions::ends_at.le(now));
    let waits = mining_sessions::status
        .eq(SessionStatus::Completed.text())
        .and(mining_sessions::window_stopped_at.is_null())
        .and(window.lt(now));
    let mut query = mining_sessions::table
        .filter(runs.or(waits))
        .select((
            mining_sessions::id,
            mining_sessions::miner_id,
            mining_sessions::ends_at,
        ))
        .order((mining_sessions::ends_at, mining_sessions::id))
        .limit(i64::try_from(BATCH).unwrap_or(i64::MAX))
        .into_boxed::<Pg>();
    if let Some((ends_at, id)) = after {
        query = query.filter(mining_sessions::ends_at.ge(ends_at)).filter(
            mining_sessions::ends_at
                .gt(ends_at)
                .or(mining_sessions::id.gt(id)),
        );
    }
    Ok(query.load(tx.conn()).await?)
}

async fn open_sessions(
    conn: &mut Connection,
    locked: &[Miner],
    found: &[(Uuid, Uuid, Timestamp)],
) -> Result<Vec<Session>, DbError> {
    let rows: Vec<SessionRow> = mining_sessions::table
        .filter(mining_sessions::id.eq_any(found.iter().map(|(id, ..)| *id)))
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
