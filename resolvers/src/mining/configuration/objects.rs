//! Types of mining's sections.

use db::platform::configuration::Change;
use domain::mining::{self as rules, MiningDraft, ReferralDraft, StreakDraft, TierDraft};

use crate::mining::{bonus_rate, per_hour, whole};
use crate::platform::configuration::objects::{in_force, sections};
use crate::prelude::*;

sections! {
    /// Version of the section `mining`.
    MiningConfiguration("mining", of: rules::MiningConfiguration) {
        /// Points an hour before any bonus.
        base_rate: Decimal = per_hour(of.settings.base_rate),
        /// Hours before a freed place in a circle can be filled and before a former member can join one.
        circle_cooldown_hours: i32 = whole(of.settings.circle_cooldown_hours),
        /// Hours in which a completed session can be claimed.
        claim_window_hours: i32 = whole(of.settings.claim_window_hours),
        /// Whether sessions can be started. While off, neither streaks nor claim windows run.
        is_globally_enabled: bool = of.settings.is_globally_enabled,
        /// Sessions a miner can start per UTC day.
        max_sessions_per_day: i32 = whole(of.settings.max_sessions_per_day),
        /// Length of a session in hours.
        session_duration_hours: i32 = whole(of.settings.session_duration_hours),
    }

    /// Version of the section `streak`.
    StreakConfiguration("streak", of: rules::StreakConfiguration) {
        /// Days of a run that earn one freeze token.
        freeze_token_days: i32 = whole(of.settings.freeze_token_days),
        /// Whether one late claim in a row is forgiven.
        grace_period_enabled: bool = of.settings.grace_period_enabled,
        /// Hours a forgiven claim may be late.
        grace_period_hours: i32 = whole(of.settings.grace_period_hours),
        /// Price of recovering a broken streak in points.
        recovery_cost: Decimal = Decimal::points(of.settings.recovery_cost),
        /// Tiers from day 1 without gap or overlap, ascending; the last has no end.
        tiers: ReadyList<StreakTier> = ReadyList(of.settings.tiers.iter().map(StreakTier::of).collect()),
    }

    /// Version of the section `referral`.
    ReferralConfiguration("referral", of: rules::ReferralConfiguration) {
        /// Bonus of one active referral as a fraction.
        bonus_rate: Decimal = bonus_rate(of.settings.bonus_per_referral),
        /// Whether a referral becomes active only with the referred person's KYC.
        kyc_required: bool = of.settings.kyc_required,
        /// Upper bound of all referral bonuses together as a fraction.
        max_bonus_rate: Decimal = bonus_rate(of.settings.max_bonus),
        /// Levels of referrals that earn a bonus.
        max_referral_levels: i32 = whole(rules::ReferralConfiguration::LEVELS),
    }
}

object! {
    /// Tier of the streak bonus.
    StreakTier(tier: &rules::StreakTier) {
        /// Name of the badge, 1 to 50 characters; null for a tier without one.
        badge_name: Option<String> = tier.badge_name.clone(),
        /// Bonus of the tier as a fraction: `"0.2500"` is 25 %.
        bonus_rate: Decimal = bonus_rate(tier.bonus),
        /// Last day of the tier; null for the last tier.
        max_days: Option<i32> = tier.max_days.map(whole),
        /// Points paid once per streak when it reaches `minDays`.
        milestone_points: Decimal = Decimal::points(tier.milestone),
        /// First day of the tier, from 1.
        min_days: i32 = whole(tier.min_days),
    }
}

/// Mining's sections of `SystemConfiguration`, each in the version in force.
#[derive(Default)]
pub struct MiningSections;

#[Object]
impl MiningSections {
    /// Sessions, base rate and circles.
    async fn mining(&self, ctx: &Context<'_>) -> Loaded<MiningConfiguration> {
        Some(in_force(ctx, "mining").await)
    }

    /// Referral bonus.
    async fn referral(&self, ctx: &Context<'_>) -> Loaded<ReferralConfiguration> {
        Some(in_force(ctx, "referral").await)
    }

    /// Streak bonus and recovery.
    async fn streak(&self, ctx: &Context<'_>) -> Loaded<StreakConfiguration> {
        Some(in_force(ctx, "streak").await)
    }
}

