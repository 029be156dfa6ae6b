//! What administrators may set, with the defaults of the platform.

mod draft;

use chrono::TimeDelta;

pub use draft::{MiningDraft, ReferralDraft, StreakDraft, TierDraft};

use super::{Bps, Points, RatePerHour};
use crate::money::Minor;
use crate::time::{Pause, Timestamp, counted};

/// Everything mining is configured by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Sessions and the base rate.
    pub mining: MiningConfiguration,
    /// Streaks.
    pub streak: StreakConfiguration,
    /// Referrals.
    pub referral: ReferralConfiguration,
}

impl Configuration {
    /// The time from `from` to `until` during which mining was switched on.
    #[must_use]
    pub fn counted(&self, from: Timestamp, until: Timestamp) -> TimeDelta {
        counted(from, until, &self.mining.pauses)
    }

    /// By how much time stood still between `from` and `now`: while mining was switched off, and since the miner was
    /// `stopped`, if they are.
    #[must_use]
    pub fn stood_still(
        &self,
        from: Timestamp,
        stopped: Option<Timestamp>,
        now: Timestamp,
    ) -> TimeDelta {
        let whole = now.signed_duration_since(from).max(TimeDelta::zero());
        let until = stopped.map_or(now, |stopped| now.min(stopped));
        whole
            .checked_sub(&self.counted(from, until))
            .unwrap_or(whole)
    }

    /// Since when mining is switched off, if it is.
    #[must_use]
    pub fn paused_since(&self) -> Option<Timestamp> {
        let last = self.mining.pauses.last()?;
        last.until.is_none().then_some(last.from)
    }
}

/// Sessions and the base rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiningConfiguration {
    /// Which version of the section this is.
    pub version: i32,
    /// Points an hour before any bonus.
    pub base_rate: RatePerHour,
    /// Length of a session, 1 to 168 hours.
    pub session_duration_hours: u32,
    /// Sessions a miner may start a UTC day, 1 to 24.
    pub max_sessions_per_day: u32,
    /// Whether anybody can start a session.
    pub is_globally_enabled: bool,
    /// How long a complete session can be claimed, 1 to 8760 hours.
    pub claim_window_hours: u32,
    /// How long a free place of a circle, and who left one, wait before the next time, 0 to 8760 hours.
    pub circle_cooldown_hours: u32,
    /// When mining was switched off, from the section's history.
    pub pauses: Vec<Pause>,
}

impl MiningConfiguration {
    /// The cooldown of circles where none was ever set.
    pub const CIRCLE_COOLDOWN_HOURS: u32 = 168;
}

impl Default for MiningConfiguration {
    fn default() -> Self {
        Self {
            version: 1,
            base_rate: RatePerHour(2_500),
            session_duration_hours: 24,
            max_sessions_per_day: 1,
            is_globally_enabled: true,
            claim_window_hours: 168,
            circle_cooldown_hours: Self::CIRCLE_COOLDOWN_HOURS,
            pauses: Vec::new(),
        }
    }
}

/// Streaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakConfiguration {
    /// Which version of the section this is.
    pub version: i32,
    /// Ascending, the first from day 1, the last without an end.
    pub tiers: Vec<StreakTier>,
    /// Whether one late claim is forgiven.
    pub grace_period_enabled: bool,
    /// How late it may be, 0 to 168 hours.
    pub grace_period_hours: u32,
    /// What recovering a broken streak costs.
    pub recovery_cost: Points,
    /// A run earns one freeze token each so many days, 1 to 365.
    pub freeze_token_days: u32,
}

/// One step of the streak's bonus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakTier {
    /// First day.
    pub min_days: u32,
    /// Last day; none for the last tier.
    pub max_days: Option<u32>,
    /// What it adds to the rate.
    pub bonus: Bps,
    /// What people see beside the name.
    pub badge_name: Option<String>,
    /// Paid once a run, on reaching the first day.
    pub milestone: Points,
}

impl Default for StreakConfiguration {
    fn default() -> Self {
        let tier =
            |min_days, max_days, bonus, badge: Option<&str>, milestone_whole: i64| StreakTier {
                min_days,
                max_days,
                bonus: Bps(bonus),
                badge_name: badge.map(str::to_owned),
                milestone: Minor(milestone_whole.saturating_mul(10_000)),
            };
        Self {
            version: 1,
            tiers: vec![
                tier(1, Some(2), 0, None, 0),
                tier(3, Some(6), 1_000, Some("3-day"), 0),
                tier(7, Some(13), 2_500, Some("7-day"), 50),
                tier(14, Some(29), 5_000, Some("14-day"), 100),
                tier(30, Some(59), 10_000, Some("30-day"), 300),
                tier(60, Some(89), 12_500, Some("60-day"), 500),
                tier(90, None, 15_000, Some("90-day"), 1_000),
            ],
            grace_period_enabled: true,
            grace_period_hours: 24,
            recovery_cost: Minor(500_000),
            freeze_token_days: 7,
        }
    }
}

impl StreakConfiguration {
    /// Freeze tokens a miner can keep.
    pub const MAX_FREEZE_TOKENS: u32 = 3;

    /// Freeze tokens that a run of so many days has earned.
    #[must_use]
    pub fn freeze_tokens_of(&self, days: u32) -> u32 {
        days.checked_div(self.freeze_token_days).unwrap_or(0)
    }

    /// The tier a streak of so many days is in; none at 0 days.
    #[must_use]
    pub fn tier_at(&self, days: u32) -> Option<&StreakTier> {
        self.tiers
            .iter()
            .rev()
            .find(|tier| days > 0 && tier.min_days <= days)
    }

    /// What a streak of so many days adds to the rate.
    #[must_use]
    pub fn bonus_at(&self, days: u32) -> Bps {
        self.tier_at(days).map_or(Bps(0), |tier| tier.bonus)
    }
}

/// Referrals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralConfiguration {
    /// Which version of the section this is.
    pub version: i32,
    /// What an active referral adds to its referrer's rate.
    pub bonus_per_referral: Bps,
    /// What all of them together may add.
    pub max_bonus: Bps,
    /// Whether a referral waits for the referred person's KYC.
    pub kyc_required: bool,
}

impl ReferralConfiguration {
    /// Levels of referrals that count: only those whom somebody brought themselves.
    pub const LEVELS: u32 = 1;

    /// What referrals add together of what they would add without a limit.
    #[must_use]
    pub fn capped(&self, sum: Bps) -> Bps {
        sum.min(self.max_bonus).max(Bps(0))
    }
}

impl Default for ReferralConfiguration {
    fn default() -> Self {
        Self {
            version: 1,
            bonus_per_referral: Bps(2_500),
            max_bonus: Bps(10_000),
            kyc_required: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_whole() {
        let streak = StreakConfiguration::default();
        for (days, bonus, badge) in [
            (0, 0, None),
            (1, 0, None),
            (3, 1_000, Some("3-day")),
            (13, 2_500, Some("7-day")),
            (14, 5_000, Some("14-day")),
            (59, 10_000, Some("30-day")),
            (60, 12_500, Some("60-day")),
            (4_000, 15_000, Some("90-day")),
        ] {
            assert_eq!(streak.bonus_at(days), Bps(bonus), "{days} days");
            let tier = streak.tier_at(days);
            assert_eq!(tier.and_then(|tier| tier.badge_name.as_deref()), badge);
        }
    }
}
