//! Suspending and restoring a miner: miner, session and referral change together.

use domain::mining::miner::{restore, suspend};
use domain::mining::{Decided, Miner, MinerRefusal, MinerRefusalKind, ReferralStatus, Session};

use super::decision::{self, MinerDecision};
use crate::mining::configuration;
use crate::mining::events::{MinerEvents, MiningEvent, StatusChanged};
use crate::mining::miner::locks::{lock_miners, take};
use crate::mining::referral::changes;
use crate::prelude::*;

/// Descriptor of [`miner_suspend`].
pub const MINER_SUSPEND: Command<MinerRefusal> = Command {
    name: "mining.miner_suspend",
    action: Action::MinerSuspend,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Banned, Suspended),
};

/// Suspends a miner; its referral becomes inactive. Returns its user.
pub async fn miner_suspend(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_SUSPEND, async |tx, key| {
        let (by, now) = (request.person()?.id, tx.now());
        let (event, referral) = (MiningEvent::MinerSuspended, ReferralStatus::Inactive);
        let rule = |miner, open| suspend(miner, open, by, now);
        change(tx, key, request, decision, event, referral, rule).await
    })
    .await
}

/// Descriptor of [`miner_restore`].
pub const MINER_RESTORE: Command<MinerRefusal> = Command {
    name: "mining.miner_restore",
    action: Action::MinerRestore,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Banned, NotSuspended),
};

/// Restores a suspended miner: streak and claim window continue where they stopped, and its referral becomes active.
/// Returns its user.
pub async fn miner_restore(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_RESTORE, async |tx, key| {
        let (by, now) = (request.person()?.id, tx.now());
        let configuration = configuration::in_force(tx.conn()).await?;
        let (event, referral) = (MiningEvent::MinerRestored, ReferralStatus::Active);
        let rule = |miner, open| restore(miner, open, by, &configuration, now);
        change(tx, key, request, decision, event, referral, rule).await
    })
    .await
}

/// Locks the miner's referral, the miner and the referrer, applies a rule, and stores the result; returns the miner's user.
async fn change(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
    event: fn(StatusChanged) -> MiningEvent,
    referral: ReferralStatus,
    rule: impl FnOnce(Miner, Option<Session>) -> Result<Decided, MinerRefusal> + Send,
) -> Result<Uuid, Stop<MinerRefusal>> {
    let (id, _) = decision.find(tx.conn(), key).await?;
    let through = changes::lock_referral(tx.conn(), id.user).await?;
    let ids: Vec<_> = std::iter::once(id)
        .chain(through.as_ref().map(|referral| referral.referrer_id))
        .collect();
    let mut locked = lock_miners(tx, &ids).await?;
    let before = take(&mut locked, id)?;
    changes::check_locked(&before, through.as_ref())?;
    let open = decision::open_session(tx.conn(), id.user).await?;
    let decided = rule(before.clone(), open)?;
    let mut events = MinerEvents::of(&before, None);
    events.status(event, &decided.miner);
    let version = events.enqueue(tx, &request.request_id)?;
    decision::store(tx, key, &before, &decided, version).await?;
    if let Some(through) = &through {
        let referrer = take(&mut locked, through.referrer_id)?;
        changes::turn(tx, request, through, referral, &referrer, before.id.user).await?;
    }
    Ok(id.user.0)
}
