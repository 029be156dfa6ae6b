//! Declining a command that waits.

use domain::approval::{Approval, ApprovalRefusal, ApprovalState};
use domain::reason::Reason;

use super::{Decided, Decision, about, lock, store, whose};
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
    let outcome = turn_down(tx, &mut key, request, decision, reason).await?;
    key.settle(tx, request, outcome).await
}

async fn turn_down(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: Decision,
    reason: &str,
) -> Result<Result<Decided, ApprovalRefusal>, DbError> {
    let reason = Reason::parse(reason);
    key.about(about(decision.approval, reason.clone()));
    let Some(reason) = reason else {
        return Ok(Err(ApprovalRefusal::ReasonInvalid));
    };
    let Some(approval) = lock(tx.conn(), decision.approval).await? else {
        return Ok(Err(ApprovalRefusal::NotFound));
    };
    let whose = whose(tx.conn(), &approval).await?;
    if let Err(refusal) = approval.may_be_decided(decision.by, whose, tx.now()) {
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
    Ok(Ok(store(tx, key, request, &approval, &after).await?))
}