/// Section `mining`, replaced as a whole.
#[derive(InputObject)]
pub struct MiningConfigurationInput {
    /// Points an hour before any bonus: 0.0001 to 1,000, at most 4 decimals.
    pub base_rate: Decimal,
    /// Hours before a freed place in a circle can be filled and before a former member can join one: 0 to 8,760.
    pub circle_cooldown_hours: i32,
    /// Hours in which a completed session can be claimed: 1 to 8,760.
    pub claim_window_hours: i32,
    /// Whether sessions can be started. While off, neither streaks nor claim windows run.
    pub is_globally_enabled: bool,
    /// Sessions a miner can start per UTC day: 1 to 24.
    pub max_sessions_per_day: i32,
    /// Length of a session in hours: 1 to 168.
    pub session_duration_hours: i32,
    /// Version that is replaced; it must be the one in force.
    pub version: i32,
}

impl MiningConfigurationInput {
    /// The change, for a command whose input has the section at this path.
    pub(crate) fn change(&self, path: &'static str) -> Result<Change, DbError> {
        let draft = MiningDraft {
            base_rate: self.base_rate.0,
            session_duration_hours: self.session_duration_hours,
            max_sessions_per_day: self.max_sessions_per_day,
            is_globally_enabled: self.is_globally_enabled,
            claim_window_hours: self.claim_window_hours,
            circle_cooldown_hours: self.circle_cooldown_hours,
        };
        Change::new(path, self.version, |version| draft.judge(version))
    }
}

/// Section `streak`, replaced as a whole.
#[derive(InputObject)]
pub struct StreakConfigurationInput {
    /// Days of a run that earn one freeze token: 1 to 365.
    pub freeze_token_days: i32,
    /// Whether one late claim in a row is forgiven.
    pub grace_period_enabled: bool,
    /// Hours a forgiven claim may be late: 0 to 168.
    pub grace_period_hours: i32,
    /// Price of recovering a broken streak in points: 0 to 1,000,000, at most 4 decimals.
    pub recovery_cost: Decimal,
    /// Tiers from day 1 without gap or overlap, ascending; the last has no end: 1 to 50 items.
    pub tiers: Vec<StreakTierInput>,
    /// Version that is replaced; it must be the one in force.
    pub version: i32,
}

impl StreakConfigurationInput {
    /// The change, for a command whose input has the section at this path.
    pub(crate) fn change(&self, path: &'static str) -> Result<Change, DbError> {
        let draft = StreakDraft {
            tiers: self.tiers.iter().map(StreakTierInput::draft).collect(),
            grace_period_enabled: self.grace_period_enabled,
            grace_period_hours: self.grace_period_hours,
            recovery_cost: self.recovery_cost.0,
            freeze_token_days: self.freeze_token_days,
        };
        Change::new(path, self.version, |version| draft.judge(version))
    }
}

/// Tier of the streak bonus.
#[derive(InputObject)]
pub struct StreakTierInput {
    /// Name of the badge, 1 to 50 visible characters on one line; null for a tier without one.
    pub badge_name: Option<String>,
    /// Bonus of the tier as a fraction: 0 to 10, at most 4 decimals.
    pub bonus_rate: Decimal,
    /// Last day of the tier, 1 to 100,000; null for the last tier only.
    pub max_days: Option<i32>,
    /// Points paid once per streak when it reaches `minDays`: 0 to 1,000,000, at most 4 decimals.
    pub milestone_points: Decimal,
    /// First day of the tier: 1 in the first tier, else `maxDays` of the previous tier plus 1.
    pub min_days: i32,
}

impl StreakTierInput {
    fn draft(&self) -> TierDraft {
        TierDraft {
            min_days: self.min_days,
            max_days: self.max_days,
            bonus: self.bonus_rate.0,
            badge_name: self.badge_name.clone(),
            milestone: self.milestone_points.0,
        }
    }
}

/// Section `referral`, replaced as a whole.
#[derive(InputObject)]
pub struct ReferralConfigurationInput {
    /// Bonus of one active referral as a fraction: 0 to 10, at most 4 decimals.
    pub bonus_rate: Decimal,
    /// Whether a referral becomes active only with the referred person's KYC.
    pub kyc_required: bool,
    /// Upper bound of all referral bonuses together as a fraction: 0 to 100, at most 4 decimals.
    pub max_bonus_rate: Decimal,
    /// Levels of referrals that earn a bonus: only 1.
    pub max_referral_levels: i32,
    /// Version that is replaced; it must be the one in force.
    pub version: i32,
}

impl ReferralConfigurationInput {
    /// The change, for a command whose input has the section at this path.
    pub(crate) fn change(&self, path: &'static str) -> Result<Change, DbError> {
        let draft = ReferralDraft {
            bonus_per_referral: self.bonus_rate.0,
            max_bonus: self.max_bonus_rate.0,
            kyc_required: self.kyc_required,
            max_referral_levels: self.max_referral_levels,
        };
        Change::new(path, self.version, |version| draft.judge(version))
    }
}
