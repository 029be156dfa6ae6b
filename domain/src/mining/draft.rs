//! Drafts: what an administrator wants a section to be, judged as a whole before it comes into force.

use rust_decimal::Decimal;

use super::{
    Bps, MiningConfiguration, POINTS_SCALE, RatePerHour, ReferralConfiguration,
    StreakConfiguration, StreakTier,
};
use crate::money::{AmountError, Minor, amount};

/// Days of a streak that a tier can begin or end with, at most.
const LONGEST_STREAK: u32 = 100_000;
/// Points that a milestone pays or a recovery costs, at most.
const MOST_POINTS: u32 = 1_000_000;
/// Tiers, at most.
const MOST_TIERS: usize = 50;
/// Characters of a badge's name, at most.
const LONGEST_BADGE: usize = 50;

/// Where and why a draft makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SettingRefusal {
    /// The field, by its path in the draft: names, and places in lists.
    pub path: Vec<String>,
    /// What is wrong with it.
    pub problem: SettingProblem,
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingProblem {
    /// It is too small or too large.
    #[error("give a number from {least} to {most}")]
    OutOfRange {
        /// The smallest it may be.
        least: Decimal,
        /// The largest it may be.
        most: Decimal,
    },
    /// It has more decimals than can be kept.
    #[error("give at most {POINTS_SCALE} decimals")]
    TooFine,
    /// A badge's name is empty, too long, or can't be shown.
    #[error("a badge's name has 1 to {LONGEST_BADGE} characters that can be shown")]
    BadgeName,
    /// A tier does not begin where the one before ends.
    #[error("this tier begins on day {expected}: tiers leave no gap and don't overlap")]
    TierGap {
        /// Where it has to begin.
        expected: u32,
    },
    /// A tier ends before it begins.
    #[error("a tier doesn't end before it begins")]
    TierEmpty,
    /// Only the last tier, and always the last, has no end.
    #[error("the last tier, and no other, has no last day")]
    TierEnd,
    /// There are no tiers, or too many.
    #[error("there are 1 to {MOST_TIERS} tiers")]
    TierCount,
    /// Only those whom somebody brought themselves count.
    #[error("only 1 level of referrals is supported")]
    ReferralLevels,
}

type Judged<T> = Result<T, SettingRefusal>;

/// What the section `mining` is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiningDraft {
    /// Points an hour before any bonus: 0.0001 to 1000.
    pub base_rate: Decimal,
    /// Length of a session: 1 to 168 hours.
    pub session_duration_hours: i32,
    /// Sessions a miner may start a UTC day: 1 to 24.
    pub max_sessions_per_day: i32,
    /// Whether anybody can start a session.
    pub is_globally_enabled: bool,
    /// How long a complete session can be claimed: 1 to 8760 hours.
    pub claim_window_hours: i32,
    /// How long free places of circles, and who left one, wait: 0 to 8760 hours. Without it, it stays as it is.
    pub circle_cooldown_hours: Option<i32>,
}

impl MiningDraft {
    /// Judges the draft, in the order of its fields; what it leaves out stays as it was before. Its pauses are the
    /// history's, not the draft's.
    pub fn judge(&self, version: i32, before: &MiningConfiguration) -> Judged<MiningConfiguration> {
        let at = Field::of;
        let most = Decimal::ONE_THOUSAND;
        Ok(MiningConfiguration {
            version,
            base_rate: at("baseRate").rate(self.base_rate, Decimal::new(1, 4), most)?,
            session_duration_hours: at("sessionDurationHours").whole(
                self.session_duration_hours,
                1,
                168,
            )?,
            max_sessions_per_day: at("maxSessionsPerDay").whole(
                self.max_sessions_per_day,
                1,
                24,
            )?,
            is_globally_enabled: self.is_globally_enabled,
            claim_window_hours: at("claimWindowHours").whole(self.claim_window_hours, 1, 8_760)?,
            circle_cooldown_hours: self
                .circle_cooldown_hours
                .map_or(Ok(before.circle_cooldown_hours), |hours| {
                    at("circleCooldownHours").whole(hours, 0, 8_760)
                })?,
            pauses: Vec::new(),
        })
    }
}

