//! What administrators decide about a miner.

use async_graphql::{Context, Enum, InputObject, InputType, Object, SimpleObject};
use db::idempotency::Request;
use db::mining::commands::{self, MinerDecided, MinerDecision, MinerRef, PointsAdjusted};
use domain::access::{Action, Relation};
use domain::ids::{ApprovalId, MinerId, UserId};
use domain::mining::RoleChange;
use domain::money::{CurrencyCode, Minor};
use domain::wallets::Origin;

use super::objects::{Miner, MinerBy, MiningUserError};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::node::GlobalId;
use crate::outcome::{outcome, payloads};
use crate::platform::approvals::Approval;
use crate::request::{Asked, authorize};
use crate::scalars::Decimal;
use crate::wallets::objects::Wallet;

payloads!(MiningUserError:
    MinerSuspendPayload,
    MinerRestorePayload,
    MinerBanPayload,
    MinerResetStreakPayload,
    MinerSetRolePayload,
    MinerAdjustPointsPayload,
);

/// What administrators decide about miners.
#[derive(Default)]
pub struct MinerDecisionMutation;

#[Object]
impl MinerDecisionMutation {
    /// Suspends a miner: no start and no claim until it is restored, and the referral that brought it stops counting for
    /// who brought it. A session that runs goes on to its end. Requires role: ADMIN. Refusals, in this order: REASON_INVALID, NOT_FOUND,
    /// OWN_ACCOUNT, MINER_SUSPENDED, MINER_BANNED.
    async fn miner_suspend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerSuspendInput,
    ) -> Option<Result<MinerSuspendPayload, ApiError>> {
        Some(suspend(ctx, input).await)
    }

    /// Restores a suspended miner. The time of the suspension counts against neither its streak, nor the claim window of
    /// its session, nor the time to recover a streak; the referral that brought it counts again. Requires role: ADMIN.
    /// Refusals, in this order: REASON_INVALID, NOT_FOUND, OWN_ACCOUNT, MINER_NOT_SUSPENDED, MINER_BANNED.
    async fn miner_restore(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerRestoreInput,
    ) -> Option<Result<MinerRestorePayload, ApiError>> {
        Some(restore(ctx, input).await)
    }

    /// Bans a miner for good: its open session expires, its invitations are taken back, it leaves its circle or, as the
    /// owner, ends it; the referral that brought it stops counting, its code is dead, and nothing leaves its person's
    /// wallets any more. Requires role: ADMIN. Refusals, in this order: REASON_INVALID, NOT_FOUND, OWN_ACCOUNT,
    /// MINER_BANNED.
    async fn miner_ban(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerBanInput,
    ) -> Option<Result<MinerBanPayload, ApiError>> {
        Some(ban(ctx, input).await)
    }

    /// Sets a miner's streak to 0 days for good: neither this run nor the one before can be recovered, and the next one
    /// is paid its milestones anew. Freeze tokens, the longest streak and all points stay. Requires role: ADMIN.
    /// Refusals, in this order: REASON_INVALID, NOT_FOUND, OWN_ACCOUNT, MINER_BANNED, STREAK_NOT_FOUND.
    async fn miner_reset_streak(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerResetStreakInput,
    ) -> Option<Result<MinerResetStreakPayload, ApiError>> {
        Some(reset_streak(ctx, input).await)
    }

    /// Grants or withdraws the role NODE_OPERATOR; without it the role is the highest that facts give. Rates follow with
    /// the next session. Requires role: ADMIN. Refusals, in this order: REASON_INVALID, NOT_FOUND, OWN_ACCOUNT, MINER_BANNED,
    /// ROLE_UNCHANGED.
    async fn miner_set_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerSetRoleInput,
    ) -> Option<Result<MinerSetRolePayload, ApiError>> {
        Some(set_role(ctx, input).await)
    }

    /// Corrects a miner's points, up or down, in its wallet too. More than 1,000 points wait for a second person:
    /// `approval` is what they wait for. Needs an idempotency key. Requires role: ADMIN. Refusals, in this order:
    /// REASON_INVALID, NOT_FOUND, POINTS_INVALID, OWN_ACCOUNT, MINER_BANNED, WALLET_FROZEN, INSUFFICIENT_POINTS.
    async fn miner_adjust_points(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: MinerAdjustPointsInput,
    ) -> Option<Result<MinerAdjustPointsPayload, ApiError>> {
        Some(adjust_points(ctx, input).await)
    }
}

