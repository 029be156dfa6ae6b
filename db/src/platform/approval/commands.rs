//! Approving a command, which carries it out at once, and declining it.

use domain::platform::{ApprovalRefusal, ApprovalState};
use domain::reason::Reason;

use super::{NotCarriedOut, Registered, about, lock, store};
use crate::platform::audit::{self, About};
use crate::prelude::*;

commands! {
    ApprovalRefusal;
    APPROVAL_APPROVE = "platform.approval_approve", ApprovalDecide, Required:
        NotFound, OwnRequest, OwnSubject, NotPending, Expired, CommandRefused;
    APPROVAL_DECLINE = "platform.approval_decline", ApprovalDecide, Optional:
        ReasonInvalid, NotFound, OwnRequest, OwnSubject, NotPending, Expired;
}

/// Approves a command and carries it out under the rules in force; returns the approval's id. When the command is
/// refused, the approval stays pending.
pub async fn approval_approve(
    tx: &mut Tx,
    request: &Request,
    id: ApprovalId,
    proposals: &'static [Registered],
) -> Result<Answer<Uuid>> {
    once(tx, request, &APPROVAL_APPROVE, async |tx, key| {
        key.about = Some(about(id, None));
        let (stored, registered) = lock(tx, request, id, proposals).await?;
        let reason = Reason::parse(&stored.approval.reason)
            .ok_or_else(|| DbError::inconsistent("approvals", "reason", id))?;
        key.about = Some(about(id, Some(reason.clone())));
        let (proposal, by) = (stored.proposal.clone(), stored.approval.requested_by);
        let done = match (registered.carry_out)(proposal, tx, key, request, by).await {
            Ok(done) => done,
            Err(NotCarriedOut::Refused(cause)) => {
                let refusal = ApprovalRefusal::CommandRefused { approval_id: id.0 };
                return Err(Stop::Because(refusal, cause));
            }
            Err(NotCarriedOut::Fault(fault)) => return Err(fault.into()),
        };
        let (entity_kind, entity_id) = done.about;
        let about = About {
            entity_kind,
            entity_id: Some(entity_id),
            reason: Some(reason),
        };
        let (command, posted) = (registered.command, key.transaction_id);
        let change = &done.change;
        audit::append_applied(tx, request, command, Some(&about), change, posted).await?;
        let state = ApprovalState::Approved {
            by: request.person()?.id,
            at: tx.now(),
        };
        Ok(store(tx, key, request, stored, state).await?)
    })
    .await
}

/// Declines a command; returns the approval's id.
pub async fn approval_decline(
    tx: &mut Tx,
    request: &Request,
    id: ApprovalId,
    reason: &str,
    proposals: &'static [Registered],
) -> Result<Answer<Uuid>> {
    once(tx, request, &APPROVAL_DECLINE, async |tx, key| {
        let reason = Reason::parse(reason);
        key.about = Some(about(id, reason.clone()));
        let reason = reason.ok_or(ApprovalRefusal::ReasonInvalid)?;
        let (stored, _) = lock(tx, request, id, proposals).await?;
        let state = ApprovalState::Declined {
            by: request.person()?.id,
            at: tx.now(),
            reason: reason.as_str().to_owned(),
        };
        Ok(store(tx, key, request, stored, state).await?)
    })
    .await
}
