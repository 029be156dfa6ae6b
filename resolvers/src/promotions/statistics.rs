//! Numbers of campaigns, vouchers and redemptions.

use chrono_tz::Tz;
use db::promotions::statistics::{
    self as reads, AllFigures, CampaignFigures, RedemptionCounts, RedemptionSums,
};
use domain::money;

use super::loaders::{FiguresOf, PromotionLoader};
use super::periods::starts;
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::scalars::TimeZone;
use crate::wallets::wallet::objects::Money;
use crate::wallets::whole;

object! {
    /// Numbers of redemptions that are not voided.
    RedemptionStatistics(counts: RedemptionCounts, sums: &[RedemptionSums]) {
        let of = |value: fn(&RedemptionSums) -> money::Minor| {
            let sums = sums.iter().filter(|sums| sums.total > 0);
            let all = sums.map(|sums| Money::of(money::Money { amount: value(sums), currency: sums.currency }));
            ReadyList(all.collect())
        };
        /// Average value used per redemption, by currency, rounded down.
        average_used: ReadyList<Money> = of(|sums| {
            money::Minor(sums.used.0.checked_div(sums.total).unwrap_or_default())
        }),
        /// Redemptions this calendar month.
        this_month: i32 = count(counts.this_month),
        /// Redemptions this ISO week.
        this_week: i32 = count(counts.this_week),
        /// Redemptions today.
        today: i32 = count(counts.today),
        /// All redemptions.
        total: i32 = count(counts.total),
        /// Surplus paid to merchants, by currency.
        total_refunded: ReadyList<Money> = of(|sums| sums.refunded),
        /// Value returned to vouchers, by currency.
        total_returned: ReadyList<Money> = of(|sums| sums.returned),
        /// Value used, by currency.
        total_used: ReadyList<Money> = of(|sums| sums.used),
    }
}

object! {
    /// Numbers of a campaign's vouchers and redemptions.
    CampaignStatistics(figures: CampaignFigures) {
        let money = |amount| Money::of(money::Money { amount, ..figures.face_value });
        let redeemed = money::Minor(figures.sums.used.0.saturating_sub(figures.sums.returned.0));
        /// Vouchers that can be acquired.
        available: i32 = count(figures.available),
        /// Acquired vouchers that are unused and not over.
        claimed: i32 = count(figures.claimed),
        /// Acquired vouchers that expired with value left.
        expired: i32 = count(figures.expired),
        /// Vouchers without value left.
        fully_redeemed: i32 = count(figures.fully_redeemed),
        /// Vouchers that were ever acquired.
        issued: i32 = count(figures.issued),
        /// Vouchers used in part and not over.
        partially_redeemed: i32 = count(figures.partially_redeemed),
        /// Value of pending redemptions.
        pending_value: Money = money(figures.pending),
        /// Redemptions that are not voided.
        redemptions: RedemptionStatistics = RedemptionStatistics::of(figures.redemptions, &[figures.sums]),
        /// Revoked vouchers.
        revoked: i32 = count(figures.revoked),
        /// Value used minus value returned.
        total_redeemed_value: Money = money(redeemed),
        /// Vouchers never acquired, once the campaign has ended.
        unissued: i32 = count(figures.unissued),
        /// `totalRedeemedValue` as a fraction of the face value issued, 0 to 1, 4 decimals.
        utilization_rate: Decimal = Decimal(rate(redeemed, figures.face_value.amount, figures.issued)),
    }
}

object! {
    /// Numbers of all campaigns, vouchers and redemptions.
    PromotionStatistics(figures: AllFigures) {
        /// Campaigns with status ACTIVE.
        active_campaigns: i32 = count(figures.active),
        /// Vouchers that were ever acquired.
        issued_vouchers: BigInt = BigInt(figures.issued),
        /// Redemptions that are not voided.
        redemptions: RedemptionStatistics = RedemptionStatistics::of(figures.redemptions, &figures.sums),
        /// All campaigns.
        total_campaigns: i32 = count(figures.campaigns),
        /// Escrow of all campaigns now, by currency.
        total_escrow: ReadyList<Money> = ReadyList(figures.escrow.into_iter().map(Money::of).collect()),
        /// All vouchers.
        total_vouchers: BigInt = BigInt(figures.vouchers),
    }
}

fn count(count: i64) -> i32 {
    whole(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
}

/// A value as a fraction of the face value of issued vouchers, cut to four decimals.
fn rate(value: money::Minor, face_value: money::Minor, issued: i64) -> rust_decimal::Decimal {
    let issued = i128::from(face_value.0).saturating_mul(issued.into());
    let parts = i128::from(value.0)
        .saturating_mul(10_000)
        .checked_div(issued);
    let parts = parts.and_then(|parts| i64::try_from(parts).ok());
    rust_decimal::Decimal::new(parts.unwrap_or_default().clamp(0, 10_000), 4)
}

/// Numbers of a campaign.
pub(super) async fn of_campaign(
    ctx: &Context<'_>,
    id: CampaignId,
    zone: Tz,
) -> Result<Option<CampaignStatistics>> {
    let figures = ctx
        .loader::<PromotionLoader>()
        .load_one(FiguresOf(id, zone))
        .await?;
    Ok(figures.map(CampaignStatistics::of))
}

/// Numbers of all campaigns.
#[derive(Default)]
pub struct StatisticsQuery;

#[Object]
impl StatisticsQuery {
    /// Numbers of all campaigns, vouchers and redemptions.
    async fn promotion_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Time zone that bounds days, weeks and months.",
            default_with = "Parsed::default_of(TimeZone(Tz::UTC))"
        )]
        time_zone: Parsed<TimeZone>,
    ) -> Loaded<PromotionStatistics> {
        Some(all(ctx, time_zone).await)
    }
}

async fn all(ctx: &Context<'_>, time_zone: Parsed<TimeZone>) -> Result<PromotionStatistics> {
    ctx.principal()
        .check(Action::PromotionStatisticsRead, Relation::Others)?;
    let zone = time_zone.get()?.0;
    let db = ctx.db().clone();
    let read = async move |conn: &mut db::Connection| {
        let now = db::clock::now(conn).await?;
        reads::of_all(&db, conn, starts(now, zone), now).await
    };
    Ok(PromotionStatistics::of(
        ctx.db().read_replicated(read).await?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_rate_to_four_decimals() {
        let rate =
            |value, face, issued| rate(money::Minor(value), money::Minor(face), issued).to_string();
        assert_eq!(rate(1, 3, 1), "0.3333");
        assert_eq!(rate(3, 3, 1), "1.0000");
        assert_eq!(rate(0, 3, 0), "0.0000");
    }
}
