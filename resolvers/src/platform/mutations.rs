//! The platform's commands: what the system is configured by.

use async_graphql::{Context, InputObject, InputType, Object, SimpleObject};
use db::configuration::{Change, Draft, Version, update, version};
use db::idempotency::Request;
use domain::access::{Action, Relation};
use domain::mining::{MiningDraft, ReferralDraft, StreakDraft, TierDraft};
use domain::wallets::Origin;

use super::configuration::{MiningConfiguration, ReferralConfiguration, StreakConfiguration};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::mining::mutations::outcome;
use crate::mining::objects::MiningUserError;
use crate::request::{Asked, authorize};
use crate::scalars::Decimal;

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
}

/// What `miningConfigurationUpdate` needs: the whole section.
#[derive(InputObject)]
pub struct MiningConfigurationUpdateInput {
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

async fn set_mining(
    ctx: &Context<'_>,
    input: MiningConfigurationUpdateInput,
) -> Result<MiningConfigurationUpdatePayload, ApiError> {
    let request = admit::<MiningDraft, _>(ctx, &input, input.idempotency_key.as_deref()).await?;
    let draft = MiningDraft {
        base_rate: input.base_rate.0,
        session_duration_hours: input.session_duration_hours,
        max_sessions_per_day: input.max_sessions_per_day,
        is_globally_enabled: input.is_globally_enabled,
        claim_window_hours: input.claim_window_hours,
        circle_cooldown_hours: input.circle_cooldown_hours,
    };
    let (version, reason) = (input.version, input.reason);
    let change = Change {
        draft,
        version,
        reason,
    };
    let (configuration, user_errors) = set(ctx, request, change).await?;
    Ok(MiningConfigurationUpdatePayload {
        configuration,
        user_errors,
    })
}

/// What `streakConfigurationUpdate` needs: the whole section.
#[derive(InputObject)]
pub struct StreakConfigurationUpdateInput {
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

async fn set_streak(
    ctx: &Context<'_>,
    input: StreakConfigurationUpdateInput,
) -> Result<StreakConfigurationUpdatePayload, ApiError> {
    let request = admit::<StreakDraft, _>(ctx, &input, input.idempotency_key.as_deref()).await?;
    let tier = |tier: StreakTierInput| TierDraft {
        min_days: tier.min_days,
        max_days: tier.max_days,
        bonus: tier.bonus_percent.0,
        badge_name: tier.badge_name,
        milestone: tier.milestone_mp_bonus.0,
    };
    let draft = StreakDraft {
        tiers: input.tiers.into_iter().map(tier).collect(),
        grace_period_enabled: input.grace_period_enabled,
        grace_period_hours: input.grace_period_hours,
        recovery_cost: input.recovery_cost.0,
        freeze_token_days: input.freeze_token_days,
    };
    let (version, reason) = (input.version, input.reason);
    let change = Change {
        draft,
        version,
        reason,
    };
    let (configuration, user_errors) = set(ctx, request, change).await?;
    Ok(StreakConfigurationUpdatePayload {
        configuration,
        user_errors,
    })
}

/// What `referralConfigurationUpdate` needs: the whole section.
#[derive(InputObject)]
pub struct ReferralConfigurationUpdateInput {
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

async fn set_referral(
    ctx: &Context<'_>,
    input: ReferralConfigurationUpdateInput,
) -> Result<ReferralConfigurationUpdatePayload, ApiError> {
    let request = admit::<ReferralDraft, _>(ctx, &input, input.idempotency_key.as_deref()).await?;
    let draft = ReferralDraft {
        bonus_per_referral: input.bonus_per_referral.0,
        max_bonus: input.max_bonus_cap.0,
        kyc_required: input.kyc_required,
        max_referral_levels: input.max_referral_levels,
    };
    let (version, reason) = (input.version, input.reason);
    let change = Change {
        draft,
        version,
        reason,
    };
    let (configuration, user_errors) = set(ctx, request, change).await?;
    Ok(ReferralConfigurationUpdatePayload {
        configuration,
        user_errors,
    })
}

/// Lets the caller change a section, or audits that they may not.
async fn admit<D: Draft, I: InputType>(
    ctx: &Context<'_>,
    input: &I,
    key: Option<&str>,
) -> Result<Request, ApiError> {
    authorize(
        ctx,
        Relation::Others,
        Action::ConfigurationUpdate,
        D::COMMAND,
    )
    .await?;
    Ok(Request {
        origin: Origin::Staff,
        ..command(ctx, input, key, KeyRule::Optional)?
    })
}

/// What a payload shows: the new version, or why there is none.
type Shown<T> = (Option<Result<T, ApiError>>, Vec<MiningUserError>);

async fn set<D: Draft, T: From<Version<D::Section>>>(
    ctx: &Context<'_>,
    request: Request,
    change: Change<D>,
) -> Result<Shown<T>, ApiError> {
    let answer = ctx
        .db()
        .write(D::COMMAND, async move |tx| {
            update(tx, &request, &change).await
        })
        .await?;
    Ok(match outcome(ctx, answer) {
        Ok(done) => {
            let stored = ctx
                .db()
                .read(async move |conn| version::<D::Section>(conn, done.version).await)
                .await;
            // It is done: what can't be shown of it is null, and takes nothing else away.
            let shown = stored
                .map(|version| version.map(T::from))
                .map_err(ApiError::from);
            (shown.transpose(), Vec::new())
        }
        Err(refused) => (None, vec![refused?]),
    })
}
