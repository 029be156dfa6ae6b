//! Types of sessions and rates.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use db::DbError;
use db::mining::SessionSeen;
use domain::ids::{MinerId, SessionId};
use domain::mining::{self as rules, SessionState};
use domain::money::Overflow;
use uuid::Uuid;

use crate::abstracts::{Abstract, AbstractKind, AbstractType};
use crate::errors::ApiError;
use crate::mining::configuration::objects::MiningConfiguration;
use crate::mining::loaders::{LatestSessionOf, MiningLoader};
use crate::mining::{bonus_rate, configuration_in_force, is_visible, per_hour};
use crate::node::{self, GlobalId, NodeType, uuid_keys};
use crate::request::OperationContext;
use crate::scalars::{DateTime, Decimal};

uuid_keys!(SessionId);

/// States of a session.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::SessionStatus")]
pub enum MiningSessionStatus {
    /// The session runs.
    Active,
    /// Ended and waits to be claimed.
    Completed,
    /// The reward was paid.
    Claimed,
    /// Not claimed in time, or ended by a ban.
    Expired,
}

/// Rate and its parts: `hourlyRate = baseRate × (1 + role) × (1 + circle) × (1 + referral) × (1 + streak)`, 4
/// decimals, rounded half to even.
#[derive(SimpleObject)]
pub struct MiningRate {
    /// Points an hour before any bonus.
    pub base_rate: Decimal,
    /// Bonus of a valid circle as a fraction: `"0.2500"` is 25 %.
    pub circle_bonus_rate: Decimal,
    /// Points in 24 hours with every bonus.
    pub daily_rate: Decimal,
    /// Points an hour with every bonus.
    pub hourly_rate: Decimal,
    /// Bonus of active referrals as a fraction, bounded by `maxBonusRate`.
    pub referral_bonus_rate: Decimal,
    /// Bonus of the role as a fraction.
    pub role_bonus_rate: Decimal,
    /// Bonus of the streak as a fraction.
    pub streak_bonus_rate: Decimal,
}

impl MiningRate {
    pub(in crate::mining) fn of(rate: &rules::Rate) -> Result<Self, Overflow> {
        let total = rate.total()?;
        Ok(Self {
            base_rate: per_hour(rate.base),
            circle_bonus_rate: bonus_rate(rate.circle),
            daily_rate: Decimal::points(total.daily()?),
            hourly_rate: per_hour(total),
            referral_bonus_rate: bonus_rate(rate.referral),
            role_bonus_rate: bonus_rate(rate.role),
            streak_bonus_rate: bonus_rate(rate.streak),
        })
    }
}

/// The type `Miner`, whose file needs this one.
pub struct OfMiner;

impl AbstractType for OfMiner {
    const NAME: &'static str = "Miner";
    const DESCRIPTION: &'static str = "";
    const KIND: AbstractKind = AbstractKind::Foreign;
}

/// Period of mining at a fixed rate.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MiningSession {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Key of the object in the platform's other services.
    pub uuid: Uuid,
    /// Points mined so far; the whole reward once the session is completed.
    pub accumulated_points: Decimal,
    /// Time the session expires unclaimed; null once claimed or expired. It moves while mining is off or the miner
    /// suspended.
    pub claim_expires_at: Option<DateTime>,
    /// Time of the claim; null before it.
    pub claimed_at: Option<DateTime>,
    /// Time the session is completed.
    pub ends_at: DateTime,
    /// Milestone points paid with the claim, 0 if none; null before the claim.
    pub milestone_points: Option<Decimal>,
    /// Reward paid with the claim; null before it.
    pub points_earned: Option<Decimal>,
    /// Rate and its parts, fixed at the start.
    pub rate: MiningRate,
    /// Time of the start.
    pub started_at: DateTime,
    /// State of the session as of now.
    pub status: MiningSessionStatus,
    #[graphql(skip)]
    miner_id: MinerId,
    #[graphql(skip)]
    configuration_version: i32,
}

#[ComplexObject]
impl MiningSession {
    /// Configuration the session was started under; null for callers without access.
    async fn configuration(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<MiningConfiguration, ApiError>> {
        let version = self.configuration_version;
        MiningConfiguration::load(ctx, version.into())
            .await
            .transpose()
    }

    /// Miner of the session.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<Abstract<OfMiner>, ApiError>> {
        node::load_foreign(ctx, &self.miner_id).await.transpose()
    }
}

impl MiningSession {
    /// The session of a miner that the caller may see.
    fn shown(seen: &SessionSeen, configuration: &rules::Configuration) -> Result<Self, ApiError> {
        Ok(Self::of(seen, configuration).map_err(DbError::from)?)
    }

    fn of(seen: &SessionSeen, configuration: &rules::Configuration) -> Result<Self, Overflow> {
        let session = &seen.session;
        let claim = match &session.state {
            SessionState::Claimed {
                at,
                points_earned,
                milestone_points,
                ..
            } => Some((*at, *points_earned, *milestone_points)),
            _ => None,
        };
        Ok(Self {
            id: GlobalId::of::<Self>(&session.id),
            uuid: session.id.0,
            accumulated_points: Decimal::points(session.accumulated(seen.at)?),
            claim_expires_at: session
                .claimable_until(seen.at, configuration)
                .map(DateTime),
            claimed_at: claim.map(|claim| claim.0.into()),
            ends_at: session.ends_at.into(),
            milestone_points: claim.map(|claim| Decimal::points(claim.2)),
            points_earned: claim.map(|claim| Decimal::points(claim.1)),
            rate: MiningRate::of(&session.rate)?,
            started_at: session.started_at.into(),
            status: session.status_at(seen.at, configuration).into(),
            miner_id: session.miner_id,
            configuration_version: session.configuration_version,
        })
    }

    /// Loads the newest session of a miner that the caller may see.
    pub(in crate::mining) async fn latest_of(
        ctx: &Context<'_>,
        miner: MinerId,
    ) -> Result<Option<Self>, ApiError> {
        // First, as in every other resolver: concurrent resolvers share the statement.
        let configuration = configuration_in_force(ctx).await?;
        let loader = ctx.loader::<MiningLoader>();
        let seen = loader.load_one(LatestSessionOf(miner)).await?;
        seen.map(|seen| Self::shown(&seen, &configuration))
            .transpose()
    }
}

impl NodeType for MiningSession {
    const KIND: &'static str = "MiningSession";
    type Key = SessionId;

    async fn load(ctx: &Context<'_>, key: SessionId) -> Result<Option<Self>, ApiError> {
        let configuration = configuration_in_force(ctx).await?;
        let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
        let Some(seen) = seen else {
            return Ok(None);
        };
        let is_visible = is_visible(ctx, seen.session.miner_id).await?;
        is_visible
            .then(|| Self::shown(&seen, &configuration))
            .transpose()
    }
}
