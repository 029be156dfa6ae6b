//! Shared part of suspending and restoring: miner, session and referral change together.

use domain::mining::{Decided, Miner, MinerRefusal, ReferralStatus, Session};
use uuid::Uuid;

use super::decision::{self, MinerDecision};
use crate::Tx;
use crate::command::{Request, Stop};
use crate::idempotency::Key;
use crate::mining::events::{MinerEvents, StatusChange};
use crate::mining::miner::locks::{lock_miners, take};
use crate::mining::referral::changes;

/// Locks the miner's referral, the miner and the referrer, applies a rule, and stores the result; returns the miner's id.
pub(super) async fn change(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
    event: StatusChange,
    referral: ReferralStatus,
    rule: impl FnOnce(Miner, Option<Session>) -> Result<Decided, MinerRefusal> + Send,
) -> Result<Uuid, Stop<MinerRefusal>> {
    let (id, _) = decision.find(tx.conn(), key).await?;
    let through = changes::lock_referral(tx.conn(), id).await?;
    let ids: Vec<_> = std::iter::once(id)
        .chain(through.as_ref().map(|referral| referral.referrer_id))
        .collect();
    let mut locked = lock_miners(tx.conn(), &ids).await?;
    let before = take(&mut locked, id)?;
    changes::check_locked(&before, through.as_ref())?;
    let open = decision::open_session(tx.conn(), id).await?;
    let decided = rule(before.clone(), open)?;
    let mut events = MinerEvents::of(&before, None);
    events.status(event, &decided.miner);
    let version = events.enqueue(tx, &request.request_id)?;
    decision::store(tx, key, &before, &decided, version).await?;
    if let Some(through) = &through {
        let referrer = take(&mut locked, through.referrer_id)?;
        changes::turn(tx, request, through, referral, &referrer, before.user_id).await?;
    }
    Ok(id.0)
}
