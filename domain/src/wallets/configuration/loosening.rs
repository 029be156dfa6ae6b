//! Detection of changes of the section `wallet` that loosen a limit on money.

use rust_decimal::Decimal;

use super::{CurrencySettings, VelocityRule, WalletConfiguration};
use crate::money::{CurrencyCode, Minor};

impl WalletConfiguration {
    /// Whether replacing `before` by this version loosens a limit on money: such a change waits for a second person.
    #[must_use]
    pub fn loosens(&self, before: &Self) -> bool {
        self.hold_max_days > before.hold_max_days
            || self.orphan_hold_minutes > before.orphan_hold_minutes
            // A shorter age lets finance release sooner, a longer one reports later.
            || self.clearing_age_hours != before.clearing_age_hours
            || self.rate_max_age_seconds > before.rate_max_age_seconds
            || self.rate_max_jump_bps > before.rate_max_jump_bps
            // Static rates have no age, and recorded ones come from services.
            || self.rate_source != before.rate_source
            || (before.conversions_frozen && !self.conversions_frozen)
            || self.loosens_pairs(before)
            || self.loosens_currencies(before)
            || self.loosens_issuers(before)
            || self.loosens_rules(before)
    }

    /// A pair opens, its fee falls, or its static rate rises.
    fn loosens_pairs(&self, before: &Self) -> bool {
        self.conversion_pairs.iter().any(|pair| {
            let mut open = before.conversion_pairs.iter();
            let Some(open) = open.rfind(|open| (open.from, open.to) == (pair.from, pair.to)) else {
                return true;
            };
            pair.fee_bps < open.fee_bps || pair.static_rate > open.static_rate
        })
    }

    /// A currency is switched on, or one of its limits rises. A new currency counts as one that was off, without limits.
    fn loosens_currencies(&self, before: &Self) -> bool {
        self.currencies.iter().any(|currency| {
            let Some(known) = before.currency(currency.code) else {
                let limits = limits(currency);
                return currency.is_enabled || limits.iter().any(|limit| *limit > Decimal::ZERO);
            };
            let raised = limits(currency).into_iter().zip(limits(known));
            (currency.is_enabled && !known.is_enabled)
                || raised.into_iter().any(|(after, before)| after > before)
        })
    }

    /// A service gets access, or a ceiling of its deposits rises.
    fn loosens_issuers(&self, before: &Self) -> bool {
        self.issuers.iter().any(|issuer| {
            let known = before.issuers.iter().find(|known| {
                (&known.name, &known.issuer, &known.subject)
                    == (&issuer.name, &issuer.issuer, &issuer.subject)
            });
            let Some(known) = known else {
                return true;
            };
            issuer.deposit_ceilings.iter().any(|(code, ceiling)| {
                let known = known.deposit_ceilings.iter().find(|(of, _)| of == code);
                let known = known.map_or(Minor::ZERO, |(_, known)| *known);
                self.decimal(*code, *ceiling) > before.decimal(*code, known)
            })
        })
    }

    /// A rule is removed, or a limit of one rises.
    fn loosens_rules(&self, before: &Self) -> bool {
        before.velocity_rules.iter().any(|known| {
            let mut rules = self.velocity(known.operation, known.currency);
            let Some(rule) = rules.find(|rule| rule.window == known.window) else {
                return known.max_count.is_some() || known.max_amount.is_some();
            };
            is_above(rule.max_count, known.max_count)
                || is_above(self.sum_of(rule), before.sum_of(known))
        })
    }

    fn sum_of(&self, rule: &VelocityRule) -> Option<Decimal> {
        rule.max_amount
            .map(|amount| self.decimal(rule.currency, amount))
    }

    /// An amount in whole units: the scale of a currency may differ between versions.
    fn decimal(&self, code: CurrencyCode, amount: Minor) -> Decimal {
        let scale = self.currency(code).map_or(0, |currency| currency.scale);
        amount.to_decimal(scale)
    }
}

fn limits(currency: &CurrencySettings) -> [Decimal; 3] {
    [
        currency.dual_control_limit,
        currency.fx_exposure_limit,
        currency.issuance_ceiling,
    ]
    .map(|limit| limit.to_decimal(currency.scale))
}

