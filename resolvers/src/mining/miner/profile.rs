//! The public view of a miner.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use db::mining::{MinerSeen, Profile};
use domain::access::Action;
use domain::ids::{MinerId, UserId};
use domain::mining::{self as rules, StreakView};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::abstracts::DynOutput;
use crate::eager::{Ready, eager};
use crate::errors::ApiError;
use crate::mining::loaders::MiningLoader;
use crate::mining::{configuration_in_force, missing, whole};
use crate::node::{GlobalId, NodeType};
use crate::request::OperationContext;
use crate::scalars::Decimal;

/// Roles of a miner, each with a bonus rate.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::Role")]
pub enum MinerRole {
    /// Every other miner; bonus rate 0.
    Pioneer,
    /// Member of a valid circle; bonus rate 0.10.
    Contributor,
    /// Five or more active referrals; bonus rate 0.25.
    Ambassador,
    /// Granted by an administrator; bonus rate 0.50.
    NodeOperator,
}

/// Public view of a miner.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MinerProfile {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Name of the person, 1 to 100 characters.
    pub display_name: String,
    /// Role of the miner.
    pub role: MinerRole,
    /// Lifetime mined points.
    pub total_mined_points: Decimal,
    #[graphql(skip)]
    miner_id: MinerId,
    /// The miner, where it was read for something else.
    #[graphql(skip)]
    seen: Option<Arc<MinerSeen>>,
}

eager! { MinerProfile, id, display_name, role, total_mined_points }

impl MinerProfile {
    pub(in crate::mining) fn of(seen: Arc<MinerSeen>) -> Self {
        Self {
            id: GlobalId::of::<Self>(&seen.miner.id),
            display_name: seen.display_name.clone(),
            role: seen.miner.role.into(),
            total_mined_points: Decimal::points(seen.miner.lifetime_points),
            miner_id: seen.miner.id,
            seen: Some(seen),
        }
    }

    /// A profile without the miner, which is loaded when a field needs the streak.
    pub(in crate::mining) fn shown(profile: Profile) -> Self {
        Self {
            id: GlobalId::of::<Self>(&profile.id),
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
            let loaded = ctx.loader::<MiningLoader>().load_one(self.miner_id).await?;
            Arc::new(loaded.ok_or_else(|| missing("the miner"))?)
        };
        let configuration = configuration_in_force(ctx).await?;
        Ok(seen.miner.streak.view(seen.at, &configuration))
    }
}

#[ComplexObject]
impl MinerProfile {
    /// Badge of the streak's tier; null for a tier without one.
    async fn badge(&self, ctx: &Context<'_>) -> Option<Result<String, ApiError>> {
        let badge = self.streak(ctx).await.map(|streak| streak.badge_name);
        badge.transpose()
    }

    /// Days of the streak as of now, from 0.
    async fn streak_days(&self, ctx: &Context<'_>) -> Option<Result<i32, ApiError>> {
        Some(self.streak(ctx).await.map(|streak| whole(streak.days)))
    }
}

impl NodeType for MinerProfile {
    const KIND: &'static str = "MinerProfile";
    type Key = MinerId;

    async fn load(ctx: &Context<'_>, key: MinerId) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::MinerProfileRead, false) {
            return Ok(None);
        }
        let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
        Ok(seen.map(|seen| Self::of(Arc::new(seen))))
    }
}

/// The public profile of a person, if they are a miner.
pub(crate) fn profile_of_user<'a>(
    ctx: &'a Context<'a>,
    user: UserId,
) -> BoxFuture<'a, Result<Option<Box<dyn DynOutput>>, ApiError>> {
    async move {
        if !ctx.may(Action::MinerProfileRead, false) {
            return Ok(None);
        }
        let seen = ctx.loader::<MiningLoader>().load_one(user).await?;
        let profile = seen.map(|seen| MinerProfile::of(Arc::new(seen)));
        Ok(profile.map(|profile| Box::new(Ready(profile)) as Box<dyn DynOutput>))
    }
    .boxed()
}
