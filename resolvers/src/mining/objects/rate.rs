//! What an hour of mining is worth, part by part.

use async_graphql::SimpleObject;
use domain::mining as rules;

use super::{per_hour, share};
use crate::scalars::Decimal;

/// Points an hour, part by part: `base × (1+role) × (1+circle) × (1+referral) × (1+streak)`, rounded half to even at
/// four decimals.
#[derive(SimpleObject)]
pub struct MiningRate {
    /// Points an hour before any bonus.
    pub base_rate: Decimal,
    /// What the role adds, as a share: `"0.1000"` is 10 %.
    pub role_multiplier: Decimal,
    /// What a valid circle adds, as a share.
    pub circle_bonus: Decimal,
    /// What active referrals add, as a share; capped.
    pub referral_bonus: Decimal,
    /// What the streak adds, as a share.
    pub streak_bonus: Decimal,
    /// Points an hour with every bonus.
    pub total_rate: Decimal,
    /// Points an hour with every bonus, under the name of the seed.
    pub hourly_points: Decimal,
    /// Points a day with every bonus.
    pub daily_points: Decimal,
}

impl MiningRate {
    pub(super) fn of(rate: &rules::Rate) -> Self {
        let total = rate.total();
        Self {
            base_rate: per_hour(rate.base),
            role_multiplier: share(rate.role),
            circle_bonus: share(rate.circle),
            referral_bonus: share(rate.referral),
            streak_bonus: share(rate.streak),
            total_rate: per_hour(total),
            hourly_points: per_hour(total),
            daily_points: Decimal::points(total.daily()),
        }
    }
}
