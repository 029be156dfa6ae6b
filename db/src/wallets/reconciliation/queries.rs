//! Reads of the checker's runs.

use domain::wallets::reconciliation::ReconciliationStatus;

use super::rows::{ReconciliationRun, RunRow};
use crate::paging::{count_rows, keyset};
use crate::prelude::*;
use crate::schema::reconciliation_runs as runs;

/// Runs by id.
pub async fn by_id(conn: &mut Connection, ids: &[Uuid]) -> Result<Vec<ReconciliationRun>> {
    values(
        RunRow::query()
            .filter(runs::id.eq_any(ids))
            .load(conn)
            .await?,
    )
}

/// The newest run; none before the first.
pub async fn latest(conn: &mut Connection) -> Result<Option<ReconciliationRun>> {
    let newest = RunRow::query().order((runs::started_at.desc(), runs::id.desc()));
    let row: Option<RunRow> = newest.first(conn).await.optional()?;
    row.map(TryInto::try_into).transpose()
}

/// A page of runs, newest first.
pub async fn list(
    conn: &mut Connection,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<ReconciliationRun>> {
    let query = RunRow::query().into_boxed::<Pg>();
    let query = keyset!(query, page, [runs::started_at desc, runs::id desc]);
    Ok(page.slice(values(query.load(conn).await?)?))
}

/// Number of runs.
pub async fn count(conn: &mut Connection) -> Result<Count> {
    count_rows(conn, runs::table.select(runs::id).into_boxed::<Pg>()).await
}

/// Result of the last run that came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// Time of its end.
    pub finished_at: Timestamp,
    /// Number of violations.
    pub mismatches: i32,
}

/// Reads the last run that came to an end; none before the first.
pub async fn last_run(conn: &mut Connection) -> Result<Option<LastRun>> {
    let ended = [ReconciliationStatus::Passed, ReconciliationStatus::Failed];
    let last: Option<(Option<Timestamp>, i64)> = runs::table
        .filter(runs::status.eq_any(ended.map(ReconciliationStatus::name)))
        .order((runs::started_at.desc(), runs::id.desc()))
        .select((runs::finished_at, runs::mismatch_count))
        .first(conn)
        .await
        .optional()?;
    Ok(last.and_then(|(finished_at, mismatches)| {
        let finished_at = finished_at?;
        Some(LastRun {
            finished_at,
            mismatches: i32::try_from(mismatches).unwrap_or(i32::MAX),
        })
    }))
}
