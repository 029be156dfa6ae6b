//! The platform's commands: what the system is configured by.

use async_graphql::{Context, InputObject, InputType, Object, SimpleObject};
use db::configuration::{
    Change, Changes, Draft, Stored, UPDATE_ALL, Version, update, update_all, version,
};
use db::idempotency::Request;
use domain::access::{Action, Relation};
use domain::mining::{MiningDraft, ReferralDraft, StreakDraft, TierDraft};
use domain::wallets::Origin;

use super::configuration::{MiningConfiguration, ReferralConfiguration, StreakConfiguration};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::mining::objects::MiningUserError;
use crate::outcome::{Payload, outcome, payloads};
use crate::request::{Asked, authorize};
use crate::scalars::Decimal;

payloads!(MiningUserError: SystemConfigurationUpdatePayload);

/// The platform's commands.
#[derive(Default)]
pub struct PlatformMutation;

#[Object]
impl PlatformMutation {
    /// Sets all of the section `mining`, in force at once; running sessions keep their rate and length. Requires role:
    /// ADMIN. Refusals, in this order: REASON_INVALID, SETTING_OUT_OF_RANGE or SETTING_TOO_FINE for the first field,
    /// CONFIGURATION_STALE.
    async fn mining_configuration_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MiningConfigurationUpdateInput,
    ) -> Option<Result<MiningConfigurationUpdatePayload, ApiError>> {
        Some(set_mining(ctx, input).await)
    }

    /// Sets all of the section `streak`, in force at once, also for runs that go on. Requires role: ADMIN. Refusals, in
    /// this order: REASON_INVALID, then for the first field TIER_COUNT, BADGE_NAME_INVALID, SETTING_OUT_OF_RANGE,
    /// SETTING_TOO_FINE or TIERS_NOT_CONTIGUOUS, then CONFIGURATION_STALE.
    async fn streak_configuration_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: StreakConfigurationUpdateInput,
    ) -> Option<Result<StreakConfigurationUpdatePayload, ApiError>> {
        Some(set_streak(ctx, input).await)
    }

    /// Sets all of the section `referral`, in force at once; referrals that were applied keep their bonus. Requires
    /// role: ADMIN. Refusals, in this order: REASON_INVALID, SETTING_OUT_OF_RANGE or SETTING_TOO_FINE for the first
    /// field, REFERRAL_LEVELS_UNSUPPORTED, CONFIGURATION_STALE.
    async fn referral_configuration_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: ReferralConfigurationUpdateInput,
    ) -> Option<Result<ReferralConfigurationUpdatePayload, ApiError>> {
        Some(set_referral(ctx, input).await)
    }

    /// Sets several sections at once, all of them or none, in force as by their own commands. Requires role: ADMIN.
    /// Refusals, in this order: REASON_INVALID, NOTHING_TO_CHANGE, then those of `miningConfigurationUpdate`,
    /// `streakConfigurationUpdate` and `referralConfigurationUpdate` for the sections that are given, with paths that
    /// begin with the section: SETTING_OUT_OF_RANGE, SETTING_TOO_FINE, TIER_COUNT, BADGE_NAME_INVALID,
    /// TIERS_NOT_CONTIGUOUS, REFERRAL_LEVELS_UNSUPPORTED, CONFIGURATION_STALE.
    async fn system_configuration_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: SystemConfigurationUpdateInput,
    ) -> Option<Result<SystemConfigurationUpdatePayload, ApiError>> {
        Some(set_all(ctx, input).await)
    }
}

