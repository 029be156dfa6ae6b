//! Suspending a miner.

use domain::mining::ReferralStatus;

use super::decide::{MinerDecided, MinerDecision};
use super::standing::{self, Change};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx};

/// Suspends a miner: no start and no claim until they are restored, and the referral that brought them stops counting.
///
/// Refusals: [`domain::mining::MiningRefusal::ReasonInvalid`], [`domain::mining::MiningRefusal::NotFound`], then those of [`domain::mining::suspend`].
pub async fn miner_suspend(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<MinerDecided>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.miner_suspend", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let (by, now) = (decision.by, tx.now());
    let change = Change {
        event: "MinerSuspended",
        referral: ReferralStatus::Inactive,
    };
    let judge = |miner, open| domain::mining::suspend(miner, open, by, now);
    let outcome = standing::change(tx, &mut key, request, decision, change, judge).await?;
    key.settle(tx, request, outcome).await
}
