//! Drafts of configuration sections, checked as a whole before they come into force.

use rust_decimal::Decimal;

use super::{MiningConfiguration, ReferralConfiguration, StreakConfiguration, StreakTier};
use crate::mining::{Bps, POINTS_SCALE, RatePerHour};
use crate::money::Minor;
use crate::platform::{ConfigurationProblem, Field, Judged};
use crate::text;

/// Largest first or last day of a tier.
const LONGEST_STREAK: u32 = 100_000;
/// Largest number of points of a milestone or of the recovery cost.
const MOST_POINTS: u32 = 1_000_000;
/// Largest number of tiers.
const MOST_TIERS: usize = 50;
/// Largest number of characters of a badge's name.
const LONGEST_BADGE: usize = 50;

/// New settings of the section `mining`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiningDraft {
    /// Points per hour before any bonus: 0.0001 to 1000.
    pub base_rate: Decimal,
    /// Length of a session: 1 to 168 hours.
    pub session_duration_hours: i32,
    /// Sessions that a miner may start per UTC day: 1 to 24.
    pub max_sessions_per_day: i32,
    /// Whether miners can start sessions.
    pub is_globally_enabled: bool,
    /// Time within which a completed session can be claimed: 1 to 8760 hours.
    pub claim_window_hours: i32,
    /// Cooldown of freed places in circles and of their former members: 0 to 8760 hours.
    pub circle_cooldown_hours: i32,
}

impl MiningDraft {
    /// Checks the settings in the order of the fields. The pauses are read from the history, not from the draft.
    pub fn judge(&self, version: i32) -> Judged<MiningConfiguration> {
        let at = Field::of;
        let most = Decimal::ONE_THOUSAND;
        let (duration, cooldown) = (self.session_duration_hours, self.circle_cooldown_hours);
        Ok(MiningConfiguration {
            version,
            base_rate: rate(at("baseRate"), self.base_rate, Decimal::new(1, 4), most)?,
            session_duration_hours: whole("sessionDurationHours", duration, 1, 168)?,
            max_sessions_per_day: whole("maxSessionsPerDay", self.max_sessions_per_day, 1, 24)?,
            is_globally_enabled: self.is_globally_enabled,
            claim_window_hours: whole("claimWindowHours", self.claim_window_hours, 1, 8_760)?,
            circle_cooldown_hours: whole("circleCooldownHours", cooldown, 0, 8_760)?,
            pauses: Vec::new(),
            issuance_pauses: Vec::new(),
        })
    }
}

/// New settings of the section `streak`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakDraft {
    /// Tiers, ascending from day 1, the last without an end; 1 to 50.
    pub tiers: Vec<TierDraft>,
    /// Whether one late claim is forgiven.
    pub grace_period_enabled: bool,
    /// Length of the grace period: 0 to 168 hours.
    pub grace_period_hours: i32,
    /// Price of recovering a broken streak: 0 to 1000000 points.
    pub recovery_cost: Decimal,
    /// Days after which a run earns another freeze token: 1 to 365.
    pub freeze_token_days: i32,
}

/// A tier of the streak's bonus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierDraft {
    /// First day.
    pub min_days: i32,
    /// Last day; none for the last tier.
    pub max_days: Option<i32>,
    /// Bonus rate: a fraction from 0 to 10.
    pub bonus: Decimal,
    /// Name of the badge.
    pub badge_name: Option<String>,
    /// Points paid once per run when it reaches the first day: 0 to 1000000.
    pub milestone: Decimal,
}

impl StreakDraft {
    /// Checks the tiers in their order, then the other fields.
    pub fn judge(&self, version: i32) -> Judged<StreakConfiguration> {
        let at = Field::of;
        Ok(StreakConfiguration {
            version,
            tiers: self.judge_tiers()?,
            grace_period_enabled: self.grace_period_enabled,
            grace_period_hours: whole("gracePeriodHours", self.grace_period_hours, 0, 168)?,
            recovery_cost: points(at("recoveryCost"), self.recovery_cost)?,
            freeze_token_days: whole("freezeTokenDays", self.freeze_token_days, 1, 365)?,
        })
    }

