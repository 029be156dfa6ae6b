//! Root fields of Mutation about miners and identity verification.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use async_graphql::{Context, Object};
use db::command::Command;
use db::mining::miner::commands::{
    KYC_COMPLETE, KycCompleted, MINER_BAN, MINER_NODE_OPERATOR_GRANT, MINER_NODE_OPERATOR_REVOKE,
    MINER_POINTS_ADJUST, MINER_REGISTER, MINER_RESTORE, MINER_STREAK_RESET, MINER_SUSPEND,
    MinerDecision, PointsAdjusted, kyc_complete, miner_ban, miner_node_operator_grant,
    miner_node_operator_revoke, miner_points_adjust, miner_register, miner_restore,
    miner_streak_reset, miner_suspend,
};
use domain::ids::{ApprovalId, HistoryId, MinerId, ReferralId, UserId};
use domain::mining::MinerRefusal;
use futures_util::FutureExt;
use uuid::Uuid;

use super::objects::{Miner, MinerBy, MiningHistoryEntry};
use super::refusals::{KycUserError, MinerUserError};
use crate::command::{Body, CommandInput, Loaded, Payload, command_types, run};
use crate::errors::ApiError;
use crate::mining::referral::objects::Referral;
use crate::node::NodeType;
use crate::platform::approval::objects::Approval;
use crate::platform::users::User;
use crate::scalars::{DateTime, Decimal};

