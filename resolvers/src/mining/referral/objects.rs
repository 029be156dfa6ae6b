//! Types of referrals.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use db::mining as rows;
use db::mining::referral::queries::Place;
use domain::access::{Action, Relation};
use domain::ids::{MinerId, ReferralId};
use domain::mining as rules;
use futures_util::future::try_join;
use uuid::Uuid;

use crate::eager::{Ready, eager};
use crate::errors::ApiError;
use crate::mining::loaders::{MiningLoader, ReferralTotalsOf, ReferralsOf};
use crate::mining::miner::profile::MinerProfile;
use crate::mining::{bonus_rate, configuration_in_force, missing, whole};
use crate::node::{GlobalId, NodeType, uuid_keys};
use crate::paging::{PageArgs, Total, connection};
use crate::request::OperationContext;
use crate::scalars::{DateTime, Decimal};

uuid_keys!(ReferralId);

/// The name of lists of referrals in cursors.
pub(super) const LIST: &str = "referrals";

/// States of a referral.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::ReferralStatus")]
pub enum ReferralStatus {
    /// Waits for the referred person's KYC.
    Pending,
    /// The referrer earns the bonus.
    Active,
    /// The referred miner is suspended or banned.
    Inactive,
}

/// Relation of a referrer to the person they referred, for both and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Referral {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Key of the object in the platform's other services.
    pub uuid: Uuid,
    /// Time it first became active; null before that.
    pub activated_at: Option<DateTime>,
    /// Bonus for the referrer as a fraction, fixed when the code was applied.
    pub bonus_rate: Decimal,
    /// Referral code that was applied, 8 characters.
    pub code: String,
    /// Time the code was applied.
    pub created_at: DateTime,
    /// Whether the referrer earns the bonus.
    pub is_active: bool,
    /// Distance to the referrer, always 1.
    pub level: i32,
    /// State of the referral.
    pub status: ReferralStatus,
    #[graphql(skip)]
    referrer_id: MinerId,
    #[graphql(skip)]
    referred_id: MinerId,
}

eager! { Referral, id, uuid, activated_at, bonus_rate, code, created_at, is_active, level, status }

#[ComplexObject]
impl Referral {
    /// Miner who applied the code.
    async fn referred(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let profile = MinerProfile::load(ctx, self.referred_id).await;
        profile.map(|profile| profile.map(Ready)).transpose()
    }

    /// Miner who owns the code.
    async fn referrer(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let profile = MinerProfile::load(ctx, self.referrer_id).await;
        profile.map(|profile| profile.map(Ready)).transpose()
    }
}

impl Referral {
    /// A referral with its position in a list.
    pub(super) fn placed(referral: rows::Referral) -> (Place, Self) {
        let place = (referral.created_at, referral.id.0);
        (place, Self::shown(referral))
    }

    /// A referral that the caller may see.
    pub(in crate::mining) fn shown(referral: rows::Referral) -> Self {
        Self {
            id: GlobalId::of::<Self>(&referral.id),
            uuid: referral.id.0,
            activated_at: referral.activated_at.map(DateTime),
            bonus_rate: bonus_rate(referral.bonus),
            code: referral.code,
            created_at: referral.created_at.into(),
            is_active: referral.status == rules::ReferralStatus::Active,
            level: whole(rules::ReferralConfiguration::LEVELS),
            status: referral.status.into(),
            referrer_id: referral.referrer_id,
            referred_id: referral.referred_id,
        }
    }
}

impl NodeType for Referral {
    const KIND: &'static str = "Referral";
    type Key = ReferralId;

    async fn load(ctx: &Context<'_>, key: ReferralId) -> Result<Option<Self>, ApiError> {
        let loader = ctx.loader::<MiningLoader>();
        let Some(referral) = loader.load_one(key).await? else {
            return Ok(None);
        };
        if ctx.may(Action::ReferralRead, Relation::Others) {
            return Ok(Some(Self::shown(referral)));
        }
        let Some(person) = ctx.principal().person() else {
            return Ok(None);
        };
        let own = loader.load_one(person.id).await?;
        let sides = [referral.referrer_id, referral.referred_id];
        let is_own = own.is_some_and(|seen| sides.contains(&seen.miner.id));
        let may = ctx.may(Action::ReferralRead, is_own);
        Ok(may.then(|| Self::shown(referral)))
    }
}

connection!(ReferralConnection, ReferralEdge, Referral, "referrals", by Place);

/// A page of a miner's referrals, for callers who may see the miner.
pub(in crate::mining) async fn referrals_of(
    ctx: &Context<'_>,
    miner: MinerId,
    status: Option<ReferralStatus>,
    args: &PageArgs,
) -> Result<ReferralConnection, ApiError> {
    let status = status.map(rules::ReferralStatus::from);
    let page = args.page::<Place>(LIST)?;
    let key = ReferralsOf(miner, (status, page));
    let slice = ctx.loader::<MiningLoader>().load_one(key).await?;
    let slice = slice.unwrap_or_default().map(Referral::placed);
    let total = Total::loaded(move |ctx| {
        Box::pin(async move {
            let loader = ctx.loader::<MiningLoader>();
            let totals = loader.load_one(ReferralTotalsOf(miner)).await?;
            let totals = totals.ok_or_else(|| missing("the miner"))?;
            Ok(db::Count::Exact(totals.count(status)))
        })
    });
    Ok(ReferralConnection::new(LIST, slice, total))
}

/// Numbers of a miner's referrals.
#[derive(SimpleObject)]
pub struct ReferralStatistics {
    /// Referrals with status ACTIVE.
    pub active: i32,
    /// Sum of the active referrals' bonuses as a fraction, bounded by `maxBonusRate`.
    pub bonus_rate: Decimal,
    /// Points of claimed sessions that are due to the referral bonus.
    pub earned_points: Decimal,
    /// Referrals with status INACTIVE.
    pub inactive: i32,
    /// Referrals with status PENDING.
    pub pending: i32,
    /// All referrals.
    pub total: i32,
}

impl ReferralStatistics {
    /// Of a miner that the caller may see.
    pub(in crate::mining) async fn load(
        ctx: &Context<'_>,
        miner: MinerId,
    ) -> Result<Self, ApiError> {
        let loader = ctx.loader::<MiningLoader>();
        let totals = async { Ok(loader.load_one(ReferralTotalsOf(miner)).await?) };
        // Together: concurrent resolvers share both statements.
        let (configuration, totals) = try_join(configuration_in_force(ctx), totals).await?;
        let totals = totals.ok_or_else(|| missing("the miner"))?;
        let count = |status| i32::try_from(totals.count(status)).unwrap_or(i32::MAX);
        Ok(Self {
            active: count(Some(rules::ReferralStatus::Active)),
            bonus_rate: bonus_rate(configuration.referral.capped(totals.active_bonus)),
            earned_points: Decimal::points(totals.earned),
            inactive: count(Some(rules::ReferralStatus::Inactive)),
            pending: count(Some(rules::ReferralStatus::Pending)),
            total: count(None),
        })
    }
}
