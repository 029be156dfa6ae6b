//! Resetting a miner's streak.

use domain::mining::MiningRefusal;

use super::decide::{self, MinerDecided, MinerDecision};
use super::events::MinerEvents;
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::{DbError, Tx, configuration};

/// Ends a miner's run for good: neither it nor the one before can be recovered.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::NotFound`], then those of [`domain::mining::reset_streak`].
pub async fn miner_reset_streak(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<MinerDecided>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.miner_reset_streak", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = reset(tx, &mut key, request, decision).await?;
    key.settle(tx, request, outcome).await
}

async fn reset(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Result<MinerDecided, MiningRefusal>, DbError> {
    let id = match decision.find(tx.conn(), key).await? {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut locked = decide::lock_miners(tx.conn(), &[id]).await?;
    let before = decide::take(&mut locked, id)?;
    let configuration = configuration::mining(tx.conn()).await?;
    let decided = match domain::mining::reset_streak(before.clone(), decision.by) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut events = MinerEvents::of(&before, None);
    events.reset(&before, &configuration);
    let version = events.store(tx, request).await?;
    let done = decide::store(tx, key, &before, &decided, version).await?;
    Ok(Ok(done))
}
