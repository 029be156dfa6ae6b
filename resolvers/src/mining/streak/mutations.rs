//! Root fields of Mutation about streaks.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::mining::streak::commands::{STREAK_RECOVER, StreakRecovered, streak_recover};
use domain::ids::{HistoryId, MinerId};
use domain::money::Minor;
use futures_util::FutureExt;

use super::refusals::StreakUserError;
use crate::command::{Loaded, command_types, run};
use crate::errors::ApiError;
use crate::mining::miner::objects::{Miner, MiningHistoryEntry};
use crate::mining::whole;
use crate::node::NodeType;
use crate::scalars::Decimal;

command_types! {
    StreakRecoverInput(Required) {}
    StreakRecoverPayload(StreakUserError) {
        /// History entry of the price; null when refused.
        entry: Loaded<MiningHistoryEntry>,
        /// Milestone points paid, 0 if none; null when refused.
        milestone_points: Option<Decimal>,
        /// The caller's miner; null when refused.
        miner: Loaded<Miner>,
        /// Days added to the streak; null when refused.
        recovered_days: Option<i32>,
    }
}

/// Commands on streaks.
#[derive(Default)]
pub struct StreakMutation;

#[Object]
impl StreakMutation {
    /// Adds the caller's broken streak to the present one for `recoveryCost`; milestones reached that way are paid.
    async fn streak_recover(
        &self,
        ctx: &Context<'_>,
        input: StreakRecoverInput,
    ) -> Option<Result<StreakRecoverPayload, ApiError>> {
        run(
            ctx,
            &STREAK_RECOVER,
            input,
            |call| streak_recover(call.tx, call.request).boxed(),
            async |done: StreakRecovered| StreakRecoverPayload {
                entry: MiningHistoryEntry::load(ctx, HistoryId(done.entry_id)).await.transpose(),
                milestone_points: Some(Decimal::points(Minor(done.milestone_points))),
                miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
                recovered_days: Some(whole(done.recovered_days)),
                ..StreakRecoverPayload::default()
            },
        )
        .await
    }
}