/// What the section `mining` is to be: all of it.
#[derive(InputObject)]
pub struct MiningConfigurationDraftInput {
    /// Points an hour before any bonus: 0.0001 to 1000, 4 decimals at most.
    pub base_rate: Decimal,
    /// Length of a session: 1 to 168 hours.
    pub session_duration_hours: i32,
    /// Sessions a miner may start a UTC day: 1 to 24.
    pub max_sessions_per_day: i32,
    /// Whether anybody can start a session. While nobody can, neither streaks nor claim windows run.
    pub is_globally_enabled: bool,
    /// How long a complete session can be claimed: 1 to 8760 hours.
    pub claim_window_hours: i32,
    /// How long a place of a circle that falls free, and who left one, wait before the next time: 0 to 8760 hours. Left
    /// out, it stays as it is.
    pub circle_cooldown_hours: Option<i32>,
    /// The version that is changed: it must be the one in force.
    pub version: i32,
}

/// What `miningConfigurationUpdate` needs: the whole section.
#[derive(InputObject)]
pub struct MiningConfigurationUpdateInput {
    /// The section.
    #[graphql(flatten)]
    pub section: MiningConfigurationDraftInput,
    /// Why: 1 to 500 characters, for the history and the audit log.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `miningConfigurationUpdate` did.
#[derive(SimpleObject, Default)]
pub struct MiningConfigurationUpdatePayload {
    /// The section's new version; null when refused.
    pub configuration: Option<Result<MiningConfiguration, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

impl From<MiningConfigurationDraftInput> for Change<MiningDraft> {
    fn from(section: MiningConfigurationDraftInput) -> Self {
        let draft = MiningDraft {
            base_rate: section.base_rate.0,
            session_duration_hours: section.session_duration_hours,
            max_sessions_per_day: section.max_sessions_per_day,
            is_globally_enabled: section.is_globally_enabled,
            claim_window_hours: section.claim_window_hours,
            circle_cooldown_hours: section.circle_cooldown_hours,
        };
        let version = section.version;
        Self { draft, version }
    }
}

async fn set_mining(
    ctx: &Context<'_>,
    input: MiningConfigurationUpdateInput,
) -> Result<MiningConfigurationUpdatePayload, ApiError> {
    let request = admit(
        ctx,
        MiningDraft::COMMAND,
        &input,
        input.idempotency_key.as_deref(),
    )
    .await?;
    let (change, reason) = (Change::from(input.section), input.reason);
    let (configuration, user_errors) = set(ctx, request, change, reason).await?;
    Ok(MiningConfigurationUpdatePayload {
        configuration,
        user_errors,
    })
}

/// What the section `streak` is to be: all of it.
#[derive(InputObject)]
pub struct StreakConfigurationDraftInput {
    /// Ascending from day 1 without a gap or an overlap, the last without an end; 1 to 50.
    pub tiers: Vec<StreakTierInput>,
    /// Whether one late claim is forgiven.
    pub grace_period_enabled: bool,
    /// How late it may be: 0 to 168 hours.
    pub grace_period_hours: i32,
    /// What recovering a broken streak costs: 0 to 1000000 points, 4 decimals at most.
    pub recovery_cost: Decimal,
    /// A run earns one freeze token each so many days: 1 to 365.
    pub freeze_token_days: i32,
    /// The version that is changed: it must be the one in force.
    pub version: i32,
}

/// What `streakConfigurationUpdate` needs: the whole section.
#[derive(InputObject)]
pub struct StreakConfigurationUpdateInput {
    /// The section.
    #[graphql(flatten)]
    pub section: StreakConfigurationDraftInput,
    /// Why: 1 to 500 characters, for the history and the audit log.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// One step of the streak's bonus.
#[derive(InputObject)]
pub struct StreakTierInput {
    /// First day: 1 for the first tier, else the day after the tier before ends.
    pub min_days: i32,
    /// Last day; null for the last tier, and for no other.
    pub max_days: Option<i32>,
    /// What it adds to the rate, as a share from 0 to 10: `"0.25"` is 25 %. 4 decimals at most.
    pub bonus_percent: Decimal,
    /// What people see beside the name: 1 to 50 characters; null without a badge.
    pub badge_name: Option<String>,
    /// Paid once a run on reaching the first day: 0 to 1000000 points, 4 decimals at most.
    pub milestone_mp_bonus: Decimal,
}

/// What `streakConfigurationUpdate` did.
#[derive(SimpleObject, Default)]
pub struct StreakConfigurationUpdatePayload {
    /// The section's new version; null when refused.
    pub configuration: Option<Result<StreakConfiguration, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

impl From<StreakConfigurationDraftInput> for Change<StreakDraft> {
    fn from(section: StreakConfigurationDraftInput) -> Self {
        let tier = |tier: StreakTierInput| TierDraft {
            min_days: tier.min_days,
            max_days: tier.max_days,
            bonus: tier.bonus_percent.0,
            badge_name: tier.badge_name,
            milestone: tier.milestone_mp_bonus.0,
        };
        let draft = StreakDraft {
            tiers: section.tiers.into_iter().map(tier).collect(),
            grace_period_enabled: section.grace_period_enabled,
            grace_period_hours: section.grace_period_hours,
            recovery_cost: section.recovery_cost.0,
            freeze_token_days: section.freeze_token_days,
        };
        let version = section.version;
        Self { draft, version }
    }
}

async fn set_streak(
    ctx: &Context<'_>,
    input: StreakConfigurationUpdateInput,
) -> Result<StreakConfigurationUpdatePayload, ApiError> {
    let request = admit(
        ctx,
        StreakDraft::COMMAND,
        &input,
        input.idempotency_key.as_deref(),
    )
    .await?;
    let (change, reason) = (Change::from(input.section), input.reason);
    let (configuration, user_errors) = set(ctx, request, change, reason).await?;
    Ok(StreakConfigurationUpdatePayload {
        configuration,
        user_errors,
    })
}

/// What the section `referral` is to be: all of it.
#[derive(InputObject)]
pub struct ReferralConfigurationDraftInput {
    /// What a referral applied from now on adds to its referrer's rate, as a share from 0 to 10: `"0.25"` is 25 %. 4
    /// decimals at most.
    pub bonus_per_referral: Decimal,
    /// What all of a miner's active referrals may add together, as a share from 0 to 10. 4 decimals at most.
    pub max_bonus_cap: Decimal,
    /// Whether a referral waits for the referred person's KYC. Concerns those made from then on: one that waits goes on.
    pub kyc_required: bool,
    /// How many levels of referrals count: only 1 is supported.
    pub max_referral_levels: i32,
    /// The version that is changed: it must be the one in force.
    pub version: i32,
}

/// What `referralConfigurationUpdate` needs: the whole section.
#[derive(InputObject)]
pub struct ReferralConfigurationUpdateInput {
    /// The section.
    #[graphql(flatten)]
    pub section: ReferralConfigurationDraftInput,
    /// Why: 1 to 500 characters, for the history and the audit log.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `referralConfigurationUpdate` did.
#[derive(SimpleObject, Default)]
pub struct ReferralConfigurationUpdatePayload {
    /// The section's new version; null when refused.
    pub configuration: Option<Result<ReferralConfiguration, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

impl From<ReferralConfigurationDraftInput> for Change<ReferralDraft> {
    fn from(section: ReferralConfigurationDraftInput) -> Self {
        let draft = ReferralDraft {
            bonus_per_referral: section.bonus_per_referral.0,
            max_bonus: section.max_bonus_cap.0,
            kyc_required: section.kyc_required,
            max_referral_levels: section.max_referral_levels,
        };
        let version = section.version;
        Self { draft, version }
    }
}

async fn set_referral(
    ctx: &Context<'_>,
    input: ReferralConfigurationUpdateInput,
) -> Result<ReferralConfigurationUpdatePayload, ApiError> {
    let request = admit(
        ctx,
        ReferralDraft::COMMAND,
        &input,
        input.idempotency_key.as_deref(),
    )
    .await?;
    let (change, reason) = (Change::from(input.section), input.reason);
    let (configuration, user_errors) = set(ctx, request, change, reason).await?;
    Ok(ReferralConfigurationUpdatePayload {
        configuration,
        user_errors,
    })
}

/// What `systemConfigurationUpdate` needs: the sections that change, each of them whole.
#[derive(InputObject)]
pub struct SystemConfigurationUpdateInput {
    /// The section `mining`; left out, it stays as it is.
    pub mining: Option<MiningConfigurationDraftInput>,
    /// The section `streak`; left out, it stays as it is.
    pub streak: Option<StreakConfigurationDraftInput>,
    /// The section `referral`; left out, it stays as it is.
    pub referral: Option<ReferralConfigurationDraftInput>,
    /// Why: 1 to 500 characters, for the histories and the audit log.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `systemConfigurationUpdate` did.
#[derive(SimpleObject, Default)]
pub struct SystemConfigurationUpdatePayload {
    /// The new version of the section `mining`; null when it was not given, or anything was refused.
    pub mining: Option<Result<MiningConfiguration, ApiError>>,
    /// The new version of the section `streak`; null when it was not given, or anything was refused.
    pub streak: Option<Result<StreakConfiguration, ApiError>>,
    /// The new version of the section `referral`; null when it was not given, or anything was refused.
    pub referral: Option<Result<ReferralConfiguration, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn set_all(
    ctx: &Context<'_>,
    input: SystemConfigurationUpdateInput,
) -> Result<SystemConfigurationUpdatePayload, ApiError> {
    let request = admit(ctx, UPDATE_ALL, &input, input.idempotency_key.as_deref()).await?;
    let changes = Changes {
        mining: input.mining.map(Change::from),
        streak: input.streak.map(Change::from),
        referral: input.referral.map(Change::from),
        reason: input.reason,
    };
    let answer = ctx
        .db()
        .write(UPDATE_ALL, async move |tx| {
            update_all(tx, &request, &changes).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => SystemConfigurationUpdatePayload {
            mining: stored(ctx, done.mining).await,
            streak: stored(ctx, done.streak).await,
            referral: stored(ctx, done.referral).await,
            user_errors: Vec::new(),
        },
        Err(refused) => refused,
    })
}

/// Lets the caller change what the system is configured by, or audits that they may not.
async fn admit<I: InputType>(
    ctx: &Context<'_>,
    operation: &'static str,
    input: &I,
    key: Option<&str>,
) -> Result<Request, ApiError> {
    authorize(
        ctx,
        Relation::Others,
        Action::ConfigurationUpdate,
        operation,
    )
    .await?;
    Ok(Request {
        origin: Origin::Staff,
        ..command(ctx, input, key, KeyRule::Optional)?
    })
}

/// What a payload shows: the new version, or why there is none.
type Shown<T> = (Option<Result<T, ApiError>>, Vec<MiningUserError>);

impl<T> Payload for Shown<T> {
    type Error = MiningUserError;

    fn refused(error: MiningUserError) -> Self {
        (None, vec![error])
    }
}

async fn set<D: Draft, T: From<Version<D::Section>>>(
    ctx: &Context<'_>,
    request: Request,
    change: Change<D>,
    reason: String,
) -> Result<Shown<T>, ApiError> {
    let answer = ctx
        .db()
        .write(D::COMMAND, async move |tx| {
            update(tx, &request, &change, &reason).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => (stored(ctx, Some(done.version)).await, Vec::new()),
        Err(refused) => refused,
    })
}

/// A version that was stored just now. It is done: what can't be shown of it is null, and takes nothing else away.
async fn stored<S: Stored + Send + 'static, T: From<Version<S>>>(
    ctx: &Context<'_>,
    number: Option<i32>,
) -> Option<Result<T, ApiError>> {
    let number = number?;
    let found = ctx
        .db()
        .read(async move |conn| version::<S>(conn, number).await)
        .await;
    found
        .map(|version| version.map(T::from))
        .map_err(ApiError::from)
        .transpose()
}
