//! Types of the section `promotion`.

use async_graphql::{Context, InputObject, Object};
use db::DbError;
use db::platform::configuration::Change;
use domain::promotions::{self as rules, PriceLimitDraft, PromotionDraft};

use crate::eager::ReadyList;
use crate::errors::Loaded;
use crate::object::object;
use crate::platform::configuration::objects::{in_force, sections};
use crate::scalars::{CurrencyCode, Decimal};
use crate::wallets::whole;

sections! {
    /// Version of the section `promotion`.
    PromotionConfiguration("promotion", of: rules::PromotionConfiguration) {
        /// Unknown codes per caller and hour before RATE_LIMITED; three times as many per address. A service is
        /// counted per holder that it names, not per address.
        code_guesses_per_hour: i32 = whole(of.settings.code_guesses_per_hour),
        /// Campaigns per merchant that have not ended.
        max_open_campaigns: i32 = whole(of.settings.max_open_campaigns),
        /// Pending redemptions per voucher.
        max_pending_redemptions: i32 = whole(of.settings.max_pending_redemptions),
        /// Upper bound of a price in the backing currency as a multiple of the face value.
        max_price_multiple: i32 = whole(of.settings.max_price_multiple),
        /// Upper bound of a voucher's validity in days.
        max_validity_days: i32 = whole(of.settings.max_validity_days),
        /// Vouchers per campaign.
        max_vouchers_per_campaign: i32 = whole(of.settings.max_vouchers_per_campaign),
        /// Vouchers per merchant and UTC day.
        max_vouchers_per_day: i32 = whole(of.settings.max_vouchers_per_day),
        /// Prices allowed in other currencies than the backing one; all others are refused.
        price_limits: ReadyList<PriceLimit> = ReadyList(of.settings.price_limits.iter().map(PriceLimit::of).collect()),
        /// Days after settlement in which value can be returned.
        return_days: i32 = whole(of.settings.return_days),
        /// Days a voucher stays usable after value came back, also beyond its expiry.
        return_grace_days: i32 = whole(of.settings.return_grace_days),
        /// Hours in which a redemption has to be settled before it is voided.
        settle_hours: i32 = whole(of.settings.settle_hours),
    }
}

object! {
    /// Highest price of vouchers in another currency than their face value.
    PriceLimit(limit: &rules::PriceLimit) {
        /// Currency of the face value.
        face_currency: CurrencyCode = CurrencyCode(limit.face_currency),
        /// Highest price per unit of face value.
        max_price: Decimal = Decimal(limit.max_price),
        /// Currency of the price.
        price_currency: CurrencyCode = CurrencyCode(limit.price_currency),
    }
}

/// The section of promotions in `SystemConfiguration`, in the version in force.
#[derive(Default)]
pub struct PromotionSections;

#[Object]
impl PromotionSections {
    /// Campaigns, vouchers and redemptions.
    async fn promotion(&self, ctx: &Context<'_>) -> Loaded<PromotionConfiguration> {
        Some(in_force(ctx, "promotion").await)
    }
}

/// Section `promotion`, replaced as a whole.
#[derive(InputObject)]
pub struct PromotionConfigurationInput {
    /// Unknown codes per caller and hour before RATE_LIMITED; three times as many per address: 1 to 1,000. A service
    /// is counted per holder that it names, not per address.
    pub code_guesses_per_hour: i32,
    /// Campaigns per merchant that have not ended: 1 to 10,000.
    pub max_open_campaigns: i32,
    /// Pending redemptions per voucher: 1 to 100.
    pub max_pending_redemptions: i32,
    /// Upper bound of a price in the backing currency as a multiple of the face value: 1 to 100.
    pub max_price_multiple: i32,
    /// Upper bound of a voucher's validity in days: 1 to 3,650.
    pub max_validity_days: i32,
    /// Vouchers per campaign: 1 to 100,000.
    pub max_vouchers_per_campaign: i32,
    /// Vouchers per merchant and UTC day: 1 to 10,000,000.
    pub max_vouchers_per_day: i32,
    /// Prices allowed in other currencies than the backing one; all others are refused: at most 100 items.
    pub price_limits: Vec<PriceLimitInput>,
    /// Days after settlement in which value can be returned: 1 to 365.
    pub return_days: i32,
    /// Days a voucher stays usable after value came back, also beyond its expiry: 0 to 90.
    pub return_grace_days: i32,
    /// Hours in which a redemption has to be settled before it is voided: 1 to 168.
    pub settle_hours: i32,
    /// Version that is replaced; it must be the one in force.
    pub version: i32,
}

impl PromotionConfigurationInput {
    /// The change, for a command whose input has the section at this path.
    pub(crate) fn change(&self, path: &'static str) -> Result<Change, DbError> {
        let draft = PromotionDraft {
            code_guesses_per_hour: self.code_guesses_per_hour,
            max_open_campaigns: self.max_open_campaigns,
            max_pending_redemptions: self.max_pending_redemptions,
            max_price_multiple: self.max_price_multiple,
            max_validity_days: self.max_validity_days,
            max_vouchers_per_campaign: self.max_vouchers_per_campaign,
            max_vouchers_per_day: self.max_vouchers_per_day,
            price_limits: self
                .price_limits
                .iter()
                .map(PriceLimitInput::draft)
                .collect(),
            return_days: self.return_days,
            return_grace_days: self.return_grace_days,
            settle_hours: self.settle_hours,
        };
        Change::new(path, self.version, |version| draft.judge(version))
    }
}

/// Highest price of vouchers in another currency than their face value.
#[derive(InputObject)]
pub struct PriceLimitInput {
    /// Currency of the face value.
    pub face_currency: CurrencyCode,
    /// Highest price per unit of face value, above 0, at most 12 decimals.
    pub max_price: Decimal,
    /// Currency of the price, other than `faceCurrency`.
    pub price_currency: CurrencyCode,
}

impl PriceLimitInput {
    fn draft(&self) -> PriceLimitDraft {
        PriceLimitDraft {
            face_currency: self.face_currency.0,
            price_currency: self.price_currency.0,
            max_price: self.max_price.0,
        }
    }
}
