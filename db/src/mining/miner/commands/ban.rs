//! Banning a miner, with all effects of the ban.

use domain::mining::miner::ban;
use domain::mining::{
    Decided, Miner, MinerRefusal, MinerRefusalKind, ReferralStatus, SessionStatus,
};

use super::decision::{self, MinerDecision};
use crate::mining::circle;
use crate::mining::events::{MinerEvents, MiningEvent};
use crate::mining::miner::locks::{lock_miners, seek, take};
use crate::mining::referral::changes;
use crate::prelude::*;
use crate::wallets;

/// Descriptor of [`miner_ban`].
pub const MINER_BAN: Command<MinerRefusal> = Command {
    name: "mining.miner_ban",
    action: Action::MinerBan,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Banned),
};

/// Bans a miner for good: the open session expires, invitations are cancelled, the circle is left or disbanded, the
/// referral becomes inactive and the person's wallets are frozen. Returns the miner's user.
pub async fn miner_ban(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_BAN, async |tx, key| {
        let (id, _) = decision.find(tx.conn(), key).await?;
        let circles = circle::lock_for_ban(tx, id).await?;
        let through = changes::lock_referral(tx.conn(), id.user).await?;
        let ids: Vec<_> = std::iter::once(id)
            .chain(through.as_ref().map(|referral| referral.referrer_id))
            .chain(circles.members().iter().copied())
            .collect();
        let mut locked = lock_miners(tx, &ids).await?;
        let before = seek(&locked, id)?.clone();
        changes::check_locked(&before, through.as_ref())?;
        let open = decision::open_session(tx.conn(), id.user).await?;
        let decided = ban(before.clone(), open, request.person()?.id, tx.now())?;
        circle::apply_ban(tx, request, &circles, &mut locked).await?;
        // Leaving the circle may have changed the miner's role and version.
        let outside = take(&mut locked, id)?;
        let mut events = MinerEvents::of(&outside, None);
        if let Some(expired) = &decided.session {
            events.session(expired, SessionStatus::Expired, tx.now());
        }
        events.status(MiningEvent::MinerBanned, &decided.miner);
        let version = events.enqueue(tx, &request.request_id)?;
        let decided = Decided {
            miner: Miner {
                role: outside.role,
                circle_id: outside.circle_id,
                ..decided.miner
            },
            ..decided
        };
        decision::store(tx, key, &before, &decided, version).await?;
        if let Some(through) = &through {
            let referrer = take(&mut locked, through.referrer_id)?;
            let (off, user) = (ReferralStatus::Inactive, before.id.user);
            changes::turn(tx, request, through, off, &referrer, user).await?;
        }
        wallets::freeze_all_of(tx.conn(), before.id.user.into()).await?;
        Ok(id.user.0)
    })
    .await
}