/// What `minerSuspend` needs.
#[derive(InputObject)]
pub struct MinerSuspendInput {
    /// Which miner.
    pub miner: MinerBy,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `minerSuspend` did.
#[derive(SimpleObject, Default)]
pub struct MinerSuspendPayload {
    /// The miner, suspended; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn suspend(
    ctx: &Context<'_>,
    input: MinerSuspendInput,
) -> Result<MinerSuspendPayload, ApiError> {
    const NAME: &str = "mining.miner_suspend";
    let by = authorize(ctx, Relation::Others, Action::MinerSuspend, NAME)
        .await?
        .id;
    let request = request(ctx, &input, input.idempotency_key.as_deref())?;
    let decision = decision(input.miner, input.reason, by)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::miner_suspend(tx, &request, &decision).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MinerSuspendPayload {
            miner: decided(ctx, &done).await,
            ..MinerSuspendPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `minerRestore` needs.
#[derive(InputObject)]
pub struct MinerRestoreInput {
    /// Which miner.
    pub miner: MinerBy,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `minerRestore` did.
#[derive(SimpleObject, Default)]
pub struct MinerRestorePayload {
    /// The miner, active again; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn restore(
    ctx: &Context<'_>,
    input: MinerRestoreInput,
) -> Result<MinerRestorePayload, ApiError> {
    const NAME: &str = "mining.miner_restore";
    let by = authorize(ctx, Relation::Others, Action::MinerRestore, NAME)
        .await?
        .id;
    let request = request(ctx, &input, input.idempotency_key.as_deref())?;
    let decision = decision(input.miner, input.reason, by)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::miner_restore(tx, &request, &decision).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MinerRestorePayload {
            miner: decided(ctx, &done).await,
            ..MinerRestorePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `minerBan` needs.
#[derive(InputObject)]
pub struct MinerBanInput {
    /// Which miner.
    pub miner: MinerBy,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `minerBan` did.
#[derive(SimpleObject, Default)]
pub struct MinerBanPayload {
    /// The miner, banned; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn ban(ctx: &Context<'_>, input: MinerBanInput) -> Result<MinerBanPayload, ApiError> {
    const NAME: &str = "mining.miner_ban";
    let by = authorize(ctx, Relation::Others, Action::MinerBan, NAME)
        .await?
        .id;
    let request = request(ctx, &input, input.idempotency_key.as_deref())?;
    let decision = decision(input.miner, input.reason, by)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::miner_ban(tx, &request, &decision).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MinerBanPayload {
            miner: decided(ctx, &done).await,
            ..MinerBanPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `minerResetStreak` needs.
#[derive(InputObject)]
pub struct MinerResetStreakInput {
    /// Which miner.
    pub miner: MinerBy,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `minerResetStreak` did.
#[derive(SimpleObject, Default)]
pub struct MinerResetStreakPayload {
    /// The miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn reset_streak(
    ctx: &Context<'_>,
    input: MinerResetStreakInput,
) -> Result<MinerResetStreakPayload, ApiError> {
    const NAME: &str = "mining.miner_reset_streak";
    let by = authorize(ctx, Relation::Others, Action::MinerResetStreak, NAME)
        .await?
        .id;
    let request = request(ctx, &input, input.idempotency_key.as_deref())?;
    let decision = decision(input.miner, input.reason, by)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::miner_reset_streak(tx, &request, &decision).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MinerResetStreakPayload {
            miner: decided(ctx, &done).await,
            ..MinerResetStreakPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What an administrator can change about a miner's role; all other roles follow from facts.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "RoleChange")]
pub enum MinerRoleChange {
    /// The miner runs a node.
    GrantNodeOperator,
    /// The miner doesn't run a node any more.
    WithdrawNodeOperator,
}

/// What `minerSetRole` needs.
#[derive(InputObject)]
pub struct MinerSetRoleInput {
    /// Which miner.
    pub miner: MinerBy,
    /// Grant or withdraw.
    pub change: MinerRoleChange,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `minerSetRole` did.
#[derive(SimpleObject, Default)]
pub struct MinerSetRolePayload {
    /// The miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn set_role(
    ctx: &Context<'_>,
    input: MinerSetRoleInput,
) -> Result<MinerSetRolePayload, ApiError> {
    const NAME: &str = "mining.miner_set_role";
    let by = authorize(ctx, Relation::Others, Action::MinerSetRole, NAME)
        .await?
        .id;
    let request = request(ctx, &input, input.idempotency_key.as_deref())?;
    let change = input.change.into();
    let decision = decision(input.miner, input.reason, by)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::miner_set_role(tx, &request, &decision, change).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => MinerSetRolePayload {
            miner: decided(ctx, &done).await,
            ..MinerSetRolePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `minerAdjustPoints` needs.
#[derive(InputObject)]
pub struct MinerAdjustPointsInput {
    /// Which miner.
    pub miner: MinerBy,
    /// By how many points, negative to take: not 0, at most 10¹², at most 4 decimals.
    pub amount: Decimal,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters. Required here or in
    /// the Idempotency-Key header.
    pub idempotency_key: Option<String>,
}

/// What `minerAdjustPoints` did.
#[derive(SimpleObject, Default)]
pub struct MinerAdjustPointsPayload {
    /// Lifetime points after; null when it waits or was refused.
    pub total_points: Option<Decimal>,
    /// What the wallet can spend after, in points; null when it waits or was refused.
    pub new_balance: Option<Result<Decimal, ApiError>>,
    /// What it waits for; null when it was done at once, or refused.
    pub approval: Option<Result<Approval, ApiError>>,
    /// The miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn adjust_points(
    ctx: &Context<'_>,
    input: MinerAdjustPointsInput,
) -> Result<MinerAdjustPointsPayload, ApiError> {
    const NAME: &str = "mining.miner_adjust_points";
    let by = authorize(ctx, Relation::Others, Action::MinerAdjustPoints, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = staff(command(ctx, &input, key, KeyRule::Required)?);
    let amount = input.amount.0;
    let decision = decision(input.miner, input.reason, by)?;
    let db = ctx.db().clone();
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::miner_adjust_points(tx, &db, &request, &decision, amount).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => adjusted(ctx, &done).await,
        Err(refused) => refused,
    })
}

async fn adjusted(ctx: &Context<'_>, done: &PointsAdjusted) -> MinerAdjustPointsPayload {
    let miner = Miner::load(ctx, MinerId(done.miner_id)).await.transpose();
    let new_balance = match (&miner, done.total_points) {
        (Some(Ok(miner)), Some(_)) => spendable(ctx, UserId(miner.user_id)).await.transpose(),
        _ => None,
    };
    let approval = match done.approval_id {
        Some(id) => Approval::load(ctx, ApprovalId(id)).await.transpose(),
        None => None,
    };
    MinerAdjustPointsPayload {
        total_points: done.total_points.map(|total| Decimal::points(Minor(total))),
        new_balance,
        approval,
        miner,
        user_errors: Vec::new(),
    }
}

/// What somebody's wallet of points can spend.
async fn spendable(ctx: &Context<'_>, user: UserId) -> Result<Option<Decimal>, ApiError> {
    let wallet = Wallet::load(ctx, user.into(), CurrencyCode::MP).await?;
    Ok(wallet.map(|wallet| wallet.available.amount))
}

/// The request of somebody on the staff, with or without a key: it is audited.
fn request<I: InputType>(
    ctx: &Context<'_>,
    input: &I,
    key: Option<&str>,
) -> Result<Request, ApiError> {
    command(ctx, input, key, KeyRule::Optional).map(staff)
}

fn staff(request: Request) -> Request {
    Request {
        origin: Origin::Staff,
        ..request
    }
}

fn decision(miner: MinerBy, reason: String, by: UserId) -> Result<MinerDecision, ApiError> {
    let miner = match miner {
        MinerBy::Id(id) => match GlobalId::decode(&id)? {
            GlobalId::Miner(id) => MinerRef::Id(id),
            _ => {
                return Err(ApiError::bad_input(
                    "this is the id of something else than a miner",
                ));
            }
        },
        MinerBy::Uuid(id) => MinerRef::Id(MinerId(id)),
        MinerBy::UserId(id) => MinerRef::User(UserId(id)),
        MinerBy::Code(code) => MinerRef::Code(code),
    };
    Ok(MinerDecision { miner, by, reason })
}

/// The miner after a decision. It is done: what can't be shown of it is null, and takes nothing else away.
async fn decided(ctx: &Context<'_>, done: &MinerDecided) -> Option<Result<Miner, ApiError>> {
    Miner::load(ctx, MinerId(done.miner_id)).await.transpose()
}
