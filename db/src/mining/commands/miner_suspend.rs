//! Suspending a miner.

use domain::mining::{Miner, MiningRefusal, ReferralStatus};

use super::decide::{self, MinerDecided, MinerDecision};
use super::events::MinerEvents;
use super::referral;
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::{DbError, Tx};

/// Suspends a miner: no start and no claim until they are restored, and the referral that brought them stops counting.
///
/// Refusals: [`MiningRefusal::NotFound`], then those of [`domain::mining::suspend`].
pub async fn miner_suspend(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<MinerDecided>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.miner_suspend", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = suspend(tx, &mut key, request, decision).await?;
    key.settle(tx, request, outcome).await
}

async fn suspend(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Result<MinerDecided, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(id) = decision.find(tx.conn(), key).await? else {
        return Ok(Err(MiningRefusal::NotFound));
    };
    let brought = referral::lock_referral(tx.conn(), id).await?;
    let ids: Vec<_> = std::iter::once(id)
        .chain(brought.as_ref().map(|referral| referral.referrer_id))
        .collect();
    let mut locked = decide::lock_miners(tx.conn(), &ids).await?;
    let before: Miner = decide::take(&mut locked, id)?;
    let open = decide::open_session(tx.conn(), id).await?;
    let decided = match domain::mining::suspend(before.clone(), open, decision.by, now) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut events = MinerEvents::of(&before, None);
    events.status("MinerSuspended", &before, &decided.miner);
    let version = events.store(tx, request).await?;
    let done = decide::store(tx, key, &before, &decided, version).await?;
    if let Some(referral) = &brought {
        let referrer = decide::take(&mut locked, referral.referrer_id)?;
        let off = ReferralStatus::Inactive;
        referral::turn(tx, request, referral, off, &referrer, before.user_id).await?;
    }
    Ok(Ok(done))
}
