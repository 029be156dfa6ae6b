//! Drafts of the section `promotion`, checked as a whole before they come into force.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{PriceLimit, PromotionConfiguration};
use crate::money::CurrencyCode;
use crate::platform::{ConfigurationProblem, Field, Judged};

/// Largest number of price limits.
const MOST_LIMITS: usize = 100;

/// New settings of the section `promotion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromotionDraft {
    /// Unknown codes per caller and hour: 1 to 1000.
    pub code_guesses_per_hour: i32,
    /// Campaigns of a merchant that have not ended: 1 to 10000.
    pub max_open_campaigns: i32,
    /// Pending redemptions of a voucher: 1 to 100.
    pub max_pending_redemptions: i32,
    /// Upper bound of a price as a multiple of the face value: 1 to 100.
    pub max_price_multiple: i32,
    /// Upper bound of a voucher's validity: 1 to 3650 days.
    pub max_validity_days: i32,
    /// Vouchers of a campaign: 1 to 100000.
    pub max_vouchers_per_campaign: i32,
    /// Vouchers of a merchant per UTC day: 1 to 10000000.
    pub max_vouchers_per_day: i32,
    /// Prices in other currencies than the backing one: at most 100.
    pub price_limits: Vec<PriceLimitDraft>,
    /// Days after settlement in which value can be returned: 1 to 365.
    pub return_days: i32,
    /// Days that a voucher stays usable after value came back: 0 to 90.
    pub return_grace_days: i32,
    /// Hours in which a redemption has to be settled: 1 to 168.
    pub settle_hours: i32,
}

/// New settings of a price limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceLimitDraft {
    /// Currency of the face value.
    pub face_currency: CurrencyCode,
    /// Currency of the price.
    pub price_currency: CurrencyCode,
    /// Highest price per unit of face value: above 0, at most 12 decimals.
    pub max_price: Decimal,
}

impl PromotionDraft {
    /// Checks the settings in the order of the fields.
    pub fn judge(&self, version: i32) -> Judged<PromotionConfiguration> {
        let whole = |name, value, max| Field::of(name).whole(value, 1, max);
        Ok(PromotionConfiguration {
            version,
            code_guesses_per_hour: whole("codeGuessesPerHour", self.code_guesses_per_hour, 1_000)?,
            max_open_campaigns: whole("maxOpenCampaigns", self.max_open_campaigns, 10_000)?,
            max_pending_redemptions: whole(
                "maxPendingRedemptions",
                self.max_pending_redemptions,
                100,
            )?,
            max_price_multiple: whole("maxPriceMultiple", self.max_price_multiple, 100)?,
            max_validity_days: whole("maxValidityDays", self.max_validity_days, 3_650)?,
            max_vouchers_per_campaign: whole(
                "maxVouchersPerCampaign",
                self.max_vouchers_per_campaign,
                100_000,
            )?,
            max_vouchers_per_day: whole(
                "maxVouchersPerDay",
                self.max_vouchers_per_day,
                10_000_000,
            )?,
            price_limits: self.judge_limits()?,
            return_days: whole("returnDays", self.return_days, 365)?,
            return_grace_days: Field::of("returnGraceDays").whole(self.return_grace_days, 0, 90)?,
            settle_hours: whole("settleHours", self.settle_hours, 168)?,
        })
    }

