//! Types of referrals.

use db::mining as rows;
use db::mining::referral::queries::{Place, Totals};
use domain::mining as rules;
use futures_util::future::try_join;

use crate::mining::loaders::{MiningLoader, ReferralTotalsOf, ReferralsOf};
use crate::mining::miner::profile::MinerProfile;
use crate::mining::{bonus_rate, configuration_in_force, missing, whole};
use crate::paging::Total;
use crate::prelude::*;

owned_keys!(ReferralId);

/// The name of lists of referrals in cursors.
pub(super) const LIST: &str = "referrals";

/// States of a referral.
pub type ReferralStatus = EnumOf<rules::ReferralStatus>;

object! {
    /// Relation of a referrer to the person they referred, for both and staff.
    Referral(referral: rows::Referral) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&referral.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = referral.id.uuid,
        /// Time it first became active; null before that.
        activated_at: Option<DateTime> = referral.activated_at.map(DateTime),
        /// Bonus for the referrer as a fraction, fixed when the code was applied.
        bonus_rate: Decimal = bonus_rate(referral.bonus),
        /// Referral code that was applied, 8 characters.
        code: String = referral.code,
        /// Time the code was applied.
        created_at: DateTime = referral.created_at.into(),
        /// Whether the referrer earns the bonus.
        is_active: bool = referral.status == rules::ReferralStatus::Active,
        /// Distance to the referrer, always 1.
        level: i32 = whole(rules::ReferralConfiguration::LEVELS),
        /// Miner who applied the code.
        referred: Edge<Ready<MinerProfile>> = Edge::to(referral.referred_id.user),
        /// Miner who owns the code.
        referrer: Edge<Ready<MinerProfile>> = Edge::to(referral.referrer_id.user),
        /// State of the referral.
        status: ReferralStatus = referral.status.into(),
    }
}

impl Referral {
    /// A referral with its position in a list.
    pub(super) fn placed(referral: rows::Referral) -> (Place, Self) {
        let place = (referral.created_at, referral.id.uuid);
        (place, Self::of(referral))
    }
}

node!(Referral: ReferralId, |ctx, key| {
    let loader = ctx.loader::<MiningLoader>();
    let Some(referral) = loader.load_one(key).await? else {
        return Ok(None);
    };
    if ctx.may(Action::ReferralRead, Relation::Others) {
        return Ok(Some(Self::of(referral)));
    }
    let Some(person) = ctx.principal().person() else {
        return Ok(None);
    };
    let sides = [referral.referrer_id.user, referral.referred_id.user];
    let is_own = sides.contains(&person.id);
    let may = ctx.may(Action::ReferralRead, is_own);
    Ok(may.then(|| Self::of(referral)))
});

connection!(ReferralConnection, ReferralEdge, Referral, "referrals", by Place);

/// A page of a miner's referrals, for callers who may see the miner.
pub(in crate::mining) async fn referrals_of(
    ctx: &Context<'_>,
    user: UserId,
    status: Option<ReferralStatus>,
    args: &PageArgs,
) -> Result<ReferralConnection> {
    let status = status.map(|status| status.0);
    let page = args.page::<Place>(LIST)?;
    let key = ReferralsOf(user, (status, page));
    let slice = ctx.loader::<MiningLoader>().load_one(key).await?;
    let slice = slice.unwrap_or_default().map(Referral::placed);
    let total = Total::loaded(move |ctx| {
        Box::pin(async move {
            let loader = ctx.loader::<MiningLoader>();
            let totals = loader.load_one(ReferralTotalsOf(user)).await?;
            let totals = totals.ok_or_else(|| missing("the miner"))?;
            Ok(db::Count::Exact(totals.count(status)))
        })
    });
    Ok(ReferralConnection::new(LIST, slice, total))
}

object! {
    /// Numbers of a miner's referrals.
    ReferralStatistics(totals: &Totals, configuration: &rules::Configuration) {
        let count = |status| i32::try_from(totals.count(status)).unwrap_or(i32::MAX);
        /// Referrals with status ACTIVE.
        active: i32 = count(Some(rules::ReferralStatus::Active)),
        /// Sum of the active referrals' bonuses as a fraction, bounded by `maxBonusRate`.
        bonus_rate: Decimal = bonus_rate(configuration.referral.capped(totals.active_bonus)),
        /// Points of claimed sessions that are due to the referral bonus.
        earned_points: Decimal = Decimal::points(totals.earned),
        /// Referrals with status INACTIVE.
        inactive: i32 = count(Some(rules::ReferralStatus::Inactive)),
        /// Referrals with status PENDING.
        pending: i32 = count(Some(rules::ReferralStatus::Pending)),
        /// All referrals.
        total: i32 = count(None),
    }
}

impl ReferralStatistics {
    /// Of a miner that the caller may see.
    pub(in crate::mining) async fn load(ctx: &Context<'_>, user: UserId) -> Result<Self> {
        let loader = ctx.loader::<MiningLoader>();
        let totals = async { Ok(loader.load_one(ReferralTotalsOf(user)).await?) };
        // Together: concurrent resolvers share both statements.
        let (configuration, totals) = try_join(configuration_in_force(ctx), totals).await?;
        let totals = totals.ok_or_else(|| missing("the miner"))?;
        Ok(Self::of(&totals, &configuration))
    }
}
