//! Mining's commands.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use db::mining::commands;
use domain::access::{Action, Relation};
use domain::ids::{MinerId, SessionId};
use domain::money::Minor;

use super::objects::{Miner, MiningSession, MiningUserError, days};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::outcome::{outcome, payloads};
use crate::request::{Asked, authorize};
use crate::scalars::{DateTime, Decimal};

payloads!(MiningUserError:
    MinerRegisterPayload,
    MiningSessionStartPayload,
    MiningSessionClaimPayload,
    StreakRecoverPayload,
);

/// Mining's commands.
#[derive(Default)]
pub struct MiningMutation;

#[Object]
impl MiningMutation {
    /// Makes the caller a miner; who is one already keeps it. Requires: a signed-in user. Refusals:
    /// REFERRAL_CODE_UNKNOWN.
    async fn miner_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerRegisterInput,
    ) -> Option<Result<MinerRegisterPayload, ApiError>> {
        Some(register(ctx, input).await)
    }

    /// Starts a mining session at the present rate. Requires: a signed-in user. Refusals, in this order:
    /// MINER_NOT_FOUND, MINER_SUSPENDED, MINER_BANNED, MINING_DISABLED, SESSION_ACTIVE, SESSION_UNCLAIMED,
    /// DAILY_SESSION_LIMIT.
    async fn mining_session_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MiningSessionStartInput,
    ) -> Option<Result<MiningSessionStartPayload, ApiError>> {
        Some(start(ctx, input).await)
    }

    /// Claims the newest session: its reward and the milestones reached are in the wallet when this answers. Needs an
    /// idempotency key. Requires: a signed-in user. Refusals, in this order: MINER_NOT_FOUND, MINER_SUSPENDED,
    /// MINER_BANNED, SESSION_NOT_FOUND, SESSION_ALREADY_CLAIMED, SESSION_NOT_COMPLETE, SESSION_EXPIRED.
    async fn mining_session_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MiningSessionClaimInput,
    ) -> Option<Result<MiningSessionClaimPayload, ApiError>> {
        Some(claim(ctx, input).await)
    }

    /// Adds the streak that was broken to the present one, for `recoveryCost` points of the caller's wallet, within 7
    /// days of the start or claim that found it broken. Milestones reached by that are paid. Needs an idempotency key.
    /// Requires: a signed-in user. Refusals, in this order: MINER_NOT_FOUND, MINER_SUSPENDED, MINER_BANNED,
    /// STREAK_NOT_RECOVERABLE, STREAK_LATE, WALLET_FROZEN, INSUFFICIENT_POINTS.
    async fn streak_recover(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: StreakRecoverInput,
    ) -> Option<Result<StreakRecoverPayload, ApiError>> {
        Some(recover(ctx, input).await)
    }
}

