//! Recovering a broken streak for its price.

use domain::mining::streak::recover;
use domain::mining::{HistorySource, Rate, StreakRefusal};
use domain::wallets::{Reference, TransferReason};
use serde::{Deserialize, Serialize};

use crate::mining::configuration;
use crate::mining::miner::events::{MinerEvent, MinerEvents};
use crate::mining::miner::facts_of;
use crate::mining::miner::locks::{lock_caller, store_miner};
use crate::mining::points::{self, Lines};
use crate::prelude::*;
use crate::text::points_decimal;

commands! {
    StreakRefusal;
    STREAK_RECOVER = "mining.streak_recover", StreakRecover, Required:
        MinerNotFound, MinerSuspended, MinerBanned, NotRecoverable, Late, IssuanceCeiling, WalletFrozen,
        InsufficientPoints, BalanceOverflow;
}

/// Result of [`streak_recover`]. Points are in units of 1/10,000 point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreakRecovered {
    /// Id of the user who mines.
    pub user_id: Uuid,
    /// Id of the history entry that records the price.
    pub entry_id: Uuid,
    /// Days added to the streak.
    pub recovered_days: u32,
    /// Milestone points credited to the miner's wallet.
    pub milestone_points: i64,
}

/// Adds the caller's broken streak to the present one; the wallet pays the price and receives the points of the
/// milestones reached.
pub async fn streak_recover(tx: &mut Tx, request: &Request) -> Result<Answer<StreakRecovered>> {
    once(tx, request, &STREAK_RECOVER, async |tx, key| {
        let miner = lock_caller::<StreakRefusal>(tx, request).await?;
        let facts = facts_of(tx.conn(), &miner).await?;
        let user = miner.id.user;
        let (latest, configuration) = configuration::with_newest_session(tx.conn(), user).await?;
        let done = recover(&miner, latest.as_ref(), &configuration, tx.now())?;
        let milestones = &done.recovered.milestones;
        let price = points::from_miner(&miner, done.cost, TransferReason::StreakRecovery);
        let legs = std::iter::once(price).chain(points::milestones(&miner, milestones));
        let reference = Reference::to("miner", miner.id.uuid);
        let posted = points::post::<StreakRefusal>(tx, request, reference, legs).await?;
        key.transaction_id = posted;
        let streak = &done.recovered.streak;
        let rate = Rate::of(&facts, streak.current, &configuration).total();
        let lines = Lines {
            miner: &miner,
            session_id: None,
            hourly_rate: rate.map_err(DbError::from)?,
            streak_days: streak.current,
        };
        let price = done.cost.negated().map_err(DbError::from)?;
        let price = lines.line(tx, price, HistorySource::StreakRecovery)?;
        let entry_id = price.id();
        points::store_history(tx, lines.with_milestones(tx, price, milestones)?);
        let mut events = MinerEvents::of(&miner, posted);
        events.push(MinerEvent::StreakRecovered {
            user_id: miner.id.user.0,
            miner_id: miner.id.uuid,
            recovered_days: done.recovered.days,
            streak_days: streak.current,
            cost: points_decimal(done.cost),
        });
        events.streak_changed(streak.current, &configuration);
        events.milestones(milestones, streak.current, done.total_points);
        let version = events.enqueue(tx, &request.request_id)?;
        store_miner(tx, &miner, done.total_points, streak, version)?;
        Ok(StreakRecovered {
            user_id: miner.id.user.0,
            entry_id,
            recovered_days: done.recovered.days,
            milestone_points: done.milestone_points.0,
        })
    })
    .await
}
