//! Stored runs of the checker.

use domain::wallets::reconciliation::ReconciliationStatus;
use serde_json::Value;

use super::checker::Mismatch;
use crate::prelude::*;
use crate::schema::reconciliation_runs;

/// A run of the checker over all owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationRun {
    /// Id.
    pub id: Uuid,
    /// State.
    pub status: ReconciliationStatus,
    /// Start.
    pub started_at: Timestamp,
    /// End; none while it runs.
    pub finished_at: Option<Timestamp>,
    /// Number of violations.
    pub mismatch_count: i64,
    /// The first violations.
    pub mismatches: Vec<Mismatch>,
}

#[derive(HasQuery)]
#[diesel(table_name = reconciliation_runs, check_for_backend(Pg))]
pub(super) struct RunRow {
    id: Uuid,
    status: String,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    mismatch_count: i64,
    mismatches: Value,
}

impl TryFrom<RunRow> for ReconciliationRun {
    type Error = DbError;

    fn try_from(row: RunRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            status: read_name("reconciliation_runs", "status", &row.status)?,
            started_at: row.started_at,
            finished_at: row.finished_at,
            mismatch_count: row.mismatch_count,
            mismatches: serde_json::from_value(row.mismatches).map_err(|error| {
                DbError::inconsistent("reconciliation_runs", "mismatches", error)
            })?,
        })
    }
}
