//! Commands that wait for a second person: one file for each decision. What is approved is carried out in the same
//! transaction, by the command's own rules.

mod approve;
mod decline;
mod rows;

use diesel::pg::Pg;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::approval::{Approval, ApprovalRefusal, ApprovalState, ApprovalStatus, Proposal};
use domain::ids::{ApprovalId, UserId};
use domain::reason::Reason;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use approve::approve;
pub use decline::decline;
pub use rows::ApprovalSeen;

use crate::audit::{About, Change};
use crate::clock::app_now;
use crate::idempotency::{Key, Refusal, Request};
use crate::outbox::{self, NewEvent};
use crate::paging::Counted;
use crate::schema::{approvals, miners};
use crate::text::{self, Text as _, texts};
use crate::{Connection, Count, DbError, Page, Slice, Tx};
use rows::ApprovalRow;

texts!(ApprovalStatus { Pending = "PENDING", Approved = "APPROVED", Declined = "DECLINED", Expired = "EXPIRED" });

/// Who decides about which approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Which one.
    pub approval: ApprovalId,
    /// Who decides.
    pub by: UserId,
}

/// What a decision gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Which approval.
    pub approval_id: Uuid,
}

impl Refusal for ApprovalRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::ReasonInvalid => "REASON_INVALID",
            Self::NotFound => "APPROVAL_NOT_FOUND",
            Self::OwnRequest | Self::OwnMiner => "OWN_ACCOUNT",
            Self::NotPending => "APPROVAL_NOT_PENDING",
            Self::Expired { .. } => "APPROVAL_EXPIRED",
            Self::Command(_) => "COMMAND_REFUSED",
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::ReasonInvalid => Some("reason"),
            _ => Some("approval"),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Command(refusal) => {
                let mut facts = refusal.facts();
                facts.push(("cause", refusal.code().to_owned()));
                facts
            }
            Self::Expired { expires_at } => vec![("expiresAt", expires_at.to_rfc3339())],
            _ => Vec::new(),
        }
    }
}

/// Writes down a command that begins to wait.
pub(crate) async fn wait(
    tx: &mut Tx,
    request: &Request,
    approval: &Approval,
) -> Result<(), DbError> {
    diesel::insert_into(approvals::table)
        .values(ApprovalRow::from(approval))
        .execute(tx.conn())
        .await?;
    tell(tx, request, approval).await
}

/// Tells the platform where an approval stands from now on.
async fn tell(tx: &mut Tx, request: &Request, approval: &Approval) -> Result<(), DbError> {
    let (name, sequence, decided_by) = match approval.state {
        ApprovalState::Pending => ("ApprovalRequested", 1, None),
        ApprovalState::Approved { by, .. } => ("ApprovalApproved", 2, Some(by.0)),
        ApprovalState::Declined { by, .. } => ("ApprovalDeclined", 2, Some(by.0)),
    };
    let Proposal::MinerAdjustPoints { miner, points } = approval.proposal;
    let event = NewEvent {
        name,
        subject_kind: "approval",
        subject_id: approval.id.0,
        audience: None,
        sequence,
        payload: json!({
            "approvalId": approval.id.0, "command": rows::MINER_ADJUST_POINTS, "minerId": miner.0,
            "points": text::points(points), "requestedBy": approval.requested_by.0,
            "decidedBy": decided_by,
        }),
        transaction_id: None,
    };
    outbox::append(tx, &request.request_id, event).await
}

/// Locks an approval, if there is one.
async fn lock(conn: &mut Connection, id: ApprovalId) -> Result<Option<Approval>, DbError> {
    let row: Option<ApprovalRow> = approvals::table
        .find(id.0)
        .select(ApprovalRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Approval::try_from).transpose()
}

/// What the audit log says a decision is about, and why it was given.
fn about(approval: ApprovalId, reason: Option<Reason>) -> About {
    About {
        entity_kind: "approval",
        entity_id: Some(approval.to_string()),
        reason,
    }
}

