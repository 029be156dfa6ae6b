//! Resetting a miner's streak.

use domain::mining::miner::reset_streak;
use domain::mining::{MinerRefusal, MinerRefusalKind};

use super::decision::{self, MinerDecision};
use crate::mining::configuration;
use crate::mining::events::MinerEvents;
use crate::prelude::*;

/// Descriptor of [`miner_streak_reset`].
pub const MINER_STREAK_RESET: Command<MinerRefusal> = Command {
    name: "mining.miner_streak_reset",
    action: Action::MinerStreakReset,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Banned, StreakNotFound),
};

/// Sets a miner's streak to 0 days, without recovery; returns the miner's user.
pub async fn miner_streak_reset(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_STREAK_RESET, async |tx, key| {
        let before = decision.lock(tx, key).await?;
        let configuration = configuration::in_force(tx.conn()).await?;
        let decided = reset_streak(before.clone(), request.person()?.id)?;
        let mut events = MinerEvents::of(&before, None);
        events.streak_reset(&configuration);
        let version = events.enqueue(tx, &request.request_id)?;
        decision::store(tx, key, &before, &decided, version).await?;
        Ok(before.id.user.0)
    })
    .await
}
