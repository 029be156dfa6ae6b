//! The section `promotion` of the configuration.

mod draft;

use rust_decimal::Decimal;

pub use draft::{PriceLimitDraft, PromotionDraft};

use crate::money::CurrencyCode;
use crate::platform::{ConfigurationProblem, Field, Judged};

/// The section `promotion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromotionConfiguration {
    /// Number of the version.
    pub version: i32,
    /// Unknown codes per caller and hour; an address has three times as many.
    pub code_guesses_per_hour: u32,
    /// Campaigns of a merchant that have not ended.
    pub max_open_campaigns: u32,
    /// Pending redemptions of a voucher.
    pub max_pending_redemptions: u32,
    /// Upper bound of a price in the backing currency as a multiple of the face value.
    pub max_price_multiple: u32,
    /// Upper bound of a voucher's validity in days.
    pub max_validity_days: u32,
    /// Vouchers of a campaign.
    pub max_vouchers_per_campaign: u32,
    /// Vouchers of a merchant per UTC day.
    pub max_vouchers_per_day: u32,
    /// Prices in other currencies than the backing one.
    pub price_limits: Vec<PriceLimit>,
    /// Days after settlement in which value can be returned.
    pub return_days: u32,
    /// Days that a voucher stays usable after value came back.
    pub return_grace_days: u32,
    /// Hours in which a redemption has to be settled.
    pub settle_hours: u32,
}

/// Highest price of vouchers in another currency than their face value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceLimit {
    /// Currency of the face value.
    pub face_currency: CurrencyCode,
    /// Currency of the price.
    pub price_currency: CurrencyCode,
    /// Highest price per unit of face value.
    pub max_price: Decimal,
}

impl PromotionConfiguration {
    /// The highest price per unit of face value; none for a price in the currency of the face value, whose limit is
    /// [`Self::max_price_multiple`], and for currencies that are not opened.
    #[must_use]
    pub fn price_limit(&self, face: CurrencyCode, price: CurrencyCode) -> Option<Decimal> {
        let mut limits = self.price_limits.iter();
        let limit =
            limits.find(|limit| (limit.face_currency, limit.price_currency) == (face, price));
        limit.map(|limit| limit.max_price)
    }

    /// Checks that the currencies of the price limits exist.
    pub fn judge_currencies(&self, is_known: impl Fn(CurrencyCode) -> bool) -> Judged<()> {
        for (place, limit) in self.price_limits.iter().enumerate() {
            let at = |name| Field::in_list("priceLimits", place, name);
            for (name, code) in [
                ("faceCurrency", limit.face_currency),
                ("priceCurrency", limit.price_currency),
            ] {
                if !is_known(code) {
                    return Err(at(name).refuse(ConfigurationProblem::CurrencyUnknown));
                }
            }
        }
        Ok(())
    }

    /// Whether replacing `before` by this version loosens a limit on money: such a change waits for a second person.
    #[must_use]
    pub fn loosens(&self, before: &Self) -> bool {
        self.max_price_multiple > before.max_price_multiple
            || self.return_days > before.return_days
            || self.return_grace_days > before.return_grace_days
            || self.settle_hours > before.settle_hours
            || self.price_limits.iter().any(|limit| {
                let known = before.price_limit(limit.face_currency, limit.price_currency);
                known.is_none_or(|known| limit.max_price > known)
            })
    }
}
