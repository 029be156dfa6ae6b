//! Declining a command that waits.

use domain::approval::{Approval, ApprovalRefusal, ApprovalState};
use domain::reason::Reason;

use super::{Decided, Decision, lock, store};
use crate::audit::About;
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::{DbError, Tx};

/// Declines a command that waits: it will not be carried out.
///
/// Refusals: [`ApprovalRefusal::ReasonInvalid`], [`ApprovalRefusal::NotFound`], those of [`Approval::may_be_decided`].
pub async fn decline(
    tx: &mut Tx,
    request: &Request,
    decision: Decision,
    reason: &str,
) -> Result<Answer<Decided>, DbError> {
    let mut key = match idempotency::claim(tx, "approvals.decline", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = turn_down(tx, &mut key, decision, reason).await?;
    key.settle(tx, request, outcome).await
}

async fn turn_down(
    tx: &mut Tx,
    key: &mut Key,
    decision: Decision,
    reason: &str,
) -> Result<Result<Decided, ApprovalRefusal>, DbError> {
    let Some(reason) = Reason::parse(reason) else {
        return Ok(Err(ApprovalRefusal::ReasonInvalid));
    };
    let about = About {
        entity_kind: "approval",
        entity_id: Some(decision.approval.to_string()),
        reason: Some(reason.clone()),
    };
    let Some(approval) = lock(tx.conn(), decision.approval).await? else {
        key.about(about);
        return Ok(Err(ApprovalRefusal::NotFound));
    };
    if let Err(refusal) = approval.may_be_decided(decision.by, tx.now()) {
        key.about(about);
        return Ok(Err(refusal));
    }
    let after = Approval {
        state: ApprovalState::Declined {
            by: decision.by,
            at: tx.now(),
            reason: reason.as_str().to_owned(),
        },
        ..approval.clone()
    };
    Ok(Ok(store(tx, key, about, &approval, &after).await?))
}
