//! Rates: points per hour and their bonuses.

use rust_decimal::Decimal;

use super::{Configuration, Role};
use crate::money::{Minor, Overflow};

/// Points in ten-thousandths: the smallest unit of the currency MP.
pub type Points = Minor;

/// Decimals of points, rates and fractions.
pub const POINTS_SCALE: u8 = 4;
/// One (100 %) in basis points.
const WHOLE_BPS: i128 = 10_000;

/// Basis points: ten-thousandths of a whole (`Bps(2_500)` is +25 %).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bps(pub i32);

impl Bps {
    /// The fraction as an exact decimal (`Bps(2_500)` is `0.2500`).
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(i64::from(self.0), u32::from(POINTS_SCALE))
    }

    fn factor(self) -> i128 {
        WHOLE_BPS.saturating_add(i128::from(self.0))
    }
}

/// Points per hour, in ten-thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RatePerHour(pub i64);

impl RatePerHour {
    /// The rate as an exact decimal with four places.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, u32::from(POINTS_SCALE))
    }

    /// Points mined in 24 hours at this rate.
    pub fn daily(self) -> Result<Points, Overflow> {
        self.earned_in_seconds(86_400)
    }

    /// Points mined in `seconds` at this rate, rounded down to a ten-thousandth of a point; 0 for negative seconds.
    pub fn earned_in_seconds(self, seconds: i64) -> Result<Points, Overflow> {
        i128::from(self.0)
            .checked_mul(i128::from(seconds.max(0)))
            .and_then(|product| i64::try_from(product.div_euclid(3_600)).ok())
            .map(Minor)
            .ok_or(Overflow("a reward"))
    }
}

/// Parts of a rate, at present or when a session started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Points per hour before any bonus.
    pub base: RatePerHour,
    /// Bonus of the miner's role.
    pub role: Bps,
    /// Bonus of a valid circle.
    pub circle: Bps,
    /// Sum of the active referrals' bonuses, capped.
    pub referral: Bps,
    /// Bonus of the streak's tier.
    pub streak: Bps,
}

/// Facts on which a rate depends besides the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateFacts {
    /// The miner's role.
    pub role: Role,
    /// Whether the miner is an active member of a valid circle.
    pub circle_valid: bool,
    /// Uncapped sum of the bonus rates of the miner's active referrals.
    pub referral_sum: Bps,
}

impl Rate {
    /// Computes the parts from facts and the length of the streak (0 days when it is broken).
    #[must_use]
    pub fn of(facts: &RateFacts, streak_days: u32, configuration: &Configuration) -> Self {
        Self {
            base: configuration.mining.base_rate,
            role: facts.role.bonus(),
            circle: if facts.circle_valid {
                super::Circle::VALID_BONUS
            } else {
                Bps(0)
            },
            referral: configuration.referral.capped(facts.referral_sum),
            streak: configuration.streak.bonus_at(streak_days),
        }
    }

    /// `base × (1+role) × (1+circle) × (1+referral) × (1+streak)`, rounded half to even at four decimals.
    pub fn total(&self) -> Result<RatePerHour, Overflow> {
        [self.role, self.circle, self.referral, self.streak]
            .into_iter()
            .try_fold(i128::from(self.base.0), |product, bonus| {
                product.checked_mul(bonus.factor())
            })
            .and_then(|product| i64::try_from(half_even(product, WHOLE_BPS.pow(4))).ok())
            .map(RatePerHour)
            .ok_or(Overflow("a rate"))
    }

    /// The rate without the referral bonus.
    pub fn without_referral(&self) -> Result<RatePerHour, Overflow> {
        Self {
            referral: Bps(0),
            ..*self
        }
        .total()
    }
}

/// Divides and rounds half to even. `divisor` is positive.
fn half_even(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend.div_euclid(divisor);
    let twice_rest = dividend.rem_euclid(divisor).saturating_mul(2);
    let up = twice_rest > divisor || (twice_rest == divisor && quotient.rem_euclid(2) == 1);
    if up {
        quotient.saturating_add(1)
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::RoundingStrategy;

    use super::*;

    #[test]
    fn new_miner_mines_at_the_base_rate() {
        let rate = Rate::of(
            &RateFacts {
                role: Role::Pioneer,
                circle_valid: false,
                referral_sum: Bps(0),
            },
            0,
            &Configuration::default(),
        );
        assert_eq!(rate.total().unwrap().to_decimal().to_string(), "0.2500");
        assert_eq!(
            rate.total()
                .unwrap()
                .daily()
                .unwrap()
                .to_decimal(4)
                .to_string(),
            "6.0000"
        );
    }

    #[test]
    fn bonuses_multiply_and_referrals_are_capped() {
        let rate = Rate::of(
            &RateFacts {
                role: Role::Ambassador,
                circle_valid: true,
                referral_sum: Bps(15_000),
            },
            30,
            &Configuration::default(),
        );
        // 0.25 × 1.25 × 1.25 × 2 × 2
        assert_eq!(rate.total(), Ok(RatePerHour(15_625)));
        assert_eq!(rate.without_referral(), Ok(RatePerHour(7_812)));
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(half_even(25, 10), 2);
        assert_eq!(half_even(35, 10), 4);
        assert_eq!(half_even(26, 10), 3);
        assert_eq!(half_even(24, 10), 2);
    }

    proptest! {
        #[test]
        fn the_total_equals_decimal_arithmetic(
            base in 0_i64..100_000_000, role in 0..5_000, circle in 0..5_000, referral in 0..20_000, streak in 0..20_000,
        ) {
            let rate = Rate { base: RatePerHour(base), role: Bps(role), circle: Bps(circle), referral: Bps(referral), streak: Bps(streak) };
            let exact = [role, circle, referral, streak].into_iter().fold(
                Decimal::new(base, 4),
                |product, bonus| product * (Decimal::ONE + Decimal::new(i64::from(bonus), 4)),
            );
            prop_assert_eq!(
                rate.total().unwrap().to_decimal(),
                exact.round_dp_with_strategy(4, RoundingStrategy::MidpointNearestEven)
            );
        }
    }
}
