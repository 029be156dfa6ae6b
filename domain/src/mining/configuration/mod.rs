//! Configuration of mining, with the platform's defaults.

mod draft;
mod loosening;

use chrono::TimeDelta;

pub use draft::{MiningDraft, ReferralDraft, StreakDraft, TierDraft};

use super::{Bps, Points, RatePerHour};
use crate::money::Minor;
use crate::time::{Pause, Timestamp, counted};

/// The sections of mining's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Sessions, base rate and circles.
    pub mining: MiningConfiguration,
    /// Streaks.
    pub streak: StreakConfiguration,
    /// Referrals.
    pub referral: ReferralConfiguration,
}

impl Configuration {
    /// Time between `from` and `until` during which mining was switched on.
    #[must_use]
    pub fn counted(&self, from: Timestamp, until: Timestamp) -> TimeDelta {
        counted(from, until, &self.mining.pauses)
    }

    /// Time between `from` and `now` that does not count: time while mining was switched off, and time since `stopped`,
    /// when the miner was suspended.
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

    /// Time until which the issuance ceiling is reached; none while it is not.
    #[must_use]
    pub fn exhausted_until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut pauses = self.mining.issuance_pauses.iter();
        let open =
            pauses.find(|pause| pause.from <= now && pause.until.is_some_and(|until| now < until));
        open.and_then(|pause| pause.until)
    }

    /// Time since which mining is switched off; none while it is on.
    #[must_use]
    pub fn paused_since(&self) -> Option<Timestamp> {
        let last = self.mining.pauses.last()?;
        last.until.is_none().then_some(last.from)
    }
}

/// Sessions, base rate and circles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiningConfiguration {
    /// Version of the section.
    pub version: i32,
    /// Points per hour before any bonus.
    pub base_rate: RatePerHour,
    /// Length of a session, 1 to 168 hours.
    pub session_duration_hours: u32,
    /// Sessions that a miner may start per UTC day, 1 to 24.
    pub max_sessions_per_day: u32,
    /// Whether miners can start sessions.
    pub is_globally_enabled: bool,
    /// Time within which a completed session can be claimed, 1 to 8760 hours.
    pub claim_window_hours: u32,
    /// Cooldown of freed places in circles and of their former members, 0 to 8760 hours.
    pub circle_cooldown_hours: u32,
    /// Spans during which mining was switched off, from the section's history, or its issuance ceiling was reached.
    pub pauses: Vec<Pause>,
    /// Spans during which the issuance ceiling was reached.
    pub issuance_pauses: Vec<Pause>,
}

impl MiningConfiguration {
    /// Cooldown of circles, in hours, of versions that do not set it.
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
            issuance_pauses: Vec::new(),
        }
    }
}

/// Streaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakConfiguration {
    /// Version of the section.
    pub version: i32,
    /// Tiers, ascending from day 1, the last without an end.
    pub tiers: Vec<StreakTier>,
    /// Whether one late claim is forgiven.
    pub grace_period_enabled: bool,
    /// Length of the grace period, 0 to 168 hours.
    pub grace_period_hours: u32,
    /// Price of recovering a broken streak.
    pub recovery_cost: Points,
    /// Days after which a run earns another freeze token, 1 to 365.
    pub freeze_token_days: u32,
}

/// A tier of the streak's bonus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakTier {
    /// First day.
    pub min_days: u32,
    /// Last day; none for the last tier.
    pub max_days: Option<u32>,
    /// Bonus rate.
    pub bonus: Bps,
    /// Name of the badge.
    pub badge_name: Option<String>,
    /// Points paid once per run when it reaches the first day.
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
    /// Largest number of freeze tokens that a miner keeps.
    pub const MAX_FREEZE_TOKENS: u32 = 3;

    /// Freeze tokens earned by a run of this number of days.
    #[must_use]
    pub fn freeze_tokens_of(&self, days: u32) -> u32 {
        days.checked_div(self.freeze_token_days).unwrap_or(0)
    }

    /// Tier of a streak of this number of days; none for 0 days.
    #[must_use]
    pub fn tier_at(&self, days: u32) -> Option<&StreakTier> {
        self.tiers
            .iter()
            .rev()
            .find(|tier| days > 0 && tier.min_days <= days)
    }

    /// Bonus rate of a streak of this number of days.
    #[must_use]
    pub fn bonus_at(&self, days: u32) -> Bps {
        self.tier_at(days).map_or(Bps(0), |tier| tier.bonus)
    }
}

/// Referrals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralConfiguration {
    /// Version of the section.
    pub version: i32,
    /// Bonus rate of the referrer per active referral.
    pub bonus_per_referral: Bps,
    /// Largest sum of the referral bonus rates.
    pub max_bonus: Bps,
    /// Whether a referral is pending until the referred person's KYC is complete.
    pub kyc_required: bool,
}

impl ReferralConfiguration {
    /// Levels of referrals that count: only direct referrals.
    pub const LEVELS: u32 = 1;

    /// Referral bonus rate: `sum`, capped at the maximum.
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
    fn default_tiers_cover_every_day() {
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
