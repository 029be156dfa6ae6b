//! What the system is configured by: sections with their versions.

use async_graphql::{ComplexObject, Context, SimpleObject, Value};
use db::configuration::{InForce, Stored, Version, history};
use domain::mining as rules;

use crate::errors::ApiError;
use crate::mining::objects::{days, per_hour, share};
use crate::paging::{PageArgs, Total, connection};
use crate::plain::{Plain, Selected, plain, plain_values};
use crate::request::Asked;
use crate::scalars::{DateTime, Decimal};

/// A version of the section `mining`: sessions and the base rate.
#[derive(SimpleObject)]
pub struct MiningConfiguration {
    /// Its number, from 1 without a gap: the highest is in force.
    pub version: i32,
    /// Points an hour before any bonus.
    pub base_rate: Decimal,
    /// Length of a session.
    pub session_duration_hours: i32,
    /// Sessions a miner may start a UTC day.
    pub max_sessions_per_day: i32,
    /// Whether anybody can start a session. While nobody can, neither streaks nor claim windows run.
    pub is_globally_enabled: bool,
    /// How long a complete session can be claimed.
    pub claim_window_hours: i32,
    /// How long a place of a circle that falls free, and who left one, wait before the next time.
    pub circle_cooldown_hours: i32,
    /// When it came into force.
    pub updated_at: DateTime,
    /// Who set it: the subject of their token, or `system` for what the platform began with.
    pub updated_by: String,
    /// Why.
    pub reason: String,
}

plain!(
    MiningConfiguration,
    version,
    base_rate,
    session_duration_hours,
    max_sessions_per_day,
    is_globally_enabled,
    claim_window_hours,
    circle_cooldown_hours,
    updated_at,
    updated_by,
    reason
);

impl From<Version<rules::MiningConfiguration>> for MiningConfiguration {
    fn from(of: Version<rules::MiningConfiguration>) -> Self {
        Self {
            version: of.number,
            base_rate: per_hour(of.settings.base_rate),
            session_duration_hours: days(of.settings.session_duration_hours),
            max_sessions_per_day: days(of.settings.max_sessions_per_day),
            is_globally_enabled: of.settings.is_globally_enabled,
            claim_window_hours: days(of.settings.claim_window_hours),
            circle_cooldown_hours: days(of.settings.circle_cooldown_hours),
            updated_at: of.updated_at.into(),
            updated_by: of.updated_by,
            reason: of.reason,
        }
    }
}

/// A version of the section `streak`: what days in a row are worth.
#[derive(SimpleObject)]
pub struct StreakConfiguration {
    /// Its number, from 1 without a gap: the highest is in force.
    pub version: i32,
    /// Ascending from day 1 without a gap; the last has no end.
    pub tiers: Vec<StreakTier>,
    /// Whether one late claim is forgiven.
    pub grace_period_enabled: bool,
    /// How late it may be.
    pub grace_period_hours: i32,
    /// What recovering a broken streak costs, in points.
    pub recovery_cost: Decimal,
    /// A run earns one freeze token each so many days.
    pub freeze_token_days: i32,
    /// When it came into force.
    pub updated_at: DateTime,
    /// Who set it: the subject of their token, or `system` for what the platform began with.
    pub updated_by: String,
    /// Why.
    pub reason: String,
}

/// One step of the streak's bonus.
#[derive(SimpleObject)]
pub struct StreakTier {
    /// First day.
    pub min_days: i32,
    /// Last day; null for the last tier.
    pub max_days: Option<i32>,
    /// What it adds to the rate, as a share: `"0.2500"` is 25 %.
    pub bonus_percent: Decimal,
    /// What people see beside the name; null without a badge.
    pub badge_name: Option<String>,
    /// Paid once a run on reaching the first day, in points.
    pub milestone_mp_bonus: Decimal,
}

plain!(
    StreakTier,
    min_days,
    max_days,
    bonus_percent,
    badge_name,
    milestone_mp_bonus
);

impl Plain for StreakConfiguration {
    plain_values!(
        version,
        grace_period_enabled,
        grace_period_hours,
        recovery_cost,
        freeze_token_days,
        updated_at,
        updated_by,
        reason
    );

    fn child(&self, field: &str, asked: &Selected<'_>) -> Option<Value> {
        (field == "tiers")
            .then(|| asked.of_all(&self.tiers))
            .flatten()
    }
}

impl From<&rules::StreakTier> for StreakTier {
    fn from(tier: &rules::StreakTier) -> Self {
        Self {
            min_days: days(tier.min_days),
            max_days: tier.max_days.map(days),
            bonus_percent: share(tier.bonus),
            badge_name: tier.badge_name.clone(),
            milestone_mp_bonus: Decimal::points(tier.milestone),
        }
    }
}

impl From<Version<rules::StreakConfiguration>> for StreakConfiguration {
    fn from(of: Version<rules::StreakConfiguration>) -> Self {
        Self {
            version: of.number,
            tiers: of.settings.tiers.iter().map(StreakTier::from).collect(),
            grace_period_enabled: of.settings.grace_period_enabled,
            grace_period_hours: days(of.settings.grace_period_hours),
            recovery_cost: Decimal::points(of.settings.recovery_cost),
            freeze_token_days: days(of.settings.freeze_token_days),
            updated_at: of.updated_at.into(),
            updated_by: of.updated_by,
            reason: of.reason,
        }
    }
}

