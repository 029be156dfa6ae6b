//! Root fields of Mutation about miners and identity verification.

use db::mining::miner::commands::{self, KycCompleted, MinerDecision, PointsAdjusted};

use super::objects::{Miner, MinerBy, MiningHistoryEntry};
use super::refusals::{KycUserError, MinerUserError};
use crate::mining::referral::objects::Referral;
use crate::platform::approval::objects::Approval;
use crate::platform::users::User;
use crate::prelude::*;

fn decision(miner: &MinerBy, reason: &str) -> MinerDecision {
    MinerDecision {
        miner: miner.into(),
        reason: reason.to_owned(),
    }
}

/// The body of a command of staff about a miner.
macro_rules! decide {
    ($command:ident $(, $argument:ident)?) => {
        |call| {
            async move {
                let decision = decision(&call.input.miner, &call.input.reason);
                commands::$command(call.tx, call.request, &decision $(, call.input.$argument.0)?).await
            }
            .boxed()
        }
    };
}

mutations! {
    /// Commands on miners.
    MinerMutation;

    /// Registers the caller as a miner; an existing miner is returned unchanged.
    miner_register = commands::MINER_REGISTER, |call| {
        let code = call.input.referral_code.as_deref().filter(|code| !code.trim().is_empty());
        commands::miner_register(call.tx, call.request, code).boxed()
    };
    MinerRegisterInput(Optional) {
        /// Code of the referrer, 8 characters in any case, also with blanks or dashes, or the invite link; null without one.
        referral_code: Option<String>,
    }
    MinerRegisterPayload(MinerUserError) = |ctx, id: Uuid| {
        /// The caller's miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Adds points to a miner and its wallet or takes them; the command waits for a second person when its points and those
    /// that the caller moved alone in this hour and the 24 before exceed the currency's `dualControlLimit`.
    miner_points_adjust = commands::MINER_POINTS_ADJUST, decide!(miner_points_adjust, points);
    MinerPointsAdjustInput(Required) {
        /// Miner to adjust.
        miner: MinerBy,
        /// Points to add, negative to take; not 0, at most 4 decimals.
        points: Decimal,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerPointsAdjustPayload(MinerUserError) = |ctx, done: PointsAdjusted| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// History entry of the adjustment; null while it waits and when refused.
        entry: Loaded<MiningHistoryEntry> = load_some(ctx, done.entry_id.map(|id| HistoryId::from([done.user_id, id]))).await,
        /// The miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(done.user_id)).await,
    }

    /// Records that a person's identity was verified, before or after registration; the first report counts, and a pending
    /// referral becomes active.
    kyc_complete = commands::KYC_COMPLETE, |call| {
        let completed_at = call.input.completed_at.map(|at| at.0);
        commands::kyc_complete(call.tx, call.request, call.input.user_id.into(), completed_at).boxed()
    };
    KycCompleteInput(Optional) {
        /// Time of the verification, from 1970, at most 5 minutes in the future; null for the time of the request.
        completed_at: Option<DateTime>,
        /// Subject of the person's tokens.
        user_id: OwnerKey,
    }
    KycCompletePayload(KycUserError) = |ctx, done: KycCompleted| {
        /// Referral through which the person joined; null without one and when refused.
        referral: Loaded<Referral> = load_some(ctx, done.referral_id.map(ReferralId::from)).await,
        /// The person; null when refused.
        user: Loaded<User> = load(ctx, UserId(done.user_id)).await,
    }

    /// Suspends a miner: sessions can't be started or claimed, and its referrer loses the bonus until it is restored.
    miner_suspend = commands::MINER_SUSPEND, decide!(miner_suspend);
    MinerSuspendInput(Optional) {
        /// Miner to suspend.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerSuspendPayload(MinerUserError) = |ctx, id: Uuid| {
        /// The suspended miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Restores a suspended miner; the time of the suspension counts against no streak, claim window or recovery.
    miner_restore = commands::MINER_RESTORE, decide!(miner_restore);
    MinerRestoreInput(Optional) {
        /// Miner to restore.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerRestorePayload(MinerUserError) = |ctx, id: Uuid| {
        /// The restored miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Bans a miner for good: the open session expires, invitations are cancelled, the circle is left or disbanded, referrals
    /// end and the person's wallets are frozen.
    miner_ban = commands::MINER_BAN, decide!(miner_ban);
    MinerBanInput(Optional) {
        /// Miner to ban.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerBanPayload(MinerUserError) = |ctx, id: Uuid| {
        /// The banned miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Sets a miner's streak to 0 days, without recovery; freeze tokens, the longest streak and all points stay.
    miner_streak_reset = commands::MINER_STREAK_RESET, decide!(miner_streak_reset);
    MinerStreakResetInput(Optional) {
        /// Miner whose streak ends.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerStreakResetPayload(MinerUserError) = |ctx, id: Uuid| {
        /// The miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Grants the role NODE_OPERATOR; rates follow from the next session.
    miner_node_operator_grant = commands::MINER_NODE_OPERATOR_GRANT, decide!(miner_node_operator_grant);
    MinerNodeOperatorGrantInput(Optional) {
        /// Miner to grant the role to.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerNodeOperatorGrantPayload(MinerUserError) = |ctx, id: Uuid| {
        /// The miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }

    /// Revokes the role NODE_OPERATOR; the miner's role is again the highest that facts give.
    miner_node_operator_revoke = commands::MINER_NODE_OPERATOR_REVOKE, decide!(miner_node_operator_revoke);
    MinerNodeOperatorRevokeInput(Optional) {
        /// Miner to revoke the role from.
        miner: MinerBy,
        /// Reason for the audit log, 1 to 500 visible characters on one line.
        reason: String,
    }
    MinerNodeOperatorRevokePayload(MinerUserError) = |ctx, id: Uuid| {
        /// The miner; null when refused.
        miner: Loaded<Miner> = load(ctx, UserId(id)).await,
    }
}