/// What `minerRegister` needs.
#[derive(InputObject)]
pub struct MinerRegisterInput {
    /// The code of who brought the caller, if anybody did: 8 characters.
    pub referral_code: Option<String>,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `minerRegister` did.
#[derive(SimpleObject, Default)]
pub struct MinerRegisterPayload {
    /// The caller's miner; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn register(
    ctx: &Context<'_>,
    input: MinerRegisterInput,
) -> Result<MinerRegisterPayload, ApiError> {
    let person = authorize(
        ctx,
        Relation::Own,
        Action::MinerRegister,
        "mining.miner_register",
    )
    .await?
    .clone();
    let request = command(
        ctx,
        &input,
        input.idempotency_key.as_deref(),
        KeyRule::Optional,
    )?;
    let code = input.referral_code.filter(|code| !code.trim().is_empty());
    let answer = ctx
        .db()
        .write("mining.miner_register", async move |tx| {
            commands::miner_register(tx, &request, &person, code.as_deref()).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MinerRegisterPayload {
            // It is done: what can't be shown of it is null, and takes nothing else away.
            miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
            ..MinerRegisterPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `miningSessionStart` needs.
#[derive(InputObject)]
pub struct MiningSessionStartInput {
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `miningSessionStart` did.
#[derive(SimpleObject, Default)]
pub struct MiningSessionStartPayload {
    /// The session; null when refused.
    pub session: Option<Result<MiningSession, ApiError>>,
    /// Points an hour, fixed for the session; null when refused.
    pub hourly_rate: Option<Decimal>,
    /// When it is complete; null when refused.
    pub ends_at: Option<DateTime>,
    /// Days of the streak; null when refused.
    pub streak_days: Option<i32>,
    /// The caller's miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn start(
    ctx: &Context<'_>,
    input: MiningSessionStartInput,
) -> Result<MiningSessionStartPayload, ApiError> {
    let user = authorize(
        ctx,
        Relation::Own,
        Action::MiningSessionStart,
        "mining.session_start",
    )
    .await?
    .id;
    let request = command(
        ctx,
        &input,
        input.idempotency_key.as_deref(),
        KeyRule::Optional,
    )?;
    let answer = ctx
        .db()
        .write("mining.session_start", async move |tx| {
            commands::session_start(tx, &request, user).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => {
            let session = MiningSession::load(ctx, SessionId(done.session_id))
                .await
                .transpose();
            let shown = session.as_ref().and_then(|session| session.as_ref().ok());
            MiningSessionStartPayload {
                hourly_rate: shown.map(|session| session.hourly_rate),
                ends_at: shown.map(|session| session.ends_at),
                session,
                streak_days: Some(days(done.streak_days)),
                miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
                ..MiningSessionStartPayload::default()
            }
        }
        Err(refused) => refused,
    })
}

/// What `miningSessionClaim` needs.
#[derive(InputObject)]
pub struct MiningSessionClaimInput {
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters; needed here or as
    /// the header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// What `miningSessionClaim` did.
#[derive(SimpleObject, Default)]
pub struct MiningSessionClaimPayload {
    /// The session, paid; null when refused.
    pub session: Option<Result<MiningSession, ApiError>>,
    /// Its reward, in points; null when refused.
    pub points_earned: Option<Decimal>,
    /// Milestones paid with it, in points, 0 if none; null when refused.
    pub streak_bonus: Option<Decimal>,
    /// Lifetime points after; null when refused.
    pub total_points: Option<Decimal>,
    /// Days of the streak after; null when refused.
    pub streak_days: Option<i32>,
    /// The caller's miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn claim(
    ctx: &Context<'_>,
    input: MiningSessionClaimInput,
) -> Result<MiningSessionClaimPayload, ApiError> {
    let user = authorize(
        ctx,
        Relation::Own,
        Action::MiningSessionClaim,
        "mining.session_claim",
    )
    .await?
    .id;
    let request = command(
        ctx,
        &input,
        input.idempotency_key.as_deref(),
        KeyRule::Required,
    )?;
    let db = ctx.db().clone();
    let answer = ctx
        .db()
        .write("mining.session_claim", async move |tx| {
            commands::session_claim(tx, &db, &request, user).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MiningSessionClaimPayload {
            session: MiningSession::load(ctx, SessionId(done.session_id))
                .await
                .transpose(),
            points_earned: Some(Decimal::points(Minor(done.points_earned))),
            streak_bonus: Some(Decimal::points(Minor(done.streak_bonus))),
            total_points: Some(Decimal::points(Minor(done.total_points))),
            streak_days: Some(days(done.streak_days)),
            miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
            ..MiningSessionClaimPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `streakRecover` needs.
#[derive(InputObject)]
pub struct StreakRecoverInput {
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters. Required here or in
    /// the Idempotency-Key header.
    pub idempotency_key: Option<String>,
}

/// What `streakRecover` did.
#[derive(SimpleObject, Default)]
pub struct StreakRecoverPayload {
    /// Days of the run that was added; null when refused.
    pub recovered_days: Option<i32>,
    /// What it cost, in points; null when refused.
    pub cost: Option<Decimal>,
    /// Milestones paid with it, in points, 0 if none; null when refused.
    pub streak_bonus: Option<Decimal>,
    /// Lifetime points after: what is spent was mined all the same; null when refused.
    pub total_points: Option<Decimal>,
    /// Days of the streak after; null when refused.
    pub streak_days: Option<i32>,
    /// The caller's miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn recover(
    ctx: &Context<'_>,
    input: StreakRecoverInput,
) -> Result<StreakRecoverPayload, ApiError> {
    const NAME: &str = "mining.streak_recover";
    let user = authorize(ctx, Relation::Own, Action::StreakRecover, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Required)?;
    let db = ctx.db().clone();
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::streak_recover(tx, &db, &request, user).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => StreakRecoverPayload {
            recovered_days: Some(days(done.recovered_days)),
            cost: Some(Decimal::points(Minor(done.cost))),
            streak_bonus: Some(Decimal::points(Minor(done.streak_bonus))),
            total_points: Some(Decimal::points(Minor(done.total_points))),
            streak_days: Some(days(done.streak_days)),
            miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
            ..StreakRecoverPayload::default()
        },
        Err(refused) => refused,
    })
}