    fn judge_tiers(&self) -> Judged<Vec<StreakTier>> {
        if !(1..=MOST_TIERS).contains(&self.tiers.len()) {
            return Err(Field::of("tiers").refuse(tier_count()));
        }
        // First day of the next tier; none after a tier without an end.
        let mut expected = Some(1);
        let mut tiers = Vec::with_capacity(self.tiers.len());
        for (place, draft) in self.tiers.iter().enumerate() {
            let at = |name| Field::in_list("tiers", place, name);
            let Some(first_day) = expected else {
                // The previous tier has no end, so no tier may follow it.
                let before = Field::in_list("tiers", place.saturating_sub(1), "maxDays");
                return Err(before.refuse(ConfigurationProblem::TierEnd));
            };
            let tier = draft.judge(at)?;
            if tier.min_days != first_day {
                let expected_days = first_day;
                return Err(at("minDays").refuse(ConfigurationProblem::TierGap { expected_days }));
            }
            if tier.max_days.is_some_and(|last_day| last_day < first_day) {
                return Err(at("maxDays").refuse(ConfigurationProblem::TierEmpty));
            }
            expected = tier.max_days.map(|last_day| last_day.saturating_add(1));
            tiers.push(tier);
        }
        if expected.is_some() {
            let last = Field::in_list("tiers", tiers.len().saturating_sub(1), "maxDays");
            return Err(last.refuse(ConfigurationProblem::TierEnd));
        }
        Ok(tiers)
    }
}

impl TierDraft {
    fn judge(&self, at: impl Fn(&'static str) -> Field) -> Judged<StreakTier> {
        let badge_name = self.badge_name.as_deref().map(|name| {
            let refused = || at("badgeName").refuse(ConfigurationProblem::BadgeName);
            text::parse(name, LONGEST_BADGE).ok_or_else(refused)
        });
        let badge_name = badge_name.transpose()?;
        let last_day = self
            .max_days
            .map(|days| at("maxDays").whole(days, 1, LONGEST_STREAK));
        Ok(StreakTier {
            min_days: at("minDays").whole(self.min_days, 1, LONGEST_STREAK)?,
            max_days: last_day.transpose()?,
            bonus: bonus_rate(at("bonusRate"), self.bonus, Decimal::TEN)?,
            badge_name,
            milestone: points(at("milestonePoints"), self.milestone)?,
        })
    }
}

fn tier_count() -> ConfigurationProblem {
    ConfigurationProblem::TierCount {
        min: Decimal::ONE,
        max: MOST_TIERS.into(),
    }
}

/// New settings of the section `referral`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralDraft {
    /// Bonus rate of the referrer per active referral: a fraction from 0 to 10.
    pub bonus_per_referral: Decimal,
    /// Largest sum of the referral bonus rates: a fraction from 0 to 10.
    pub max_bonus: Decimal,
    /// Whether a referral is pending until the referred person's KYC is complete.
    pub kyc_required: bool,
    /// Levels of referrals that count: 1.
    pub max_referral_levels: i32,
}

impl ReferralDraft {
    /// Checks the settings in the order of the fields.
    pub fn judge(&self, version: i32) -> Judged<ReferralConfiguration> {
        let at = Field::of;
        let judged = ReferralConfiguration {
            version,
            bonus_per_referral: bonus_rate(at("bonusRate"), self.bonus_per_referral, Decimal::TEN)?,
            max_bonus: bonus_rate(at("maxBonusRate"), self.max_bonus, Decimal::ONE_HUNDRED)?,
            kyc_required: self.kyc_required,
        };
        if u32::try_from(self.max_referral_levels) == Ok(ReferralConfiguration::LEVELS) {
            Ok(judged)
        } else {
            Err(at("maxReferralLevels").refuse(ConfigurationProblem::ReferralLevels))
        }
    }
}

fn whole(name: &'static str, value: i32, min: u32, max: u32) -> Judged<u32> {
    Field::of(name).whole(value, min, max)
}

fn rate(field: Field, value: Decimal, min: Decimal, max: Decimal) -> Judged<RatePerHour> {
    let minor = field.exact(value, POINTS_SCALE, min, max)?;
    Ok(RatePerHour(minor.0))
}

fn points(field: Field, value: Decimal) -> Judged<Minor> {
    field.exact(value, POINTS_SCALE, Decimal::ZERO, MOST_POINTS.into())
}