/// What the section `streak` is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakDraft {
    /// Ascending from day 1, the last without an end; 1 to 50.
    pub tiers: Vec<TierDraft>,
    /// Whether one late claim is forgiven.
    pub grace_period_enabled: bool,
    /// How late it may be: 0 to 168 hours.
    pub grace_period_hours: i32,
    /// What recovering a broken streak costs: 0 to 1000000 points.
    pub recovery_cost: Decimal,
    /// A run earns one freeze token each so many days: 1 to 365.
    pub freeze_token_days: i32,
}

/// One step of the streak's bonus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierDraft {
    /// First day.
    pub min_days: i32,
    /// Last day; none for the last tier.
    pub max_days: Option<i32>,
    /// What it adds to the rate: a share, 0 to 10.
    pub bonus: Decimal,
    /// What people see beside the name.
    pub badge_name: Option<String>,
    /// Paid once a run, on reaching the first day: 0 to 1000000 points.
    pub milestone: Decimal,
}

impl StreakDraft {
    /// Judges the draft: its tiers in their order, then its other fields.
    pub fn judge(&self, version: i32) -> Judged<StreakConfiguration> {
        let at = Field::of;
        Ok(StreakConfiguration {
            version,
            tiers: self.judge_tiers()?,
            grace_period_enabled: self.grace_period_enabled,
            grace_period_hours: at("gracePeriodHours").whole(self.grace_period_hours, 0, 168)?,
            recovery_cost: at("recoveryCost").points(self.recovery_cost)?,
            freeze_token_days: at("freezeTokenDays").whole(self.freeze_token_days, 1, 365)?,
        })
    }

    fn judge_tiers(&self) -> Judged<Vec<StreakTier>> {
        if !(1..=MOST_TIERS).contains(&self.tiers.len()) {
            return Err(Field::of("tiers").refuse(SettingProblem::TierCount));
        }
        // The day the next tier has to begin; none once a tier had no end.
        let mut expected = Some(1);
        let mut tiers = Vec::with_capacity(self.tiers.len());
        for (place, draft) in self.tiers.iter().enumerate() {
            let at = |name| Field::in_list("tiers", place, name);
            let Some(first_day) = expected else {
                // The tier before this one claims all days there are.
                let before = Field::in_list("tiers", place.saturating_sub(1), "maxDays");
                return Err(before.refuse(SettingProblem::TierEnd));
            };
            let tier = draft.judge(at)?;
            if tier.min_days != first_day {
                let expected = first_day;
                return Err(at("minDays").refuse(SettingProblem::TierGap { expected }));
            }
            if tier.max_days.is_some_and(|last_day| last_day < first_day) {
                return Err(at("maxDays").refuse(SettingProblem::TierEmpty));
            }
            expected = tier.max_days.map(|last_day| last_day.saturating_add(1));
            tiers.push(tier);
        }
        if expected.is_some() {
            let last = Field::in_list("tiers", tiers.len().saturating_sub(1), "maxDays");
            return Err(last.refuse(SettingProblem::TierEnd));
        }
        Ok(tiers)
    }
}

impl TierDraft {
    fn judge(&self, at: impl Fn(&'static str) -> Field) -> Judged<StreakTier> {
        if self.badge_name.as_ref().is_some_and(|name| !is_badge(name)) {
            return Err(at("badgeName").refuse(SettingProblem::BadgeName));
        }
        let last_day = self
            .max_days
            .map(|days| at("maxDays").whole(days, 1, LONGEST_STREAK));
        Ok(StreakTier {
            min_days: at("minDays").whole(self.min_days, 1, LONGEST_STREAK)?,
            max_days: last_day.transpose()?,
            bonus: at("bonusPercent").share(self.bonus)?,
            badge_name: self.badge_name.clone(),
            milestone: at("milestoneMpBonus").points(self.milestone)?,
        })
    }
}

fn is_badge(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= LONGEST_BADGE
        && !name.chars().any(char::is_control)
}

/// What the section `referral` is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralDraft {
    /// What an active referral adds to its referrer's rate: a share, 0 to 10.
    pub bonus_per_referral: Decimal,
    /// What all of them together may add: a share, 0 to 10.
    pub max_bonus: Decimal,
    /// Whether a referral waits for the referred person's KYC.
    pub kyc_required: bool,
    /// How many levels of referrals count: 1.
    pub max_referral_levels: i32,
}