/// Whose miner an approval is about.
async fn whose(conn: &mut Connection, approval: &Approval) -> Result<UserId, DbError> {
    let Proposal::MinerAdjustPoints { miner, .. } = approval.proposal;
    let user: Uuid = miners::table
        .find(miner.0)
        .select(miners::user_id)
        .first(conn)
        .await?;
    Ok(UserId(user))
}

/// Stores what was decided, and notes it for the audit log.
async fn store(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    before: &Approval,
    after: &Approval,
) -> Result<Decided, DbError> {
    tell(tx, request, after).await?;
    diesel::update(approvals::table.find(after.id.0))
        .set(ApprovalRow::decision(after))
        .execute(tx.conn())
        .await?;
    let now = tx.now();
    let shown = |approval: &Approval| -> Value {
        json!({
            "status": approval.status_at(now).text(), "reason": approval.reason,
            "requestedBy": approval.requested_by.0,
        })
    };
    key.changed(Change {
        before: shown(before),
        after: shown(after),
    });
    Ok(Decided {
        approval_id: after.id.0,
    })
}

/// Where an approval stands in the list: newest first.
pub type Place = (Timestamp, Uuid);

/// Approvals by id.
pub async fn by_id(
    conn: &mut Connection,
    ids: &[ApprovalId],
) -> Result<Vec<ApprovalSeen>, DbError> {
    let rows: Vec<(ApprovalRow, Timestamp)> = approvals::table
        .filter(approvals::id.eq_any(ids.iter().map(|id| id.0)))
        .select((ApprovalRow::as_select(), app_now()))
        .load(conn)
        .await?;
    rows.into_iter().map(ApprovalSeen::try_from).collect()
}

macro_rules! filter_approvals {
    ($query:ident, $status:expr) => {
        $query = match $status {
            None => $query,
            Some(ApprovalStatus::Pending) => $query
                .filter(approvals::status.eq(ApprovalStatus::Pending.text()))
                .filter(approvals::expires_at.ge(app_now())),
            Some(ApprovalStatus::Expired) => $query
                .filter(approvals::status.eq(ApprovalStatus::Pending.text()))
                .filter(approvals::expires_at.lt(app_now())),
            Some(decided) => $query.filter(approvals::status.eq(decided.text())),
        };
    };
}

/// A page of approvals, newest first.
pub async fn list(
    conn: &mut Connection,
    status: Option<ApprovalStatus>,
    page: &Page<Place>,
) -> Result<Slice<ApprovalSeen>, DbError> {
    let mut query = approvals::table
        .select((ApprovalRow::as_select(), app_now()))
        .into_boxed::<Pg>();
    filter_approvals!(query, status);
    // `column <= key AND (column < key OR id < key's)` lets the index find where to start.
    if let Some((at, id)) = page.after {
        query = query
            .filter(approvals::requested_at.le(at))
            .filter(approvals::requested_at.lt(at).or(approvals::id.lt(id)));
    }
    if let Some((at, id)) = page.before {
        query = query
            .filter(approvals::requested_at.ge(at))
            .filter(approvals::requested_at.gt(at).or(approvals::id.gt(id)));
    }
    query = if page.from_end {
        query.order((approvals::requested_at.asc(), approvals::id.asc()))
    } else {
        query.order((approvals::requested_at.desc(), approvals::id.desc()))
    };
    let rows: Vec<(ApprovalRow, Timestamp)> = page.cut(query).load(conn).await?;
    page.slice(rows).try_map(ApprovalSeen::try_from)
}

/// How many approvals have a status.
pub async fn count(
    conn: &mut Connection,
    status: Option<ApprovalStatus>,
) -> Result<Count, DbError> {
    let mut query = approvals::table.select(approvals::id).into_boxed::<Pg>();
    filter_approvals!(query, status);
    let found: i64 = Counted(query).get_result(conn).await?;
    Ok(Count::of(found))
}