    fn judge_limits(&self) -> Judged<Vec<PriceLimit>> {
        Field::of("priceLimits").length(self.price_limits.len(), 0, MOST_LIMITS)?;
        let mut known = BTreeSet::new();
        let limits = self.price_limits.iter().enumerate();
        let limits = limits.map(|(place, draft)| {
            let at = |name| Field::in_list("priceLimits", place, name);
            let pair = (draft.face_currency, draft.price_currency);
            if pair.0 == pair.1 {
                return Err(at("priceCurrency").refuse(ConfigurationProblem::PairInvalid));
            }
            if !known.insert(pair) {
                return Err(at("priceCurrency").refuse(ConfigurationProblem::Duplicate));
            }
            Ok(PriceLimit {
                face_currency: pair.0,
                price_currency: pair.1,
                max_price: at("maxPrice").rate(draft.max_price)?,
            })
        });
        limits.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> CurrencyCode {
        CurrencyCode::parse(text).expect("a code")
    }

    fn limit(face: &str, price: &str, max_price: i64) -> PriceLimitDraft {
        PriceLimitDraft {
            face_currency: code(face),
            price_currency: code(price),
            max_price: Decimal::from(max_price),
        }
    }

    fn draft() -> PromotionDraft {
        PromotionDraft {
            code_guesses_per_hour: 20,
            max_open_campaigns: 50,
            max_pending_redemptions: 10,
            max_price_multiple: 10,
            max_validity_days: 1_825,
            max_vouchers_per_campaign: 100_000,
            max_vouchers_per_day: 500_000,
            price_limits: vec![limit("VND", "MP", 2)],
            return_days: 90,
            return_grace_days: 14,
            settle_hours: 72,
        }
    }

    type Edit = fn(&mut PromotionDraft);

    fn edited(edit: Edit) -> Judged<PromotionConfiguration> {
        let mut draft = draft();
        edit(&mut draft);
        draft.judge(2)
    }

    #[test]
    fn refuses_settings_at_their_path() {
        let cases: [(Edit, &str); 14] = [
            (|d| d.code_guesses_per_hour = 0, "codeGuessesPerHour"),
            (|d| d.max_open_campaigns = 10_001, "maxOpenCampaigns"),
            (|d| d.max_pending_redemptions = 101, "maxPendingRedemptions"),
            (|d| d.max_price_multiple = 0, "maxPriceMultiple"),
            (|d| d.max_validity_days = 3_651, "maxValidityDays"),
            (
                |d| d.max_vouchers_per_campaign = 100_001,
                "maxVouchersPerCampaign",
            ),
            (|d| d.max_vouchers_per_day = -1, "maxVouchersPerDay"),
            (
                |d| d.price_limits = vec![limit("VND", "MP", 2); 101],
                "priceLimits",
            ),
            (
                |d| d.price_limits[0].max_price = Decimal::ZERO,
                "priceLimits.0.maxPrice",
            ),
            (
                |d| d.price_limits[0].max_price = Decimal::new(1, 13),
                "priceLimits.0.maxPrice",
            ),
            (
                |d| d.price_limits[0].price_currency = code("VND"),
                "priceLimits.0.priceCurrency",
            ),
            (
                |d| d.price_limits.push(limit("VND", "MP", 3)),
                "priceLimits.1.priceCurrency",
            ),
            (|d| d.return_grace_days = 91, "returnGraceDays"),
            (|d| d.settle_hours = 169, "settleHours"),
        ];
        for (edit, path) in cases {
            assert_eq!(edited(edit).expect_err(path).path.join("."), path);
        }
    }

    #[test]
    fn loosened_limits_wait_for_a_second_person() {
        let before = edited(|_| {}).expect("valid settings");
        let edits: [Edit; 6] = [
            |d| d.max_price_multiple += 1,
            |d| d.return_days += 1,
            |d| d.return_grace_days += 1,
            |d| d.settle_hours += 1,
            |d| d.price_limits[0].max_price += Decimal::ONE,
            |d| d.price_limits.push(limit("USD", "MP", 1)),
        ];
        for (place, edit) in edits.iter().enumerate() {
            let after = edited(*edit).expect("valid settings");
            assert!(after.loosens(&before), "edit {place}");
            assert!(!before.loosens(&after), "edit {place} undone");
        }
        let wider = edited(|d| d.max_open_campaigns += 1).expect("valid settings");
        assert!(!wider.loosens(&before));
    }

    #[test]
    fn names_unknown_currencies_of_price_limits() {
        let settings = edited(|_| {}).expect("valid settings");
        assert_eq!(settings.judge_currencies(|_| true), Ok(()));
        let refused = settings.judge_currencies(|of| of != code("MP"));
        let path = refused.expect_err("an unknown currency").path;
        assert_eq!(path.join("."), "priceLimits.0.priceCurrency");
        assert_eq!(
            settings.price_limit(code("VND"), code("MP")),
            Some(Decimal::TWO)
        );
        assert_eq!(settings.price_limit(code("MP"), code("VND")), None);
    }
}
