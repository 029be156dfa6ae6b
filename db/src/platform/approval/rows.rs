//! The table `approvals` as structs.

use diesel::AsChangeset;
use domain::platform::{Approval, ApprovalState, ApprovalStatus};
use domain::wallets::{OwnerKind, WalletOwner};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::prelude::*;
use crate::schema::approvals;
use crate::text::named;

/// An approval with its command's values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub approval: Approval,
    pub proposal: Value,
}

/// An approval with the moment it was read at.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalSeen {
    /// The approval.
    pub approval: Approval,
    /// Values of the command, of a type of its context.
    pub proposal: Value,
    /// Time of the platform's clock when it was read.
    pub at: Timestamp,
}

/// An owner in the column `subjects`.
#[derive(Deserialize)]
struct Subject {
    #[serde(deserialize_with = "named::deserialize")]
    kind: OwnerKind,
    id: Uuid,
}

#[derive(HasQuery, Insertable)]
#[diesel(table_name = approvals, check_for_backend(diesel::pg::Pg))]
pub(super) struct ApprovalRow {
    id: Uuid,
    command: String,
    subject: Option<Uuid>,
    subjects: Value,
    proposal: Value,
    reason: String,
    requested_by: Uuid,
    requested_at: Timestamp,
    expires_at: Timestamp,
    #[diesel(embed)]
    decision: ApprovalDecision,
}

/// Columns that a decision changes.
#[derive(AsChangeset, HasQuery, Insertable)]
#[diesel(table_name = approvals, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(super) struct ApprovalDecision {
    status: String,
    decided_by: Option<Uuid>,
    decided_at: Option<Timestamp>,
    decision_reason: Option<String>,
}

impl ApprovalRow {
    /// Columns of an approval's state.
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
            status: status.name().to_owned(),
            decided_by: decided.map(|(by, _)| by.0),
            decided_at: decided.map(|(_, at)| *at),
            decision_reason: reason,
        }
    }
}

fn subjects_as_json(subjects: &[WalletOwner]) -> Value {
    let shown = |owner: &WalletOwner| json!({"kind": owner.kind.name(), "id": owner.id});
    subjects.iter().map(shown).collect()
}

/// Owners of both columns: instances of the version before store the person alone.
fn subjects_of(person: Option<Uuid>, stored: Value) -> Result<Vec<WalletOwner>> {
    let stored: Vec<Subject> = serde_json::from_value(stored)
        .map_err(|error| DbError::inconsistent("approvals", "subjects", error))?;
    let stored = stored
        .into_iter()
        .map(|Subject { kind, id }| WalletOwner { kind, id });
    let mut subjects: Vec<_> = stored.collect();
    let person = person.map(|person| WalletOwner::from(UserId(person)));
    subjects.extend(person.filter(|person| !subjects.contains(person)));
    Ok(subjects)
}

impl From<&Stored> for ApprovalRow {
    fn from(Stored { approval, proposal }: &Stored) -> Self {
        Self {
            id: approval.id.0,
            command: approval.command.clone(),
            // Instances of the version before read the first person alone.
            subject: approval
                .subjects
                .iter()
                .find_map(WalletOwner::user)
                .map(|user| user.0),
            subjects: subjects_as_json(&approval.subjects),
            proposal: proposal.clone(),
            reason: approval.reason.clone(),
            requested_by: approval.requested_by.0,
            requested_at: approval.requested_at,
            expires_at: approval.expires_at,
            decision: Self::decision(approval),
        }
    }
}

impl TryFrom<ApprovalRow> for Stored {
    type Error = DbError;

    fn try_from(row: ApprovalRow) -> Result<Self> {
        let bad = |column| DbError::inconsistent("approvals", column, row.id);
        let stored = row.decision;
        let decided = stored.decided_by.map(UserId).zip(stored.decided_at);
        let state = match read_name("approvals", "status", &stored.status)? {
            ApprovalStatus::Pending => ApprovalState::Pending,
            ApprovalStatus::Approved => {
                let (by, at) = decided.ok_or_else(|| bad("decided_by"))?;
                ApprovalState::Approved { by, at }
            }
            ApprovalStatus::Declined => {
                let (by, at) = decided.ok_or_else(|| bad("decided_by"))?;
                let reason = stored
                    .decision_reason
                    .ok_or_else(|| bad("decision_reason"))?;
                ApprovalState::Declined { by, at, reason }
            }
            ApprovalStatus::Expired => return Err(bad("status")),
        };
        Ok(Self {
            approval: Approval {
                id: ApprovalId(row.id),
                command: row.command,
                subjects: subjects_of(row.subject, row.subjects)?,
                reason: row.reason,
                requested_by: UserId(row.requested_by),
                requested_at: row.requested_at,
                expires_at: row.expires_at,
                state,
            },
            proposal: row.proposal,
        })
    }
}

impl TryFrom<(ApprovalRow, Timestamp)> for ApprovalSeen {
    type Error = DbError;

    fn try_from((row, at): (ApprovalRow, Timestamp)) -> Result<Self> {
        let Stored { approval, proposal } = row.try_into()?;
        Ok(Self {
            approval,
            proposal,
            at,
        })
    }
}
