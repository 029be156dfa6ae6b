//! Approvals: commands that wait for a second person. A context registers its proposals ([`Registered`]); an approved
//! proposal is carried out in the transaction of the approval, under its own rules.

mod alone;
pub mod commands;
pub mod queries;
mod rows;

use domain::access::{Action, Relation};
use domain::platform::{Approval, ApprovalRefusal, ApprovalState};
use domain::reason::Reason;
use domain::wallets::WalletOwner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use alone::{Alone, may_act_alone};
pub use rows::ApprovalSeen;

use super::audit::{About, Change};
use super::events::{ApprovalChanged, PlatformEvent};
use crate::command::{Command, Refusal, Refused};
use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::schema::approvals;
use rows::{ApprovalRow, Stored};

/// Effect of an approved command, for the audit log.
pub struct Effect {
    /// Kind and id of the object.
    pub entity: (&'static str, Uuid),
    /// The object before and after.
    pub change: Change,
}

/// A command that can wait for a second person. Its values are stored as JSON.
pub trait Proposal: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Refusals of the command.
    type Refusal: Refusal;

    /// The command that requested it.
    const COMMAND: &'static Command<Self::Refusal>;

    /// The object's key in the audit log.
    #[must_use]
    fn entity_id(entity: Uuid) -> String {
        entity.to_string()
    }

    /// Carries the command out for the person who requested it; every rule is checked again.
    fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        requested_by: UserId,
    ) -> impl Future<Output = Result<Effect, Stop<Self::Refusal>>> + Send;
}

/// Reason why an approved command was not carried out.
enum NotCarriedOut {
    Refused(Box<Refused>),
    Fault(DbError),
}

/// An approved command that was carried out: its object and the change, for the audit log.
struct CarriedOut {
    about: (&'static str, String),
    change: Change,
}

type CarryOut = for<'t> fn(
    Value,
    &'t mut Tx,
    &'t mut Key,
    &'t Request,
    UserId,
) -> BoxFuture<'t, Result<CarriedOut, NotCarriedOut>>;

/// A registered [`Proposal`].
#[derive(Clone, Copy)]
pub struct Registered {
    command: &'static str,
    action: Action,
    carry_out: CarryOut,
}

impl Registered {
    /// Registers a proposal.
    #[must_use]
    pub const fn of<P: Proposal>() -> Self {
        Self {
            command: P::COMMAND.name,
            action: P::COMMAND.action,
            carry_out: carry_out::<P>,
        }
    }
}

fn carry_out<'t, P: Proposal>(
    proposal: Value,
    tx: &'t mut Tx,
    key: &'t mut Key,
    request: &'t Request,
    requested_by: UserId,
) -> BoxFuture<'t, Result<CarriedOut, NotCarriedOut>> {
    async move {
        let proposal: P = serde_json::from_value(proposal).map_err(|error| {
            NotCarriedOut::Fault(DbError::inconsistent("approvals", "proposal", error))
        })?;
        let done = proposal.carry_out(tx, key, request, requested_by).await;
        let done = done.map(|Effect { entity, change }| CarriedOut {
            about: (entity.0, P::entity_id(entity.1)),
            change,
        });
        done.map_err(|stop| match stop.stored() {
            Ok((_, refused)) => NotCarriedOut::Refused(Box::new(refused)),
            Err(fault) => NotCarriedOut::Fault(fault),
        })
    }
    .boxed()
}

/// A new request for approval.
pub(crate) struct NewApproval<'a, P> {
    /// Owners whom the command is about.
    pub subjects: Vec<WalletOwner>,
    /// Reason of the person who requested it.
    pub reason: &'a Reason,
    /// The command's values.
    pub proposal: &'a P,
    /// The object and what is proposed, for the audit log.
    pub change: Change,
}

