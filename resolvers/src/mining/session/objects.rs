//! Types of sessions and rates.

use db::mining::SessionSeen;
use domain::mining::{self as rules, SessionState};
use domain::money::Overflow;

use crate::abstracts::{Abstract, AbstractKind, AbstractType};
use crate::mining::configuration::objects::MiningConfiguration;
use crate::mining::loaders::{LatestSessionOf, MiningLoader};
use crate::mining::{bonus_rate, configuration_in_force, is_visible, per_hour};
use crate::node;
use crate::prelude::*;

owned_keys!(SessionId);

/// States of a session.
pub type MiningSessionStatus = EnumOf<rules::SessionStatus>;

object! {
    /// Rate and its parts: `hourlyRate = baseRate × (1 + role) × (1 + circle) × (1 + referral) × (1 + streak)`, 4
    /// decimals, rounded half to even.
    MiningRate(rate: &rules::Rate) -> Result<Overflow> {
        let total = rate.total()?;
        /// Points an hour before any bonus.
        base_rate: Decimal = per_hour(rate.base),
        /// Bonus of a valid circle as a fraction: `"0.2500"` is 25 %.
        circle_bonus_rate: Decimal = bonus_rate(rate.circle),
        /// Points in 24 hours with every bonus.
        daily_rate: Decimal = Decimal::points(total.daily()?),
        /// Points an hour with every bonus.
        hourly_rate: Decimal = per_hour(total),
        /// Bonus of active referrals as a fraction, bounded by `maxBonusRate`.
        referral_bonus_rate: Decimal = bonus_rate(rate.referral),
        /// Bonus of the role as a fraction.
        role_bonus_rate: Decimal = bonus_rate(rate.role),
        /// Bonus of the streak as a fraction.
        streak_bonus_rate: Decimal = bonus_rate(rate.streak),
    }
}

/// The type `Miner`, whose file needs this one.
pub struct OfMiner;

impl AbstractType for OfMiner {
    const NAME: &'static str = "Miner";
    const KIND: AbstractKind = AbstractKind::Foreign;
}

object! {
    /// Period of mining at a fixed rate.
    #[graphql(complex)]
    MiningSession(seen: &SessionSeen, configuration: &rules::Configuration) -> Result<Overflow> {
        let session = &seen.session;
        let claim = match &session.state {
            SessionState::Claimed { at, points_earned, milestone_points, .. } => {
                Some((*at, *points_earned, *milestone_points))
            }
            _ => None,
        };
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&session.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = session.id.uuid,
        /// Points mined so far; the whole reward once the session is completed.
        accumulated_points: Decimal = Decimal::points(session.accumulated(seen.at)?),
        /// Time the session expires unclaimed; null once claimed or expired. It moves while mining is off or the miner
        /// suspended.
        claim_expires_at: Option<DateTime> = session.claimable_until(seen.at, configuration).map(DateTime),
        /// Time of the claim; null before it.
        claimed_at: Option<DateTime> = claim.map(|claim| claim.0.into()),
        /// Configuration the session was started under; null for callers without access.
        configuration: Edge<MiningConfiguration> = Edge::to(session.configuration_version.into()),
        /// Time the session is completed.
        ends_at: DateTime = session.ends_at.into(),
        /// Milestone points paid with the claim, 0 if none; null before the claim.
        milestone_points: Option<Decimal> = claim.map(|claim| Decimal::points(claim.2)),
        /// Reward paid with the claim; null before it.
        points_earned: Option<Decimal> = claim.map(|claim| Decimal::points(claim.1)),
        /// Rate and its parts, fixed at the start.
        rate: MiningRate = MiningRate::of(&session.rate)?,
        /// Time of the start.
        started_at: DateTime = session.started_at.into(),
        /// State of the session as of now.
        status: MiningSessionStatus = session.status_at(seen.at, configuration).into(),
    }
    with {
        user: UserId = session.id.user,
    }
}

#[ComplexObject]
impl MiningSession {
    /// Miner of the session.
    async fn miner(&self, ctx: &Context<'_>) -> Loaded<Abstract<OfMiner>> {
        node::load_foreign(ctx, &self.user).await.transpose()
    }
}

impl MiningSession {
    /// Loads the newest session of a miner that the caller may see.
    pub(in crate::mining) async fn latest_of(
        ctx: &Context<'_>,
        user: UserId,
    ) -> Result<Option<Self>> {
        // First, as in every other resolver: concurrent resolvers share the statement.
        let configuration = configuration_in_force(ctx).await?;
        let loader = ctx.loader::<MiningLoader>();
        let seen = loader.load_one(LatestSessionOf(user)).await?;
        let session = seen.map(|seen| Self::of(&seen, &configuration));
        Ok(session.transpose().map_err(DbError::from)?)
    }
}

node!(MiningSession: SessionId, |ctx, key| {
    let configuration = configuration_in_force(ctx).await?;
    let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
    let Some(seen) = seen else {
        return Ok(None);
    };
    let session = is_visible(ctx, seen.session.id.user).then(|| Self::of(&seen, &configuration));
    Ok(session.transpose().map_err(DbError::from)?)
});