impl ReferralDraft {
    /// Judges the draft, in the order of its fields.
    pub fn judge(&self, version: i32) -> Judged<ReferralConfiguration> {
        let at = Field::of;
        let judged = ReferralConfiguration {
            version,
            bonus_per_referral: at("bonusPerReferral").share(self.bonus_per_referral)?,
            max_bonus: at("maxBonusCap").share(self.max_bonus)?,
            kyc_required: self.kyc_required,
        };
        if u32::try_from(self.max_referral_levels) == Ok(ReferralConfiguration::LEVELS) {
            Ok(judged)
        } else {
            Err(at("maxReferralLevels").refuse(SettingProblem::ReferralLevels))
        }
    }
}

/// A field of a draft, by its path.
struct Field(Vec<String>);

impl Field {
    fn of(name: &'static str) -> Self {
        Self(vec![name.to_owned()])
    }

    fn in_list(list: &'static str, place: usize, name: &'static str) -> Self {
        Self(vec![list.to_owned(), place.to_string(), name.to_owned()])
    }

    fn refuse(self, problem: SettingProblem) -> SettingRefusal {
        SettingRefusal {
            path: self.0,
            problem,
        }
    }

    fn whole(self, value: i32, least: u32, most: u32) -> Judged<u32> {
        u32::try_from(value)
            .ok()
            .filter(|value| (least..=most).contains(value))
            .ok_or_else(|| {
                let (least, most) = (least.into(), most.into());
                self.refuse(SettingProblem::OutOfRange { least, most })
            })
    }

    fn exact(self, value: Decimal, least: Decimal, most: Decimal) -> Judged<Minor> {
        if !(least..=most).contains(&value) {
            return Err(self.refuse(SettingProblem::OutOfRange { least, most }));
        }
        amount(value, POINTS_SCALE).map_err(|error| {
            self.refuse(match error {
                AmountError::TooFine { .. } => SettingProblem::TooFine,
                AmountError::TooLarge => SettingProblem::OutOfRange { least, most },
            })
        })
    }

    fn rate(self, value: Decimal, least: Decimal, most: Decimal) -> Judged<RatePerHour> {
        self.exact(value, least, most)
            .map(|minor| RatePerHour(minor.0))
    }

    fn points(self, value: Decimal) -> Judged<Minor> {
        self.exact(value, Decimal::ZERO, Decimal::from(MOST_POINTS))
    }

    fn share(self, value: Decimal) -> Judged<Bps> {
        let minor = self.exact(value, Decimal::ZERO, Decimal::TEN)?;
        // Ten wholes are 100,000 basis points.
        Ok(Bps(i32::try_from(minor.0).unwrap_or(i32::MAX)))
    }
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
            circle_cooldown_hours: None,
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
    fn what_the_platform_begins_with_can_be_set_again() {
        let before = MiningConfiguration::default();
        assert_eq!(mining().judge(1, &before), Ok(before));
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
    fn every_field_of_mining_has_its_range() {
        let refused = |edit: fn(&mut MiningDraft)| {
            let mut draft = mining();
            edit(&mut draft);
            path_of(draft.judge(2, &MiningConfiguration::default())).unwrap_or_default()
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
                circle_cooldown_hours: Some(hours),
                ..mining()
            };
            let judged = draft.judge(2, &MiningConfiguration::default());
            assert_eq!(path_of(judged).as_deref(), Some("circleCooldownHours"));
        }
        assert_eq!(refused(|draft| draft.base_rate = Decimal::new(1, 4)), "");
    }

    #[test]
    fn a_cooldown_that_is_left_out_stays_as_it_was() {
        let before = MiningConfiguration {
            circle_cooldown_hours: 5,
            ..MiningConfiguration::default()
        };
        for (given, then) in [(None, 5), (Some(0), 0), (Some(8_760), 8_760)] {
            let draft = MiningDraft {
                circle_cooldown_hours: given,
                ..mining()
            };
            let judged = draft.judge(2, &before).expect("a draft that makes sense");
            assert_eq!(judged.circle_cooldown_hours, then);
        }
    }