command_types! {
    MinerRegisterInput(Optional) {
        /// Code of the referrer, 8 characters, also as pasted from a link; null without one.
        referral_code: Option<String>,
    }
    MinerRegisterPayload(MinerUserError) {
        /// The caller's miner; null when refused.
        miner: Loaded<Miner>,
    }

    MinerPointsAdjustInput(Required) {
        /// Miner to adjust.
        miner: MinerBy,
        /// Points to add, negative to take; not 0, at most 4 decimals.
        points: Decimal,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerPointsAdjustPayload(MinerUserError) {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval>,
        /// History entry of the adjustment; null while it waits and when refused.
        entry: Loaded<MiningHistoryEntry>,
        /// The miner; null when refused.
        miner: Loaded<Miner>,
    }

    KycCompleteInput(Optional) {
        /// Time of the verification, from 1970 on; null for now.
        completed_at: Option<DateTime>,
        /// Subject of the person's tokens.
        user_id: Uuid,
    }
    KycCompletePayload(KycUserError) {
        /// Referral through which the person joined; null without one and when refused.
        referral: Loaded<Referral>,
        /// The person; null when refused.
        user: Loaded<User>,
    }

    MinerSuspendInput(Optional) {
        /// Miner to suspend.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerSuspendPayload(MinerUserError) {
        /// The suspended miner; null when refused.
        miner: Loaded<Miner>,
    }

    MinerRestoreInput(Optional) {
        /// Miner to restore.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerRestorePayload(MinerUserError) {
        /// The restored miner; null when refused.
        miner: Loaded<Miner>,
    }

    MinerBanInput(Optional) {
        /// Miner to ban.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerBanPayload(MinerUserError) {
        /// The banned miner; null when refused.
        miner: Loaded<Miner>,
    }

    MinerStreakResetInput(Optional) {
        /// Miner whose streak ends.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerStreakResetPayload(MinerUserError) {
        /// The miner; null when refused.
        miner: Loaded<Miner>,
    }

    MinerNodeOperatorGrantInput(Optional) {
        /// Miner to grant the role to.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerNodeOperatorGrantPayload(MinerUserError) {
        /// The miner; null when refused.
        miner: Loaded<Miner>,
    }

    MinerNodeOperatorRevokeInput(Optional) {
        /// Miner to revoke the role from.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    MinerNodeOperatorRevokePayload(MinerUserError) {
        /// The miner; null when refused.
        miner: Loaded<Miner>,
    }
}

fn decision(miner: &MinerBy, reason: &str) -> MinerDecision {
    MinerDecision {
        miner: miner.into(),
        reason: reason.to_owned(),
    }
}

/// Runs a command of staff about a miner, whose payload shows the miner.
async fn decide<I: CommandInput, P: Payload>(
    ctx: &Context<'_>,
    command: &'static Command<MinerRefusal>,
    input: I,
    body: Body<I, Uuid>,
    payload: impl FnOnce(Loaded<Miner>) -> P,
) -> Option<Result<P, ApiError>> {
    let show = async |id| payload(Miner::load(ctx, MinerId(id)).await.transpose());
    run(ctx, command, input, body, show).await
}

/// Commands on miners.
#[derive(Default)]
pub struct MinerMutation;

#[Object]
impl MinerMutation {
    /// Registers the caller as a miner; an existing miner is returned unchanged.
    async fn miner_register(
        &self,
        ctx: &Context<'_>,
        input: MinerRegisterInput,
    ) -> Option<Result<MinerRegisterPayload, ApiError>> {
        run(
            ctx,
            &MINER_REGISTER,
            input,
            |call| {
                let code = call.input.referral_code.as_deref();
                let code = code.filter(|code| !code.trim().is_empty());
                miner_register(call.tx, call.request, code).boxed()
            },
            async |id| MinerRegisterPayload {
                miner: Miner::load(ctx, MinerId(id)).await.transpose(),
                ..MinerRegisterPayload::default()
            },
        )
        .await
    }

    /// Adds points to a miner and its wallet or takes them; above `dualControlLimit` the command waits for a second
    /// person.
    async fn miner_points_adjust(
        &self,
        ctx: &Context<'_>,
        input: MinerPointsAdjustInput,
    ) -> Option<Result<MinerPointsAdjustPayload, ApiError>> {
        run(
            ctx,
            &MINER_POINTS_ADJUST,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    let points = call.input.points.0;
                    miner_points_adjust(call.tx, call.request, &decision, points).await
                }
                .boxed()
            },
            async |done: PointsAdjusted| MinerPointsAdjustPayload {
                approval: load(ctx, done.approval_id.map(ApprovalId)).await,
                entry: load(ctx, done.entry_id.map(HistoryId)).await,
                miner: load(ctx, Some(MinerId(done.miner_id))).await,
                ..MinerPointsAdjustPayload::default()
            },
        )
        .await
    }

    /// Records that a person's identity was verified, before or after registration; the first report counts, and a pending
    /// referral becomes active.
    async fn kyc_complete(
        &self,
        ctx: &Context<'_>,
        input: KycCompleteInput,
    ) -> Option<Result<KycCompletePayload, ApiError>> {
        run(
            ctx,
            &KYC_COMPLETE,
            input,
            |call| {
                let user = UserId(call.input.user_id);
                let completed_at = call.input.completed_at.map(|at| at.0);
                kyc_complete(call.tx, call.request, user, completed_at).boxed()
            },
            async |done: KycCompleted| KycCompletePayload {
                referral: load(ctx, done.referral_id.map(ReferralId)).await,
                user: load(ctx, Some(UserId(done.user_id))).await,
                ..KycCompletePayload::default()
            },
        )
        .await
    }

    /// Suspends a miner: sessions can't be started or claimed, and its referrer loses the bonus until it is restored.
    async fn miner_suspend(
        &self,
        ctx: &Context<'_>,
        input: MinerSuspendInput,
    ) -> Option<Result<MinerSuspendPayload, ApiError>> {
        decide(
            ctx,
            &MINER_SUSPEND,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    miner_suspend(call.tx, call.request, &decision).await
                }
                .boxed()
            },
            |miner| MinerSuspendPayload {
                miner,
                ..MinerSuspendPayload::default()
            },
        )
        .await
    }

    /// Restores a suspended miner; the time of the suspension counts against no streak, claim window or recovery.
    async fn miner_restore(
        &self,
        ctx: &Context<'_>,
        input: MinerRestoreInput,
    ) -> Option<Result<MinerRestorePayload, ApiError>> {
        decide(
            ctx,
            &MINER_RESTORE,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    miner_restore(call.tx, call.request, &decision).await
                }
                .boxed()
            },
            |miner| MinerRestorePayload {
                miner,
                ..MinerRestorePayload::default()
            },
        )
        .await
    }

    /// Bans a miner for good: the open session expires, invitations are cancelled, the circle is left or disbanded, referrals
    /// end and the person's wallets are frozen.
    async fn miner_ban(
        &self,
        ctx: &Context<'_>,
        input: MinerBanInput,
    ) -> Option<Result<MinerBanPayload, ApiError>> {
        decide(
            ctx,
            &MINER_BAN,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    miner_ban(call.tx, call.request, &decision).await
                }
                .boxed()
            },
            |miner| MinerBanPayload {
                miner,
                ..MinerBanPayload::default()
            },
        )
        .await
    }

    /// Sets a miner's streak to 0 days, without recovery; freeze tokens, the longest streak and all points stay.
    async fn miner_streak_reset(
        &self,
        ctx: &Context<'_>,
        input: MinerStreakResetInput,
    ) -> Option<Result<MinerStreakResetPayload, ApiError>> {
        decide(
            ctx,
            &MINER_STREAK_RESET,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    miner_streak_reset(call.tx, call.request, &decision).await
                }
                .boxed()
            },
            |miner| MinerStreakResetPayload {
                miner,
                ..MinerStreakResetPayload::default()
            },
        )
        .await
    }

    /// Grants the role NODE_OPERATOR; rates follow from the next session.
    async fn miner_node_operator_grant(
        &self,
        ctx: &Context<'_>,
        input: MinerNodeOperatorGrantInput,
    ) -> Option<Result<MinerNodeOperatorGrantPayload, ApiError>> {
        decide(
            ctx,
            &MINER_NODE_OPERATOR_GRANT,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    miner_node_operator_grant(call.tx, call.request, &decision).await
                }
                .boxed()
            },
            |miner| MinerNodeOperatorGrantPayload {
                miner,
                ..MinerNodeOperatorGrantPayload::default()
            },
        )
        .await
    }

    /// Revokes the role NODE_OPERATOR; the miner's role is again the highest that facts give.
    async fn miner_node_operator_revoke(
        &self,
        ctx: &Context<'_>,
        input: MinerNodeOperatorRevokeInput,
    ) -> Option<Result<MinerNodeOperatorRevokePayload, ApiError>> {
        decide(
            ctx,
            &MINER_NODE_OPERATOR_REVOKE,
            input,
            |call| {
                async move {
                    let decision = decision(&call.input.miner, &call.input.reason);
                    miner_node_operator_revoke(call.tx, call.request, &decision).await
                }
                .boxed()
            },
            |miner| MinerNodeOperatorRevokePayload {
                miner,
                ..MinerNodeOperatorRevokePayload::default()
            },
        )
        .await
    }
}

/// Loads an object that a command returned the id of, if it did.
async fn load<T: NodeType>(ctx: &Context<'_>, key: Option<T::Key>) -> Loaded<T> {
    T::load(ctx, key?).await.transpose()
}