/// Whether a limit is above another one; no limit is above every limit.
fn is_above<T: PartialOrd>(after: Option<T>, before: Option<T>) -> bool {
    match (after, before) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(after), Some(before)) => after > before,
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::tests::{code, currency, draft, issuer, pair, rule};
    use super::super::{CurrencyDraft, RateSource, VelocityWindow, WalletDraft};
    use super::*;

    type Edit = fn(&mut WalletDraft);

    fn edited(edit: Edit) -> WalletConfiguration {
        let mut draft = draft();
        edit(&mut draft);
        draft.judge(2).expect("valid settings")
    }

    /// Checks that an edit loosens, and that undoing it does not.
    fn one_way(edits: &[Edit]) {
        let before = edited(|_| {});
        for (place, edit) in edits.iter().enumerate() {
            let after = edited(*edit);
            assert!(after.loosens(&before), "edit {place}");
            assert!(!before.loosens(&after), "edit {place} undone");
        }
    }

    #[test]
    fn raised_limits_loosen() {
        one_way(&[
            |d| d.hold_max_days += 1,
            |d| d.orphan_hold_minutes += 1,
            |d| d.rate_max_age_seconds += 1,
            |d| d.rate_max_jump_bps += 1,
            |d| d.currencies[0].dual_control_limit += Decimal::ONE,
            |d| d.currencies[0].fx_exposure_limit += Decimal::ONE,
            |d| d.currencies[0].issuance_ceiling += Decimal::ONE,
            |d| d.issuers[0].deposit_ceilings[0].1 += Decimal::ONE,
            |d| {
                let ceilings = &mut d.issuers[0].deposit_ceilings;
                ceilings.push((code("MP"), Decimal::ONE));
            },
            |d| d.velocity_rules[0].max_count = Some(11),
            |d| d.velocity_rules[0].max_count = None,
            |d| d.velocity_rules[0].max_amount = Some(Decimal::from(11)),
            |d| d.velocity_rules[0].max_amount = None,
            |d| d.velocity_rules.clear(),
        ]);
    }

    #[test]
    fn opened_ways_loosen() {
        one_way(&[
            |d| d.conversion_pairs.push(pair("USD", "MP")),
            |d| d.conversion_pairs[0].fee_bps -= 1,
            |d| d.conversion_pairs[0].static_rate = Some(Decimal::TWO),
            |d| d.issuers.push(issuer("other")),
            |d| d.currencies.push(currency("GEM", 2)),
        ]);
        let frozen = edited(|d| d.conversions_frozen = true);
        let off = edited(|d| d.currencies[1].is_enabled = false);
        let open = edited(|_| {});
        for tight in [frozen, off] {
            assert!(open.loosens(&tight) && !tight.loosens(&open));
        }
    }

    #[test]
    fn both_ways_of_some_changes_loosen() {
        let before = edited(|_| {});
        let edits: [Edit; 5] = [
            |d| d.clearing_age_hours += 1,
            |d| d.clearing_age_hours -= 1,
            |d| d.rate_source = RateSource::Recorded,
            |d| d.issuers[0].subject = "another".to_owned(),
            |d| d.issuers[0].issuer = "another".to_owned(),
        ];
        for edit in edits {
            let after = edited(edit);
            assert!(after.loosens(&before) && before.loosens(&after));
        }
    }

    #[test]
    fn neutral_changes_do_not_loosen() {
        let before = edited(|_| {});
        let edits: [Edit; 5] = [
            |_| {},
            |d| d.currencies[0].display_decimals = 2,
            // The same limits in another unit.
            |d| d.currencies[0].scale = 5,
            |d| {
                d.currencies.push(CurrencyDraft {
                    is_enabled: false,
                    dual_control_limit: Decimal::ZERO,
                    fx_exposure_limit: Decimal::ZERO,
                    issuance_ceiling: Decimal::ZERO,
                    ..currency("GEM", 2)
                });
            },
            |d| {
                let mut other = rule(None, Some(Decimal::ONE));
                other.window = VelocityWindow::Hour;
                d.velocity_rules.push(other);
            },
        ];
        for edit in edits {
            let after = edited(edit);
            assert!(!after.loosens(&before));
        }
    }
}
