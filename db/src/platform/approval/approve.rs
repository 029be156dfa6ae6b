//! Approving a command, which carries it out at once.

use domain::ids::ApprovalId;
use domain::platform::{ApprovalRefusal, ApprovalRefusalKind, ApprovalState};
use domain::reason::Reason;

use super::{NotCarriedOut, Registered, about, lock, store};
use crate::platform::audit::{self, About};
use crate::prelude::*;

/// Descriptor of [`approval_approve`].
pub const APPROVAL_APPROVE: Command<ApprovalRefusal> = Command {
    name: "platform.approval_approve",
    action: Action::ApprovalDecide,
    key: KeyRule::Required,
    refusals: codes!(ApprovalRefusalKind: NotFound, OwnRequest, OwnSubject, NotPending, Expired, CommandRefused),
};

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
        let effect = match (registered.carry_out)(proposal, tx, key, request, by).await {
            Ok(effect) => effect,
            Err(NotCarriedOut::Refused(cause)) => {
                let refusal = ApprovalRefusal::CommandRefused { approval_id: id.0 };
                return Err(Stop::Because(refusal, cause));
            }
            Err(NotCarriedOut::Fault(fault)) => return Err(fault.into()),
        };
        let (kind, entity) = effect.entity;
        let about = About::new(kind, Some(entity), Some(reason));
        let (command, posted) = (registered.command, key.transaction_id);
        let change = &effect.change;
        audit::append_applied(tx, request, command, Some(&about), change, posted).await?;
        let state = ApprovalState::Approved {
            by: request.person()?.id,
            at: tx.now(),
        };
        Ok(store(tx, key, request, stored, state).await?)
    })
    .await
}