/// A version of the section `referral`: what bringing somebody is worth.
#[derive(SimpleObject)]
pub struct ReferralConfiguration {
    /// Its number, from 1 without a gap: the highest is in force.
    pub version: i32,
    /// What a referral applied from now on adds to its referrer's rate, as a share: `"0.2500"` is 25 %.
    pub bonus_per_referral: Decimal,
    /// What all of a miner's active referrals may add together, as a share.
    pub max_bonus_cap: Decimal,
    /// Whether a referral waits for the referred person's KYC. Concerns those made from then on: one that waits goes on.
    pub kyc_required: bool,
    /// How many levels of referrals count: always 1.
    pub max_referral_levels: i32,
    /// When it came into force.
    pub updated_at: DateTime,
    /// Who set it: the subject of their token, or `system` for what the platform began with.
    pub updated_by: String,
    /// Why.
    pub reason: String,
}

plain!(
    ReferralConfiguration,
    version,
    bonus_per_referral,
    max_bonus_cap,
    kyc_required,
    max_referral_levels,
    updated_at,
    updated_by,
    reason
);

impl From<Version<rules::ReferralConfiguration>> for ReferralConfiguration {
    fn from(of: Version<rules::ReferralConfiguration>) -> Self {
        Self {
            version: of.number,
            bonus_per_referral: share(of.settings.bonus_per_referral),
            max_bonus_cap: share(of.settings.max_bonus),
            kyc_required: of.settings.kyc_required,
            max_referral_levels: days(rules::ReferralConfiguration::LEVELS),
            updated_at: of.updated_at.into(),
            updated_by: of.updated_by,
            reason: of.reason,
        }
    }
}

connection! {
    /// A page of the versions of the section `mining`.
    MiningConfigurationConnection,
    /// One version on a page of the section `mining`.
    MiningConfigurationEdge,
    MiningConfiguration, by i64
}

connection! {
    /// A page of the versions of the section `streak`.
    StreakConfigurationConnection,
    /// One version on a page of the section `streak`.
    StreakConfigurationEdge,
    StreakConfiguration, by i64
}

connection! {
    /// A page of the versions of the section `referral`.
    ReferralConfigurationConnection,
    /// One version on a page of the section `referral`.
    ReferralConfigurationEdge,
    ReferralConfiguration, by i64
}

/// What the system is configured by. A change is in force at once, on every instance, for whatever is decided after it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct SystemConfiguration {
    /// Sessions and the base rate.
    pub mining: MiningConfiguration,
    /// What days in a row are worth.
    pub streak: StreakConfiguration,
    /// What bringing somebody is worth.
    pub referral: ReferralConfiguration,
}

impl From<InForce> for SystemConfiguration {
    fn from(in_force: InForce) -> Self {
        Self {
            mining: in_force.mining.into(),
            streak: in_force.streak.into(),
            referral: in_force.referral.into(),
        }
    }
}

#[ComplexObject]
impl SystemConfiguration {
    /// All versions of the section `mining`, newest first.
    async fn mining_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<MiningConfigurationConnection, ApiError>> {
        const LIST: &str = "mining configuration";
        let args = args(first, last, after, before);
        let slice = versions::<rules::MiningConfiguration, _>(ctx, LIST, &args).await;
        // Versions are numbered without a gap.
        let total = Total::Known(self.mining.version.into());
        Some(slice.map(|slice| MiningConfigurationConnection::new(LIST, slice, total)))
    }

    /// All versions of the section `streak`, newest first.
    async fn streak_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<StreakConfigurationConnection, ApiError>> {
        const LIST: &str = "streak configuration";
        let args = args(first, last, after, before);
        let slice = versions::<rules::StreakConfiguration, _>(ctx, LIST, &args).await;
        let total = Total::Known(self.streak.version.into());
        Some(slice.map(|slice| StreakConfigurationConnection::new(LIST, slice, total)))
    }

    /// All versions of the section `referral`, newest first.
    async fn referral_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<ReferralConfigurationConnection, ApiError>> {
        const LIST: &str = "referral configuration";
        let args = args(first, last, after, before);
        let slice = versions::<rules::ReferralConfiguration, _>(ctx, LIST, &args).await;
        let total = Total::Known(self.referral.version.into());
        Some(slice.map(|slice| ReferralConfigurationConnection::new(LIST, slice, total)))
    }
}

fn args(
    first: Option<i32>,
    last: Option<i32>,
    after: Option<String>,
    before: Option<String>,
) -> PageArgs {
    PageArgs {
        first,
        last,
        after,
        before,
        offset: None,
    }
}

/// A page of a section's versions. They are no edge of a list: the configuration is one object.
async fn versions<S, T>(
    ctx: &Context<'_>,
    list: &str,
    args: &PageArgs,
) -> Result<db::Slice<(i64, T)>, ApiError>
where
    S: Stored + Send + Sync + 'static,
    T: From<Version<S>>,
{
    let page = args.page::<i64>(list)?;
    let slice = ctx
        .db()
        .read(async move |conn| history::<S>(conn, &page).await)
        .await?;
    Ok(slice.map(|version| (version.number.into(), version.into())))
}
