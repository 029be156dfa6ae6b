//! Detection of changes that raise minting: such a change waits for a second person.

use super::{MiningConfiguration, ReferralConfiguration, StreakConfiguration};

impl MiningConfiguration {
    /// Whether replacing `before` by this version raises the points that a miner can earn in a day. Switching mining on
    /// raises no limit.
    #[must_use]
    pub fn loosens(&self, before: &Self) -> bool {
        self.base_rate > before.base_rate
            || self.max_sessions_per_day > before.max_sessions_per_day
            || self.session_duration_hours > before.session_duration_hours
    }
}

impl StreakConfiguration {
    /// Whether replacing `before` by this version raises the bonus, or the milestones together, of a streak of any length.
    #[must_use]
    pub fn loosens(&self, before: &Self) -> bool {
        let tiers = self.tiers.iter().chain(&before.tiers);
        tiers.map(|tier| tier.min_days).any(|days| {
            self.bonus_at(days) > before.bonus_at(days)
                || self.milestones_until(days) > before.milestones_until(days)
        })
    }

    /// Milestones of a run until it has this number of days, in the smallest unit.
    fn milestones_until(&self, days: u32) -> i128 {
        let tiers = self.tiers.iter().filter(|tier| tier.min_days <= days);
        tiers.map(|tier| i128::from(tier.milestone.0)).sum()
    }
}

impl ReferralConfiguration {
    /// Whether replacing `before` by this version raises a bonus, or drops the condition of KYC.
    #[must_use]
    pub fn loosens(&self, before: &Self) -> bool {
        self.bonus_per_referral > before.bonus_per_referral
            || self.max_bonus > before.max_bonus
            || (before.kyc_required && !self.kyc_required)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mining::{Bps, RatePerHour};
    use crate::money::Minor;

    /// Checks that each edit loosens, and that undoing it does not.
    fn one_way<S: Clone + Default>(loosens: fn(&S, &S) -> bool, edits: &[fn(&mut S)]) {
        let before = S::default();
        assert!(!loosens(&before, &before));
        for (place, edit) in edits.iter().enumerate() {
            let mut after = before.clone();
            edit(&mut after);
            assert!(loosens(&after, &before), "edit {place}");
            assert!(!loosens(&before, &after), "edit {place} undone");
        }
    }

    #[test]
    fn higher_rates_and_more_sessions_loosen() {
        one_way(
            MiningConfiguration::loosens,
            &[
                |section| section.base_rate = RatePerHour(2_501),
                |section| section.max_sessions_per_day = 2,
                |section| section.session_duration_hours = 25,
            ],
        );
    }

    #[test]
    fn switches_and_windows_of_mining_do_not_loosen() {
        let off = MiningConfiguration {
            is_globally_enabled: false,
            ..MiningConfiguration::default()
        };
        let on = MiningConfiguration {
            claim_window_hours: 8_760,
            circle_cooldown_hours: 0,
            ..MiningConfiguration::default()
        };
        assert!(!on.loosens(&off) && !off.loosens(&on));
    }

    #[test]
    fn higher_bonuses_and_milestones_loosen() {
        one_way(
            StreakConfiguration::loosens,
            &[
                |section| section.tiers[1].bonus = Bps(1_001),
                |section| section.tiers[2].milestone = Minor(500_001),
                // The same tiers sooner.
                |section| {
                    section.tiers[0].max_days = Some(1);
                    section.tiers[1].min_days = 2;
                },
            ],
        );
    }

    #[test]
    fn later_and_merged_milestones_do_not_loosen() {
        let before = StreakConfiguration::default();
        let mut after = before.clone();
        after.tiers[2].milestone = Minor::ZERO;
        after.tiers[3].milestone = Minor(1_500_000);
        after.recovery_cost = Minor::ZERO;
        assert!(!after.loosens(&before));
        assert!(before.loosens(&after));
    }

    #[test]
    fn higher_referral_bonuses_and_no_kyc_loosen() {
        one_way(
            ReferralConfiguration::loosens,
            &[
                |section| section.bonus_per_referral = Bps(2_501),
                |section| section.max_bonus = Bps(10_001),
                |section| section.kyc_required = false,
            ],
        );
    }
}
