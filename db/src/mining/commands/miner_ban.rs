//! Banning a miner, with all it entails.

use domain::mining::{Decided, Miner, MiningRefusal, ReferralStatus, SessionStatus};

use super::decide::{self, MinerDecided, MinerDecision};
use super::events::MinerEvents;
use super::{circle, referral};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::wallets::freezing;
use crate::{DbError, Tx};

/// Bans a miner for good: their open session expires, invitations are taken back, they leave their circle or end it as
/// its owner, the referral that brought them stops counting, and nothing leaves their wallets any more.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::NotFound`], then those of [`domain::mining::ban`].
pub async fn miner_ban(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<MinerDecided>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.miner_ban", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = ban(tx, &mut key, request, decision).await?;
    key.settle(tx, request, outcome).await
}

async fn ban(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Result<MinerDecided, MiningRefusal>, DbError> {
    let id = match decision.find(tx.conn(), key).await? {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let circles = circle::lock_for_ban(tx.conn(), id).await?;
    let brought = referral::lock_referral(tx.conn(), id).await?;
    let ids: Vec<_> = std::iter::once(id)
        .chain(brought.as_ref().map(|referral| referral.referrer_id))
        .chain(circles.members().iter().copied())
        .collect();
    let mut locked = decide::lock_miners(tx.conn(), &ids).await?;
    let before = decide::seek(&locked, id)?.clone();
    referral::must_be_known(&before, brought.as_ref())?;
    let open = decide::open_session(tx.conn(), id).await?;
    let decided = match domain::mining::ban(before.clone(), open, decision.by, tx.now()) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    circle::apply_ban(tx, request, &circles, &mut locked).await?;
    // Out of the circle they may be something else, and their version is a later one.
    let outside = decide::take(&mut locked, id)?;
    let mut events = MinerEvents::of(&outside, None);
    if let Some(expired) = &decided.session {
        events.session(&outside, expired, SessionStatus::Expired, tx.now());
    }
    events.status("MinerBanned", &before, &decided.miner);
    let version = events.store(tx, request).await?;
    let decided = Decided {
        miner: Miner {
            role: outside.role,
            circle_id: outside.circle_id,
            ..decided.miner
        },
        ..decided
    };
    let done = decide::store(tx, key, &before, &decided, version).await?;
    if let Some(brought) = &brought {
        let referrer = decide::take(&mut locked, brought.referrer_id)?;
        let (off, user) = (ReferralStatus::Inactive, before.user_id);
        referral::turn(tx, request, brought, off, &referrer, user).await?;
    }
    freezing::freeze_all_of(tx.conn(), before.user_id.into()).await?;
    Ok(Ok(done))
}
