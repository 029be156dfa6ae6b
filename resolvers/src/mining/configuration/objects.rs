//! Types of mining's sections.

use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject, Value};
use db::DbError;
use db::platform::configuration::{Change, StoredVersion, Version};
use domain::access::Action;
use domain::ids::UserId;
use domain::mining::{self as rules, MiningDraft, ReferralDraft, StreakDraft, TierDraft};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::abstracts::DynOutput;
use crate::eager::{Eager, Selected, eager, eager_values};
use crate::errors::ApiError;
use crate::mining::{bonus_rate, missing, per_hour, whole};
use crate::node::{AnyId, GlobalId, KeyPart, Node, NodeKey, NodeType};
use crate::platform::audit::Entity;
use crate::platform::configuration::Sections;
use crate::platform::loaders::{InForce, PlatformLoader};
use crate::platform::users::User;
use crate::request::OperationContext;
use crate::scalars::{DateTime, Decimal};

/// Number of a version of a section.
#[derive(Clone, Copy, Debug)]
pub struct VersionKey(i32);

impl From<i32> for VersionKey {
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl NodeKey for VersionKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(self.0.to_string())
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Declares what the versions of all sections have in common.
macro_rules! versions {
    ($($type:ident($kind:literal, $section:literal, $rules:ty);)+) => {$(
        impl TryFrom<StoredVersion> for $type {
            type Error = DbError;

            fn try_from(stored: StoredVersion) -> Result<Self, DbError> {
                Ok(Self::from(stored.read::<$rules>()?))
            }
        }

        #[ComplexObject]
        impl $type {
            /// Person who made the change; null for the version the platform started with.
            async fn updated_by(&self, ctx: &Context<'_>) -> Option<Result<User, ApiError>> {
                let id = Uuid::try_parse(&self.updated_by_id).ok()?;
                User::load(ctx, UserId(id)).await.transpose()
            }
        }

        impl NodeType for $type {
            const KIND: &'static str = $kind;
            type Key = VersionKey;

            async fn load(ctx: &Context<'_>, key: VersionKey) -> Result<Option<Self>, ApiError> {
                if !ctx.may(Action::ConfigurationRead, false) {
                    return Ok(None);
                }
                let key = ($section.to_owned(), key.0);
                let stored = ctx.loader::<PlatformLoader>().load_one(key).await?;
                Ok(stored.map(Self::try_from).transpose()?)
            }
        }
    )+};
}

versions! {
    MiningConfiguration("MiningConfiguration", "mining", rules::MiningConfiguration);
    StreakConfiguration("StreakConfiguration", "streak", rules::StreakConfiguration);
    ReferralConfiguration("ReferralConfiguration", "referral", rules::ReferralConfiguration);
}

/// Version of the section `mining`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MiningConfiguration {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Points an hour before any bonus.
    pub base_rate: Decimal,
    /// Hours before a freed place in a circle can be filled and before a former member can join one.
    pub circle_cooldown_hours: i32,
    /// Hours in which a completed session can be claimed.
    pub claim_window_hours: i32,
    /// Whether sessions can be started. While off, neither streaks nor claim windows run.
    pub is_globally_enabled: bool,
    /// Sessions a miner can start per UTC day.
    pub max_sessions_per_day: i32,
    /// Reason for the change, 1 to 500 characters.
    pub reason: String,
    /// Length of a session in hours.
    pub session_duration_hours: i32,
    /// Time the version came into force.
    pub updated_at: DateTime,
    /// Number of the version, from 1 without gaps; the highest is in force.
    pub version: i32,
    #[graphql(skip)]
    updated_by_id: String,
}

eager! {
    MiningConfiguration, id, base_rate, circle_cooldown_hours, claim_window_hours, is_globally_enabled,
    max_sessions_per_day, reason, session_duration_hours, updated_at, version
}

impl From<Version<rules::MiningConfiguration>> for MiningConfiguration {
    fn from(of: Version<rules::MiningConfiguration>) -> Self {
        Self {
            id: GlobalId::of::<Self>(&of.number.into()),
            base_rate: per_hour(of.settings.base_rate),
            circle_cooldown_hours: whole(of.settings.circle_cooldown_hours),
            claim_window_hours: whole(of.settings.claim_window_hours),
            is_globally_enabled: of.settings.is_globally_enabled,
            max_sessions_per_day: whole(of.settings.max_sessions_per_day),
            reason: of.reason,
            session_duration_hours: whole(of.settings.session_duration_hours),
            updated_at: of.updated_at.into(),
            version: of.number,
            updated_by_id: of.updated_by,
        }
    }
}

/// Version of the section `streak`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct StreakConfiguration {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Days of a run that earn one freeze token.
    pub freeze_token_days: i32,
    /// Whether one late claim in a row is forgiven.
    pub grace_period_enabled: bool,
    /// Hours a forgiven claim may be late.
    pub grace_period_hours: i32,
    /// Reason for the change, 1 to 500 characters.
    pub reason: String,
    /// Price of recovering a broken streak in points.
    pub recovery_cost: Decimal,
    /// Tiers from day 1 without gap or overlap, ascending; the last has no end.
    pub tiers: Vec<StreakTier>,
    /// Time the version came into force.
    pub updated_at: DateTime,
    /// Number of the version, from 1 without gaps; the highest is in force.
    pub version: i32,
    #[graphql(skip)]
    updated_by_id: String,
}

impl Eager for StreakConfiguration {
    eager_values! {
        id, freeze_token_days, grace_period_enabled, grace_period_hours, reason, recovery_cost, updated_at, version
    }

    fn child(&self, field: &str, selected: &Selected<'_>) -> Option<Value> {
        (field == "tiers")
            .then(|| selected.of_all(&self.tiers))
            .flatten()
    }
}