fn bonus_rate(field: Field, value: Decimal, max: Decimal) -> Judged<Bps> {
    let min = Decimal::ZERO;
    let minor = field.clone().exact(value, POINTS_SCALE, min, max)?;
    let bps = i32::try_from(minor.0);
    bps.map(Bps)
        .map_err(|_| field.refuse(ConfigurationProblem::OutOfRange { min, max }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mining() -> MiningDraft {
        MiningDraft {
            base_rate: Decimal::new(25, 2),
            session_duration_hours: 24,
            max_sessions_per_day: 1,
            is_globally_enabled: true,
            claim_window_hours: 168,
            circle_cooldown_hours: 168,
        }
    }

    fn tier(min_days: i32, max_days: Option<i32>) -> TierDraft {
        TierDraft {
            min_days,
            max_days,
            bonus: Decimal::from(min_days % 10),
            badge_name: None,
            milestone: Decimal::ZERO,
        }
    }

    fn streak(tiers: Vec<TierDraft>) -> StreakDraft {
        StreakDraft {
            tiers,
            grace_period_enabled: true,
            grace_period_hours: 24,
            recovery_cost: Decimal::from(50),
            freeze_token_days: 7,
        }
    }

    fn referral() -> ReferralDraft {
        ReferralDraft {
            bonus_per_referral: Decimal::new(25, 2),
            max_bonus: Decimal::ONE,
            kyc_required: true,
            max_referral_levels: 1,
        }
    }

    fn path_of<T>(judged: Judged<T>) -> Option<String> {
        judged.err().map(|refusal| refusal.path.join("."))
    }

    #[test]
    fn accepts_the_default_configuration() {
        let before = MiningConfiguration::default();
        assert_eq!(mining().judge(1), Ok(before));
        assert_eq!(referral().judge(1), Ok(ReferralConfiguration::default()));
        let default = StreakConfiguration::default();
        let tiers = default.tiers.iter().map(|tier| TierDraft {
            min_days: i32::try_from(tier.min_days).expect("few days"),
            max_days: tier.max_days.map(|days| i32::try_from(days).expect("few")),
            bonus: tier.bonus.to_decimal(),
            badge_name: tier.badge_name.clone(),
            milestone: tier.milestone.to_decimal(POINTS_SCALE),
        });
        assert_eq!(streak(tiers.collect()).judge(1), Ok(default));
    }

    #[test]
    fn refuses_mining_settings_out_of_range() {
        let refused = |edit: fn(&mut MiningDraft)| {
            let mut draft = mining();
            edit(&mut draft);
            path_of(draft.judge(2)).unwrap_or_default()
        };
        assert_eq!(refused(|draft| draft.base_rate = Decimal::ZERO), "baseRate");
        assert_eq!(refused(|d| d.base_rate = Decimal::from(1_001)), "baseRate");
        assert_eq!(
            refused(|d| d.base_rate = Decimal::new(12_345, 5)),
            "baseRate"
        );
        assert_eq!(
            refused(|draft| draft.session_duration_hours = 0),
            "sessionDurationHours"
        );
        assert_eq!(
            refused(|draft| draft.session_duration_hours = 169),
            "sessionDurationHours"
        );
        assert_eq!(
            refused(|d| d.max_sessions_per_day = -1),
            "maxSessionsPerDay"
        );
        assert_eq!(
            refused(|d| d.max_sessions_per_day = 25),
            "maxSessionsPerDay"
        );
        assert_eq!(
            refused(|d| d.claim_window_hours = 8_761),
            "claimWindowHours"
        );
        for hours in [-1, 8_761] {
            let draft = MiningDraft {
                circle_cooldown_hours: hours,
                ..mining()
            };
            let judged = draft.judge(2);
            assert_eq!(path_of(judged).as_deref(), Some("circleCooldownHours"));
        }
        assert_eq!(refused(|draft| draft.base_rate = Decimal::new(1, 4)), "");
    }

    #[test]
    fn refuses_tiers_with_gaps_or_overlaps() {
        let check = |tiers: Vec<TierDraft>| {
            let refusal = streak(tiers).judge(2).err()?;
            Some((refusal.path.join("."), refusal.problem))
        };
        let refused = |path: &str, problem| Some((path.to_owned(), problem));
        let gap = |expected_days| ConfigurationProblem::TierGap { expected_days };
        assert_eq!(check(vec![tier(1, None)]), None);
        assert_eq!(check(vec![]), refused("tiers", tier_count()));
        assert_eq!(
            check(vec![tier(2, None)]),
            refused("tiers.0.minDays", gap(1))
        );
        for begin in [3, 5] {
            assert_eq!(
                check(vec![tier(1, Some(3)), tier(begin, None)]),
                refused("tiers.1.minDays", gap(4))
            );
        }
        assert_eq!(
            check(vec![tier(1, Some(3)), tier(4, Some(2)), tier(3, None)]),
            refused("tiers.1.maxDays", ConfigurationProblem::TierEmpty)
        );
        assert_eq!(
            check(vec![tier(1, None), tier(3, None)]),
            refused("tiers.0.maxDays", ConfigurationProblem::TierEnd)
        );
        assert_eq!(
            check(vec![tier(1, Some(2)), tier(3, Some(9))]),
            refused("tiers.1.maxDays", ConfigurationProblem::TierEnd)
        );
        for bad in ["", "\u{0}", "7\u{202E}day", "\u{3164}"] {
            let nameless = TierDraft {
                badge_name: Some(bad.to_owned()),
                ..tier(1, None)
            };
            assert_eq!(
                check(vec![nameless]),
                refused("tiers.0.badgeName", ConfigurationProblem::BadgeName)
            );
        }
    }

    #[test]
    fn refuses_streak_settings_out_of_range() {
        let refused = |edit: fn(&mut StreakDraft)| {
            let mut draft = streak(vec![tier(1, None)]);
            edit(&mut draft);
            path_of(draft.judge(2)).unwrap_or_default()
        };
        let bonus = |draft: &mut StreakDraft| draft.tiers[0].bonus = Decimal::from(11);
        assert_eq!(refused(bonus), "tiers.0.bonusRate");
        let milestone = |draft: &mut StreakDraft| draft.tiers[0].milestone = Decimal::NEGATIVE_ONE;
        assert_eq!(refused(milestone), "tiers.0.milestonePoints");
        assert_eq!(refused(|d| d.grace_period_hours = 169), "gracePeriodHours");
        assert_eq!(
            refused(|draft| draft.recovery_cost = Decimal::new(1, 5)),
            "recoveryCost"
        );
        assert_eq!(refused(|d| d.freeze_token_days = 0), "freezeTokenDays");
    }

    #[test]
    fn refuses_referral_settings_out_of_range() {
        let refused = |edit: fn(&mut ReferralDraft)| {
            let mut draft = referral();
            edit(&mut draft);
            path_of(draft.judge(2)).unwrap_or_default()
        };
        assert_eq!(
            refused(|draft| draft.bonus_per_referral = Decimal::NEGATIVE_ONE),
            "bonusRate"
        );
        assert_eq!(
            refused(|d| d.max_bonus = Decimal::from(101)),
            "maxBonusRate"
        );
        assert_eq!(
            refused(|draft| draft.max_referral_levels = 0),
            "maxReferralLevels"
        );
        assert_eq!(
            refused(|draft| draft.max_referral_levels = 2),
            "maxReferralLevels"
        );
    }

    /// Contiguous tiers of these lengths from day 1, and a last tier without an end.
    fn contiguous(lengths: &[i32]) -> Vec<TierDraft> {
        let mut first_day = 1;
        let mut tiers = Vec::new();
        for length in lengths {
            tiers.push(tier(first_day, Some(first_day + length - 1)));
            first_day += length;
        }
        tiers.push(tier(first_day, None));
        tiers
    }

    proptest! {
        #[test]
        fn every_day_has_the_bonus_of_its_tier(lengths in prop::collection::vec(1..40_i32, 0..12), day in 1..600_i32) {
            let drafts = contiguous(&lengths);
            let judged = streak(drafts.clone()).judge(2).expect("contiguous tiers");
            let of_day: Vec<_> = drafts
                .iter()
                .filter(|tier| tier.min_days <= day && tier.max_days.is_none_or(|last| day <= last))
                .collect();
            prop_assert_eq!(of_day.len(), 1);
            let bonus = judged.bonus_at(u32::try_from(day).expect("a day")).to_decimal();
            prop_assert_eq!(bonus, of_day[0].bonus);
        }

        #[test]
        fn refuses_a_tier_with_a_moved_first_day(lengths in prop::collection::vec(1..40_i32, 1..12), place in 0..12_usize, by in -40..40_i32) {
            prop_assume!(by != 0);
            let mut tiers = contiguous(&lengths);
            let place = place % tiers.len();
            tiers[place].min_days += by;
            let refusal = streak(tiers).judge(2).expect_err("a gap or an overlap");
            prop_assert_eq!(refusal.path, ["tiers".to_owned(), place.to_string(), "minDays".to_owned()]);
        }
    }
}