    #[test]
    fn tiers_begin_at_day_one_and_leave_no_gap() {
        let check = |tiers: Vec<TierDraft>| {
            let refusal = streak(tiers).judge(2).err()?;
            Some((refusal.path.join("."), refusal.problem))
        };
        let refused = |path: &str, problem| Some((path.to_owned(), problem));
        let gap = |expected| SettingProblem::TierGap { expected };
        assert_eq!(check(vec![tier(1, None)]), None);
        assert_eq!(check(vec![]), refused("tiers", SettingProblem::TierCount));
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
            refused("tiers.1.maxDays", SettingProblem::TierEmpty)
        );
        assert_eq!(
            check(vec![tier(1, None), tier(3, None)]),
            refused("tiers.0.maxDays", SettingProblem::TierEnd)
        );
        assert_eq!(
            check(vec![tier(1, Some(2)), tier(3, Some(9))]),
            refused("tiers.1.maxDays", SettingProblem::TierEnd)
        );
        let nameless = TierDraft {
            badge_name: Some("\u{0}".to_owned()),
            ..tier(1, None)
        };
        assert_eq!(
            check(vec![nameless]),
            refused("tiers.0.badgeName", SettingProblem::BadgeName)
        );
    }

    #[test]
    fn the_rest_of_a_streak_has_its_ranges() {
        let refused = |edit: fn(&mut StreakDraft)| {
            let mut draft = streak(vec![tier(1, None)]);
            edit(&mut draft);
            path_of(draft.judge(2)).unwrap_or_default()
        };
        let bonus = |draft: &mut StreakDraft| draft.tiers[0].bonus = Decimal::from(11);
        assert_eq!(refused(bonus), "tiers.0.bonusPercent");
        let milestone = |draft: &mut StreakDraft| draft.tiers[0].milestone = Decimal::NEGATIVE_ONE;
        assert_eq!(refused(milestone), "tiers.0.milestoneMpBonus");
        assert_eq!(refused(|d| d.grace_period_hours = 169), "gracePeriodHours");
        assert_eq!(
            refused(|draft| draft.recovery_cost = Decimal::new(1, 5)),
            "recoveryCost"
        );
        assert_eq!(refused(|d| d.freeze_token_days = 0), "freezeTokenDays");
    }

    #[test]
    fn referrals_have_one_level() {
        let refused = |edit: fn(&mut ReferralDraft)| {
            let mut draft = referral();
            edit(&mut draft);
            path_of(draft.judge(2)).unwrap_or_default()
        };
        assert_eq!(
            refused(|draft| draft.bonus_per_referral = Decimal::NEGATIVE_ONE),
            "bonusPerReferral"
        );
        assert_eq!(refused(|d| d.max_bonus = Decimal::from(11)), "maxBonusCap");
        assert_eq!(
            refused(|draft| draft.max_referral_levels = 0),
            "maxReferralLevels"
        );
        assert_eq!(
            refused(|draft| draft.max_referral_levels = 2),
            "maxReferralLevels"
        );
    }

    /// Tiers of these lengths, one after the other from day 1, and one without an end.
    fn whole(lengths: &[i32]) -> Vec<TierDraft> {
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
        fn whole_tiers_give_every_day_its_bonus(lengths in prop::collection::vec(1..40_i32, 0..12), day in 1..600_i32) {
            let drafts = whole(&lengths);
            let judged = streak(drafts.clone()).judge(2).expect("whole tiers");
            let of_day: Vec<_> = drafts
                .iter()
                .filter(|tier| tier.min_days <= day && tier.max_days.is_none_or(|last| day <= last))
                .collect();
            prop_assert_eq!(of_day.len(), 1);
            let bonus = judged.bonus_at(u32::try_from(day).expect("a day")).to_decimal();
            prop_assert_eq!(bonus, of_day[0].bonus);
        }

        #[test]
        fn moving_one_edge_is_refused(lengths in prop::collection::vec(1..40_i32, 1..12), place in 0..12_usize, by in -40..40_i32) {
            prop_assume!(by != 0);
            let mut tiers = whole(&lengths);
            let place = place % tiers.len();
            tiers[place].min_days += by;
            let refusal = streak(tiers).judge(2).expect_err("a gap or an overlap");
            prop_assert_eq!(refusal.path, ["tiers".to_owned(), place.to_string(), "minDays".to_owned()]);
        }
    }
}
