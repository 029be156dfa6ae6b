//! Declining a command that waits for a second person.

use domain::ids::ApprovalId;
use domain::platform::{ApprovalRefusal, ApprovalRefusalKind, ApprovalState};
use domain::reason::Reason;

use super::{Registered, about, lock, store};

use crate::prelude::*;

/// Descriptor of [`approval_decline`].
pub const APPROVAL_DECLINE: Command<ApprovalRefusal> = Command {
    name: "platform.approval_decline",
    action: Action::ApprovalDecide,
    key: KeyRule::Optional,
    refusals: codes!(ApprovalRefusalKind: ReasonInvalid, NotFound, OwnRequest, OwnSubject, NotPending, Expired),
};

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
