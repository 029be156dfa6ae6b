//! What suspending and restoring a miner have in common: the miner, their session, and the referral that brought them
//! change together.

use domain::mining::{Decided, Miner, MiningRefusal, ReferralStatus, Session};

use super::decide::{self, MinerDecided, MinerDecision};
use super::events::MinerEvents;
use super::referral;
use crate::idempotency::{Key, Request};
use crate::{DbError, Tx};

/// What a change of standing is called, and what it makes of the referral.
pub(super) struct Change {
    /// The event.
    pub event: &'static str,
    /// What becomes of the referral that brought the miner.
    pub referral: ReferralStatus,
}

/// Locks referral, miner and referrer, asks what follows, and stores it.
pub(super) async fn change(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
    change: Change,
    judge: impl FnOnce(Miner, Option<Session>) -> Result<Decided, MiningRefusal> + Send,
) -> Result<Result<MinerDecided, MiningRefusal>, DbError> {
    let id = match decision.find(tx.conn(), key).await? {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let brought = referral::lock_referral(tx.conn(), id).await?;
    let ids: Vec<_> = std::iter::once(id)
        .chain(brought.as_ref().map(|referral| referral.referrer_id))
        .collect();
    let mut locked = decide::lock_miners(tx.conn(), &ids).await?;
    let before = decide::take(&mut locked, id)?;
    referral::must_be_known(&before, brought.as_ref())?;
    let open = decide::open_session(tx.conn(), id).await?;
    let decided = match judge(before.clone(), open) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut events = MinerEvents::of(&before, None);
    events.status(change.event, &before, &decided.miner);
    let version = events.store(tx, request).await?;
    let done = decide::store(tx, key, &before, &decided, version).await?;
    if let Some(brought) = &brought {
        let referrer = decide::take(&mut locked, brought.referrer_id)?;
        let (to, referred) = (change.referral, before.user_id);
        referral::turn(tx, request, brought, to, &referrer, referred).await?;
    }
    Ok(Ok(done))
}
