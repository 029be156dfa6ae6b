//! Whom a miner brought, and what that is worth.

use async_graphql::{ComplexObject, Context, SimpleObject};
use db::mining::MinerSeen;
use db::mining::referrals::{Place, Totals};
use domain::ids::MinerId;
use domain::mining::Configuration;
use rust_decimal::Decimal as Exact;

use super::{Referral, ReferralStatus, share};
use crate::errors::ApiError;
use crate::mining::loaders::{ReferralTotalsOf, ReferralsOf};
use crate::paging::{PageArgs, Total, connection};
use crate::request::{Asked, configuration};
use crate::scalars::Decimal;

/// Whom a miner brought, and what that is worth: for the miner and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReferralOverview {
    /// The code by which others name them as referrer: 8 characters.
    pub my_referral_code: String,
    /// A link to share, which carries the code.
    pub share_url: String,
    /// The same link as a QR code: a path of this server that answers an SVG, without signing in.
    pub qr_code_url: String,
    /// How many they brought.
    pub total_referrals: i32,
    /// How many of those count at the moment.
    pub active_referrals: i32,
    /// How many of those wait for their KYC.
    pub pending_referrals: i32,
    /// How many of those are suspended or banned.
    pub inactive_referrals: i32,
    /// What referrals added to the rewards of claimed sessions, in points.
    pub total_earned: Decimal,
    /// What they add to the rate at the moment, as a share, capped: `"0.2500"` is 25 %.
    pub current_bonus_rate: Decimal,
    /// The same in percent: `"25.00"`.
    pub total_bonus_percent: Decimal,
    #[graphql(skip)]
    miner_id: MinerId,
    #[graphql(skip)]
    totals: Totals,
}

impl ReferralOverview {
    /// Of a miner that the caller may see all of.
    pub(crate) async fn load(ctx: &Context<'_>, seen: &MinerSeen) -> Result<Self, ApiError> {
        let configuration = configuration(ctx).await?;
        let miner = &seen.miner;
        let totals = ctx
            .operation()
            .mining
            .load_one(ReferralTotalsOf(miner.id))
            .await?
            .ok_or_else(|| db::DbError::Unavailable("the miner is gone".to_owned()))?;
        let share_url = format!(
            "{}/{}",
            ctx.operation().services.share_base_url,
            miner.referral_code.as_str()
        );
        Ok(Self::of(
            miner.id,
            miner.referral_code.as_str(),
            share_url,
            totals,
            &configuration,
        ))
    }

    fn of(
        miner_id: MinerId,
        code: &str,
        share_url: String,
        totals: Totals,
        configuration: &Configuration,
    ) -> Self {
        let count = |status| i32::try_from(totals.count(status)).unwrap_or(i32::MAX);
        let bonus = configuration.referral.capped(totals.active_bonus);
        Self {
            my_referral_code: code.to_owned(),
            share_url,
            qr_code_url: format!("/invites/{code}.svg"),
            total_referrals: count(None),
            active_referrals: count(Some(ReferralStatus::Active.into())),
            pending_referrals: count(Some(ReferralStatus::Pending.into())),
            inactive_referrals: count(Some(ReferralStatus::Inactive.into())),
            total_earned: Decimal::points(totals.earned),
            current_bonus_rate: share(bonus),
            // Basis points are hundredths of a percent.
            total_bonus_percent: Decimal(Exact::new(i64::from(bonus.0), 2)),
            miner_id,
            totals,
        }
    }
}

#[ComplexObject]
impl ReferralOverview {
    /// Whom they brought, newest first.
    async fn referrals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only with this status.")] status: Option<ReferralStatus>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<ReferralConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        Some(self.page(ctx, status, &args).await)
    }
}

impl ReferralOverview {
    async fn page(
        &self,
        ctx: &Context<'_>,
        status: Option<ReferralStatus>,
        args: &PageArgs,
    ) -> Result<ReferralConnection, ApiError> {
        let status = status.map(Into::into);
        let page = args.page::<Place>(LIST)?;
        let slice = ctx
            .operation()
            .mining
            .load_one(ReferralsOf(self.miner_id, status, page))
            .await?
            .unwrap_or_default();
        let total = Total::Known(self.totals.count(status));
        Ok(ReferralConnection::new(
            LIST,
            slice.map(Referral::placed),
            total,
        ))
    }
}

/// The one order that referrals are listed in.
pub(crate) const LIST: &str = "referrals";

connection! {
    /// A page of referrals.
    ReferralConnection,
    /// One item of a page of referrals.
    ReferralEdge,
    Referral, by Place
}
