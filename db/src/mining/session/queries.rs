//! Reads of sessions.

use diesel::dsl::count_star;
use domain::mining::Session;
use domain::time::day_bounds;

use super::rows::{SessionRow, SessionSeen};
use crate::prelude::*;
use crate::schema::mining_sessions;

/// The newest session of each miner, in one statement.
pub async fn latest_sessions(conn: &mut Connection, users: &[UserId]) -> Result<Vec<SessionSeen>> {
    Ok(SessionSeen::query()
        .filter(mining_sessions::user_id.eq_any(users.iter().map(|user| user.0)))
        .distinct_on(mining_sessions::user_id)
        .order((mining_sessions::user_id, mining_sessions::started_at.desc()))
        .load(conn)
        .await?)
}

/// Sessions by id.
pub async fn sessions_by_id(conn: &mut Connection, ids: &[SessionId]) -> Result<Vec<SessionSeen>> {
    let query = SessionSeen::query()
        .filter(mining_sessions::user_id.eq_any(ids.iter().map(|id| id.user.0)))
        .filter(mining_sessions::id.eq_any(ids.iter().map(|id| id.uuid)));
    Ok(query.load(conn).await?)
}

/// The newest session of a miner whose row is locked.
pub(in crate::mining) async fn latest_session(
    conn: &mut Connection,
    user: UserId,
) -> Result<Option<Session>> {
    let query = SessionRow::query()
        .filter(mining_sessions::user_id.eq(user.0))
        .order(mining_sessions::started_at.desc());
    let row: Option<SessionRow> = query.first(conn).await.optional()?;
    row.map(Session::try_from).transpose()
}

/// Number of sessions that a miner started in the UTC day of a moment.
pub(in crate::mining) async fn sessions_started_on(
    conn: &mut Connection,
    user: UserId,
    at: Timestamp,
) -> Result<u32> {
    let (from, until) = day_bounds(at.date_naive());
    let started: i64 = mining_sessions::table
        .filter(mining_sessions::user_id.eq(user.0))
        .filter(mining_sessions::started_at.ge(from))
        .filter(mining_sessions::started_at.lt(until))
        .select(count_star())
        .first(conn)
        .await?;
    fit("mining_sessions", "count", started)
}
