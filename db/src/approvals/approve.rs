//! Approving a command: it is carried out at once.

use domain::approval::{Approval, ApprovalRefusal, ApprovalState};
use domain::reason::Reason;

use super::{Decided, Decision, about, lock, store, whose};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::mining::commands::adjust_approved;
use crate::{Db, DbError, Tx};

/// Approves a command that waits, and carries it out; every rule of the command is checked again. What can't be done now
/// goes on waiting.
///
/// Refusals: [`ApprovalRefusal::NotFound`], those of [`Approval::may_be_decided`], [`ApprovalRefusal::Command`].
pub async fn approve(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    decision: Decision,
) -> Result<Answer<Decided>, DbError> {
    let mut key = match idempotency::claim(tx, "approvals.approve", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = carry_out(tx, db, &mut key, request, decision).await?;
    key.settle(tx, request, outcome).await
}

async fn carry_out(
    tx: &mut Tx,
    db: &Db,
    key: &mut Key,
    request: &Request,
    decision: Decision,
) -> Result<Result<Decided, ApprovalRefusal>, DbError> {
    key.about(about(decision.approval, None));
    let Some(approval) = lock(tx.conn(), decision.approval).await? else {
        return Ok(Err(ApprovalRefusal::NotFound));
    };
    let Some(reason) = Reason::parse(&approval.reason) else {
        return Err(DbError::inconsistent("approvals", "reason", approval.id));
    };
    key.about(about(decision.approval, Some(reason.clone())));
    let whose = whose(tx.conn(), &approval).await?;
    if let Err(refusal) = approval.may_be_decided(decision.by, whose, tx.now()) {
        return Ok(Err(refusal));
    }
    let done = adjust_approved(tx, db, key, request, &approval, reason).await?;
    if let Err(refusal) = done {
        return Ok(Err(ApprovalRefusal::Command(refusal)));
    }
    let after = Approval {
        state: ApprovalState::Approved {
            by: decision.by,
            at: tx.now(),
        },
        ..approval.clone()
    };
    Ok(Ok(store(tx, key, request, &approval, &after).await?))
}
