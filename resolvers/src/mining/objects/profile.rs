//! What others see of a miner.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject};
use db::mining::{MinerSeen, Profile};
use domain::access::{Action, Relation};
use domain::ids::MinerId;
use domain::mining::StreakView;

use super::{MinerRole, days};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::plain::plain;
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
    miner_id: MinerId,
    /// The whole miner, where it was read for something else.
    #[graphql(skip)]
    seen: Option<Arc<MinerSeen>>,
}

impl MinerProfile {
    pub(crate) fn of(seen: Arc<MinerSeen>) -> Self {
        Self {
            id: GlobalId::MinerProfile(seen.miner.id),
            display_name: seen.display_name.clone(),
            role: seen.miner.role.into(),
            total_mined_points: Decimal::points(seen.miner.lifetime_points),
            miner_id: seen.miner.id,
            seen: Some(seen),
        }
    }

    /// What was read for nothing else; what depends on the streak is loaded when it is asked for.
    pub(crate) fn shown(profile: Profile) -> Self {
        Self {
            id: GlobalId::MinerProfile(profile.id),
            display_name: profile.display_name,
            role: profile.role.into(),
            total_mined_points: Decimal::points(profile.lifetime_points),
            miner_id: profile.id,
            seen: None,
        }
    }

    async fn streak(&self, ctx: &Context<'_>) -> Result<StreakView, ApiError> {
        let seen = if let Some(seen) = &self.seen {
            Arc::clone(seen)
        } else {
            let loaded = ctx.operation().mining.load_one(self.miner_id).await?;
            let gone = || db::DbError::Unavailable("the miner is gone".to_owned());
            Arc::new(loaded.ok_or_else(gone)?)
        };
        let configuration = configuration(ctx).await?;
        Ok(seen.miner.streak.view(seen.at, &configuration))
    }

    /// Loads what the caller may see of anybody.
    pub(crate) async fn load(ctx: &Context<'_>, id: MinerId) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::MinerProfileRead, Relation::Others) {
            return Ok(None);
        }
        let seen = ctx.operation().mining.load_one(id).await?;
        Ok(seen.map(|seen| Self::of(Arc::new(seen))))
    }
}

plain!(MinerProfile, id, display_name, role, total_mined_points);

#[ComplexObject]
impl MinerProfile {
    /// Days of the streak that count at the moment.
    async fn current_streak(&self, ctx: &Context<'_>) -> Option<Result<i32, ApiError>> {
        Some(self.streak(ctx).await.map(|streak| days(streak.days)))
    }

    /// The badge of the streak's tier; null without one.
    async fn badge(&self, ctx: &Context<'_>) -> Option<Result<String, ApiError>> {
        let badge = self.streak(ctx).await.map(|streak| streak.badge_name);
        badge.transpose()
    }
}
