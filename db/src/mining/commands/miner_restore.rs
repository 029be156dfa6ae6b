//! Restoring a suspended miner.

use domain::mining::ReferralStatus;

use super::decide::{MinerDecided, MinerDecision};
use super::standing::{self, Change};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx, configuration};

/// Restores a suspended miner: streak and claim window go on where they stood still, and the referral that brought them
/// counts again.
///
/// Refusals: [`domain::mining::MiningRefusal::ReasonInvalid`], [`domain::mining::MiningRefusal::NotFound`], then those of [`domain::mining::restore`].
pub async fn miner_restore(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<MinerDecided>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.miner_restore", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let (by, now) = (decision.by, tx.now());
    let configuration = configuration::mining(tx.conn()).await?;
    let change = Change {
        event: "MinerRestored",
        referral: ReferralStatus::Active,
    };
    let judge = |miner, open| domain::mining::restore(miner, open, by, &configuration, now);
    let outcome = standing::change(tx, &mut key, request, decision, change, judge).await?;
    key.settle(tx, request, outcome).await
}