/// Stores a command that waits for a second person, with its change for the audit log; returns the approval's id.
pub(crate) async fn request<P: Proposal>(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    new: NewApproval<'_, P>,
) -> Result<Uuid> {
    let proposal = serde_json::to_value(new.proposal)
        .map_err(|error| DbError::inconsistent("approvals", "proposal", error))?;
    let id = ApprovalId(tx.new_id());
    let reason = new.reason.as_str().to_owned();
    let command = P::COMMAND.name;
    let by = request.person()?.id;
    let approval = Approval::requested(id, command, new.subjects, reason, by, tx.now());
    let stored = Stored { approval, proposal };
    diesel::insert_into(approvals::table)
        .values(ApprovalRow::from(&stored))
        .execute(tx.conn())
        .await?;
    publish(tx, request, &stored)?;
    let Change { before, mut after } = new.change;
    after["approval"] = json!(id.0);
    key.change = Some(Change { before, after });
    Ok(id.0)
}

/// Enqueues the event of an approval's state.
fn publish(tx: &mut Tx, request: &Request, stored: &Stored) -> Result<()> {
    let approval = &stored.approval;
    let (version, event, decided_by): (_, fn(_) -> _, _) = match approval.state {
        ApprovalState::Pending => (0, PlatformEvent::ApprovalRequested, None),
        ApprovalState::Approved { by, .. } => (1, PlatformEvent::ApprovalApproved, Some(by.0)),
        ApprovalState::Declined { by, .. } => (1, PlatformEvent::ApprovalDeclined, Some(by.0)),
    };
    let mut events = SubjectEvents::new("approval", approval.id.0, version);
    events.push(event(ApprovalChanged {
        approval_id: approval.id.0,
        command: approval.command.clone(),
        proposal: stored.proposal.clone(),
        requested_by: approval.requested_by.0,
        decided_by,
    }));
    events.enqueue(tx, &request.request_id)?;
    Ok(())
}

/// Locks an approval that the caller may decide: one whose command is among their roles.
///
/// Refusals: [`ApprovalRefusal::NotFound`], those of [`Approval::may_be_decided`].
async fn lock(
    tx: &mut Tx,
    request: &Request,
    id: ApprovalId,
    proposals: &'static [Registered],
) -> Result<(Stored, Registered), Stop<ApprovalRefusal>> {
    let query = ApprovalRow::query().find(id.0).for_no_key_update();
    let row: Option<ApprovalRow> = query.first(tx.conn()).await.optional()?;
    let stored = Stored::try_from(row.ok_or(ApprovalRefusal::NotFound)?)?;
    let command = &stored.approval.command;
    let registered = proposals.iter().find(|known| known.command == command);
    let registered =
        *registered.ok_or_else(|| DbError::inconsistent("approvals", "command", command))?;
    if !request.principal.may(registered.action, Relation::Others) {
        return Err(ApprovalRefusal::NotFound.into());
    }
    stored
        .approval
        .may_be_decided(&request.principal, tx.now())?;
    Ok((stored, registered))
}

/// The object of a decision, for the audit log.
fn about(approval: ApprovalId, reason: Option<Reason>) -> About {
    About::new("approval", Some(approval.0), reason)
}

/// Stores a decision with its event, and records it for the audit log.
async fn store(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    stored: Stored,
    state: ApprovalState,
) -> Result<Uuid> {
    let now = tx.now();
    let shown = |approval: &Approval| -> Value {
        json!({
            "status": approval.status_at(now).name(), "reason": approval.reason,
            "requestedBy": approval.requested_by.0,
        })
    };
    let before = shown(&stored.approval);
    let after = Stored {
        approval: Approval {
            state,
            ..stored.approval
        },
        ..stored
    };
    publish(tx, request, &after)?;
    diesel::update(approvals::table.find(after.approval.id.0))
        .set(ApprovalRow::decision(&after.approval))
        .execute(tx.conn())
        .await?;
    key.change = Some(Change {
        before,
        after: shown(&after.approval),
    });
    Ok(after.approval.id.0)
}
