//! The table of approvals as structs.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use domain::approval::{Approval, ApprovalState, ApprovalStatus, Proposal};
use domain::ids::{ApprovalId, MinerId, UserId};
use domain::money::Minor;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::DbError;
use crate::schema::approvals;
use crate::text::Text as _;

/// The command of a proposal, as it is stored.
pub(super) const MINER_ADJUST_POINTS: &str = "MINER_ADJUST_POINTS";

/// An approval as read at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalSeen {
    /// The approval.
    pub approval: Approval,
    /// The system's time when it was read.
    pub at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = approvals, check_for_backend(diesel::pg::Pg))]
pub(super) struct ApprovalRow {
    id: Uuid,
    command: String,
    subject_id: Uuid,
    amount: i64,
    reason: String,
    requested_by: Uuid,
    requested_at: Timestamp,
    expires_at: Timestamp,
    status: String,
    decided_by: Option<Uuid>,
    decided_at: Option<Timestamp>,
    decision_reason: Option<String>,
}

/// What a decision changes.
#[derive(AsChangeset)]
#[diesel(table_name = approvals, treat_none_as_null = true)]
pub(super) struct ApprovalDecision {
    status: &'static str,
    decided_by: Option<Uuid>,
    decided_at: Option<Timestamp>,
    decision_reason: Option<String>,
}

impl ApprovalRow {
    /// What became of an approval.
    pub fn decision(approval: &Approval) -> ApprovalDecision {
        let (status, decided, reason) = match &approval.state {
            ApprovalState::Pending => (ApprovalStatus::Pending, None, None),
            ApprovalState::Approved { by, at } => (ApprovalStatus::Approved, Some((by, at)), None),
            ApprovalState::Declined { by, at, reason } => (
                ApprovalStatus::Declined,
                Some((by, at)),
                Some(reason.clone()),
            ),
        };
        ApprovalDecision {
            status: status.text(),
            decided_by: decided.map(|(by, _)| by.0),
            decided_at: decided.map(|(_, at)| *at),
            decision_reason: reason,
        }
    }
}

impl From<&Approval> for ApprovalRow {
    fn from(approval: &Approval) -> Self {
        let Proposal::MinerAdjustPoints { miner, points } = approval.proposal;
        let decision = Self::decision(approval);
        Self {
            id: approval.id.0,
            command: MINER_ADJUST_POINTS.to_owned(),
            subject_id: miner.0,
            amount: points.0,
            reason: approval.reason.clone(),
            requested_by: approval.requested_by.0,
            requested_at: approval.requested_at,
            expires_at: approval.expires_at,
            status: decision.status.to_owned(),
            decided_by: decision.decided_by,
            decided_at: decision.decided_at,
            decision_reason: decision.decision_reason,
        }
    }
}

impl TryFrom<ApprovalRow> for Approval {
    type Error = DbError;

    fn try_from(row: ApprovalRow) -> Result<Self, DbError> {
        let bad = |column| DbError::inconsistent("approvals", column, row.id);
        if row.command != MINER_ADJUST_POINTS {
            return Err(bad("command"));
        }
        let decided = row.decided_by.map(UserId).zip(row.decided_at);
        let state = match ApprovalStatus::read("approvals", "status", &row.status)? {
            ApprovalStatus::Pending => ApprovalState::Pending,
            ApprovalStatus::Approved => {
                let (by, at) = decided.ok_or_else(|| bad("decided_by"))?;
                ApprovalState::Approved { by, at }
            }
            ApprovalStatus::Declined => {
                let (by, at) = decided.ok_or_else(|| bad("decided_by"))?;
                let reason = row.decision_reason.ok_or_else(|| bad("decision_reason"))?;
                ApprovalState::Declined { by, at, reason }
            }
            ApprovalStatus::Expired => return Err(bad("status")),
        };
        Ok(Self {
            id: ApprovalId(row.id),
            proposal: Proposal::MinerAdjustPoints {
                miner: MinerId(row.subject_id),
                points: Minor(row.amount),
            },
            reason: row.reason,
            requested_by: UserId(row.requested_by),
            requested_at: row.requested_at,
            expires_at: row.expires_at,
            state,
        })
    }
}

impl TryFrom<(ApprovalRow, Timestamp)> for ApprovalSeen {
    type Error = DbError;

    fn try_from((row, at): (ApprovalRow, Timestamp)) -> Result<Self, DbError> {
        Ok(Self {
            approval: row.try_into()?,
            at,
        })
    }
}
