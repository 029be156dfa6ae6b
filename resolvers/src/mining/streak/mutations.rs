//! Root fields of Mutation about streaks.

use db::mining::streak::commands::{STREAK_RECOVER, StreakRecovered, streak_recover};
use domain::money::Minor;

use super::refusals::StreakUserError;
use crate::mining::miner::objects::{Miner, MiningHistoryEntry};
use crate::mining::whole;
use crate::prelude::*;

mutations! {
    /// Commands on streaks.
    StreakMutation;

    /// Adds the caller's broken streak to the present one for `recoveryCost`; milestones reached that way are paid.
    streak_recover = STREAK_RECOVER, |call| streak_recover(call.tx, call.request).boxed();
    StreakRecoverInput(Required) {}
    StreakRecoverPayload(StreakUserError) = |ctx, done: StreakRecovered| {
        /// History entry that records the price; null when refused.
        entry: Loaded<MiningHistoryEntry> = load(ctx, HistoryId::from([done.user_id, done.entry_id])).await,
        /// Milestone points credited to the wallet, 0 if none; null when refused.
        milestone_points: Option<Decimal> = Some(Decimal::points(Minor(done.milestone_points))),
        /// The caller's miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(done.user_id)).await,
        /// Days added to the streak; null when refused.
        recovered_days: Option<i32> = Some(whole(done.recovered_days)),
    }
}