impl From<Version<rules::StreakConfiguration>> for StreakConfiguration {
    fn from(of: Version<rules::StreakConfiguration>) -> Self {
        Self {
            id: GlobalId::of::<Self>(&of.number.into()),
            freeze_token_days: whole(of.settings.freeze_token_days),
            grace_period_enabled: of.settings.grace_period_enabled,
            grace_period_hours: whole(of.settings.grace_period_hours),
            reason: of.reason,
            recovery_cost: Decimal::points(of.settings.recovery_cost),
            tiers: of.settings.tiers.iter().map(StreakTier::from).collect(),
            updated_at: of.updated_at.into(),
            version: of.number,
            updated_by_id: of.updated_by,
        }
    }
}

/// Tier of the streak bonus.
#[derive(SimpleObject)]
pub struct StreakTier {
    /// Name of the badge, 1 to 50 characters; null for a tier without one.
    pub badge_name: Option<String>,
    /// Bonus of the tier as a fraction: `"0.2500"` is 25 %.
    pub bonus_rate: Decimal,
    /// Last day of the tier; null for the last tier.
    pub max_days: Option<i32>,
    /// Points paid once per streak when it reaches `minDays`.
    pub milestone_points: Decimal,
    /// First day of the tier, from 1.
    pub min_days: i32,
}

eager! { StreakTier, badge_name, bonus_rate, max_days, milestone_points, min_days }

impl From<&rules::StreakTier> for StreakTier {
    fn from(tier: &rules::StreakTier) -> Self {
        Self {
            badge_name: tier.badge_name.clone(),
            bonus_rate: bonus_rate(tier.bonus),
            max_days: tier.max_days.map(whole),
            milestone_points: Decimal::points(tier.milestone),
            min_days: whole(tier.min_days),
        }
    }
}

/// Version of the section `referral`.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReferralConfiguration {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Bonus of one active referral as a fraction.
    pub bonus_rate: Decimal,
    /// Whether a referral becomes active only with the referred person's KYC.
    pub kyc_required: bool,
    /// Upper bound of all referral bonuses together as a fraction.
    pub max_bonus_rate: Decimal,
    /// Levels of referrals that earn a bonus.
    pub max_referral_levels: i32,
    /// Reason for the change, 1 to 500 characters.
    pub reason: String,
    /// Time the version came into force.
    pub updated_at: DateTime,
    /// Number of the version, from 1 without gaps; the highest is in force.
    pub version: i32,
    #[graphql(skip)]
    updated_by_id: String,
}

eager! {
    ReferralConfiguration, id, bonus_rate, kyc_required, max_bonus_rate, max_referral_levels, reason, updated_at,
    version
}

impl From<Version<rules::ReferralConfiguration>> for ReferralConfiguration {
    fn from(of: Version<rules::ReferralConfiguration>) -> Self {
        Self {
            id: GlobalId::of::<Self>(&of.number.into()),
            bonus_rate: bonus_rate(of.settings.bonus_per_referral),
            kyc_required: of.settings.kyc_required,
            max_bonus_rate: bonus_rate(of.settings.max_bonus),
            max_referral_levels: whole(rules::ReferralConfiguration::LEVELS),
            reason: of.reason,
            updated_at: of.updated_at.into(),
            version: of.number,
            updated_by_id: of.updated_by,
        }
    }
}

/// Mining's sections of `SystemConfiguration`, each in the version in force.
#[derive(Default)]
pub struct MiningSections;

#[Object]
impl MiningSections {
    /// Sessions, base rate and circles.
    async fn mining(&self, ctx: &Context<'_>) -> Option<Result<MiningConfiguration, ApiError>> {
        Some(in_force(ctx, "mining").await)
    }

    /// Referral bonus.
    async fn referral(&self, ctx: &Context<'_>) -> Option<Result<ReferralConfiguration, ApiError>> {
        Some(in_force(ctx, "referral").await)
    }

    /// Streak bonus and recovery.
    async fn streak(&self, ctx: &Context<'_>) -> Option<Result<StreakConfiguration, ApiError>> {
        Some(in_force(ctx, "streak").await)
    }
}

/// The version of a section that is in force, for callers who may see it.
pub(super) async fn in_force<T: TryFrom<StoredVersion, Error = DbError>>(
    ctx: &Context<'_>,
    section: &'static str,
) -> Result<T, ApiError> {
    let stored = ctx
        .loader::<PlatformLoader>()
        .load_one(InForce(section))
        .await?;
    Ok(T::try_from(stored.ok_or_else(|| missing("the section"))?)?)
}

/// Sections in the audit log, whose entries name them without a version.
pub(in crate::mining) const ENTITY: Entity = Entity::custom(
    "configuration",
    |ctx, section| {
        async move {
            if !ctx.may(Action::ConfigurationRead, false) {
                return Ok(None);
            }
            let known = ["mining", "streak", "referral"].into_iter();
            let Some(section) = { known }.find(|known| *known == section) else {
                return Ok(None);
            };
            let stored = ctx
                .loader::<PlatformLoader>()
                .load_one(InForce(section))
                .await?;
            let stored = stored.ok_or_else(|| missing("the section"))?;
            let sections: &Sections = ctx.registered();
            let shown: Box<dyn DynOutput> = sections.show(stored)?;
            Ok(Some(Node::new(shown)))
        }
        .boxed()
    },
    |id: &AnyId| {
        let section = match id.kind.as_str() {
            MiningConfiguration::KIND => "mining",
            StreakConfiguration::KIND => "streak",
            ReferralConfiguration::KIND => "referral",
            _ => return None,
        };
        Some(section.to_owned())
    },
);

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
    /// Name of the badge, 1 to 50 characters; null for a tier without one.
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
