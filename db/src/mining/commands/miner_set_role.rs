//! Granting and withdrawing a role.

use domain::mining::{MiningRefusal, RoleChange};

use super::decide::{self, MinerDecided, MinerDecision};
use super::events::MinerEvents;
use super::role_of;
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::{DbError, Tx};

/// Grants or withdraws the role of who runs a node; every other role follows from facts.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::NotFound`], then those of [`domain::mining::set_role`].
pub async fn miner_set_role(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
    change: RoleChange,
) -> Result<Answer<MinerDecided>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.miner_set_role", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = set_role(tx, &mut key, request, decision, change).await?;
    key.settle(tx, request, outcome).await
}

async fn set_role(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
    change: RoleChange,
) -> Result<Result<MinerDecided, MiningRefusal>, DbError> {
    let id = match decision.find(tx.conn(), key).await? {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut locked = decide::lock_miners(tx.conn(), &[id]).await?;
    let before = decide::take(&mut locked, id)?;
    let by_facts = role_of(tx.conn(), &before, false).await?;
    let decided = match domain::mining::set_role(before.clone(), change, by_facts, decision.by) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut events = MinerEvents::of(&before, None);
    events.role(&before, decided.miner.role);
    let version = events.store(tx, request).await?;
    let done = decide::store(tx, key, &before, &decided, version).await?;
    Ok(Ok(done))
}
