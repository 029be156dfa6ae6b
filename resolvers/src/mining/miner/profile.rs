//! The public view of a miner.

use db::mining::{MinerSeen, Profile};
use domain::mining::{self as rules, StreakView};
use futures_util::future::BoxFuture;

use crate::abstracts::DynOutput;
use crate::mining::loaders::MiningLoader;
use crate::mining::{configuration_in_force, missing, whole};
use crate::prelude::*;

/// Roles of a miner, each with a bonus rate.
pub type MinerRole = EnumOf<rules::Role>;

object! {
    /// Public view of a miner.
    #[graphql(complex)]
    MinerProfile(profile: Profile) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&profile.id.user),
        /// Name of the person, 1 to 100 characters.
        display_name: String = profile.display_name,
        /// Role of the miner.
        role: MinerRole = profile.role.into(),
        /// Lifetime mined points.
        total_mined_points: Decimal = Decimal::points(profile.lifetime_points),
    }
    with {
        user: UserId = profile.id.user,
        /// The miner, where it was read for something else; otherwise it is loaded when a field needs the streak.
        seen: Option<Arc<MinerSeen>> = None,
    }
}

impl MinerProfile {
    /// The profile of a miner that was read.
    pub(in crate::mining) fn of_miner(seen: Arc<MinerSeen>) -> Self {
        let profile = Self::of(Profile {
            id: seen.miner.id,
            display_name: seen.display_name.clone(),
            role: seen.miner.role,
            lifetime_points: seen.miner.lifetime_points,
        });
        Self {
            seen: Some(seen),
            ..profile
        }
    }

    async fn streak(&self, ctx: &Context<'_>) -> Result<StreakView> {
        let seen = if let Some(seen) = &self.seen {
            Arc::clone(seen)
        } else {
            let loaded = ctx.loader::<MiningLoader>().load_one(self.user).await?;
            Arc::new(loaded.ok_or_else(|| missing("the miner"))?)
        };
        let configuration = configuration_in_force(ctx).await?;
        Ok(seen.miner.streak.view(seen.at, &configuration))
    }
}

#[ComplexObject]
impl MinerProfile {
    /// Badge of the streak's tier; null for a tier without one.
    async fn badge(&self, ctx: &Context<'_>) -> Loaded<String> {
        let badge = self.streak(ctx).await.map(|streak| streak.badge_name);
        badge.transpose()
    }

    /// Days of the streak as of now, from 0.
    async fn streak_days(&self, ctx: &Context<'_>) -> Loaded<i32> {
        Some(self.streak(ctx).await.map(|streak| whole(streak.days)))
    }
}

node!(MinerProfile: UserId, |ctx, key| {
    if !ctx.may(Action::MinerProfileRead, false) {
        return Ok(None);
    }
    let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
    Ok(seen.map(|seen| Self::of_miner(Arc::new(seen))))
});

/// The public profile of a person, if they are a miner.
pub(crate) fn profile_of_user<'a>(
    ctx: &'a Context<'a>,
    user: UserId,
) -> BoxFuture<'a, Result<Option<Box<dyn DynOutput>>>> {
    async move {
        if !ctx.may(Action::MinerProfileRead, false) {
            return Ok(None);
        }
        let seen = ctx.loader::<MiningLoader>().load_one(user).await?;
        let profile = seen.map(|seen| MinerProfile::of_miner(Arc::new(seen)));
        Ok(profile.map(|profile| Box::new(Ready(profile)) as Box<dyn DynOutput>))
    }
    .boxed()
}
