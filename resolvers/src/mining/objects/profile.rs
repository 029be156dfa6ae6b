//! What others see of a miner.

use async_graphql::{ComplexObject, Context, SimpleObject};
use db::mining::MinerSeen;
use domain::access::{Action, Relation};
use domain::ids::MinerId;

use super::{MinerRole, days};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::request::{Asked, configuration};
use crate::scalars::Decimal;

/// What others see of a miner: in leaderboards, circles, invitations and referrals.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MinerProfile {
    /// Global id.
    pub id: GlobalId,
    /// What others call them.
    pub display_name: String,
    /// What they are to the platform.
    pub role: MinerRole,
    /// All points ever mined, in points.
    pub total_mined_points: Decimal,
    #[graphql(skip)]
    seen: MinerSeen,
}

impl MinerProfile {
    pub(crate) fn of(seen: MinerSeen) -> Self {
        Self {
            id: GlobalId::MinerProfile(seen.miner.id),
            display_name: seen.display_name.clone(),
            role: seen.miner.role.into(),
            total_mined_points: Decimal::points(seen.miner.lifetime_points),
            seen,
        }
    }

    /// Loads what the caller may see of anybody.
    pub(crate) async fn load(ctx: &Context<'_>, id: MinerId) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::MinerProfileRead, Relation::Others) {
            return Ok(None);
        }
        Ok(ctx.operation().mining.load_one(id).await?.map(Self::of))
    }
}

#[ComplexObject]
impl MinerProfile {
    /// Days of the streak that count at the moment.
    async fn current_streak(&self, ctx: &Context<'_>) -> Option<Result<i32, ApiError>> {
        Some(streak_days(ctx, &self.seen).await)
    }

    /// The badge of the streak's tier; null without one.
    async fn badge(&self, ctx: &Context<'_>) -> Option<Result<String, ApiError>> {
        let badge = configuration(ctx).await.map(|configuration| {
            self.seen
                .miner
                .streak
                .view(self.seen.at, &configuration)
                .badge_name
        });
        badge.transpose()
    }
}

/// Days of a miner's streak that count at the moment they were read.
pub(super) async fn streak_days(ctx: &Context<'_>, seen: &MinerSeen) -> Result<i32, ApiError> {
    let configuration = configuration(ctx).await?;
    Ok(days(seen.miner.streak.view(seen.at, &configuration).days))
}
