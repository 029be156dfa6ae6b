//! Root fields of Mutation about wallets as a whole, treasuries and accounts of the house.

use db::wallets::wallet::commands::{self, OwnerDecision, OwnerKey, WalletUnfrozen};
use domain::wallets::wallet as rules;

use super::objects::{FreezeCause, WalletOwner};
use super::refusals::WalletUserError;
use crate::platform::approval::objects::Approval;
use crate::prelude::*;
use crate::wallets::inputs::OwnerInput;

mutations! {
    /// Commands on wallets as a whole.
    FreezeMutation;

    /// Freezes an owner: nothing leaves their present and future wallets, credits still arrive, holds placed before take
    /// their course.
    wallet_freeze = commands::WALLET_FREEZE, |call| {
        let decision = decision(&call.input.owner, &call.input.reason);
        async move { commands::wallet_freeze(call.tx, call.request, &decision).await }.boxed()
    };
    WalletFreezeInput(Optional) {
        /// Owner to freeze.
        owner: OwnerInput,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    WalletFreezePayload(WalletUserError) = |_ctx, owner: OwnerKey| {
        /// The owner; null when refused.
        owner: Loaded<WalletOwner> = Some(Ok(WalletOwner::of(owner.into()))),
    }

    /// Lifts one cause of an owner's freeze; for BAN the command waits for a second person.
    wallet_unfreeze = commands::WALLET_UNFREEZE, |call| {
        let decision = decision(&call.input.owner, &call.input.reason);
        let cause = call.input.cause.0;
        async move { commands::wallet_unfreeze(call.tx, call.request, &decision, cause).await }.boxed()
    };
    WalletUnfreezeInput(Optional) {
        /// Cause to lift.
        #[graphql(default_with = "rules::FreezeCause::Finance.into()")]
        cause: FreezeCause,
        /// Owner to unfreeze.
        owner: OwnerInput,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    WalletUnfreezePayload(WalletUserError) = |ctx, done: WalletUnfrozen| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// The owner; null when refused.
        owner: Loaded<WalletOwner> = Some(Ok(WalletOwner::of(done.owner.into()))),
    }
}

fn decision(owner: &OwnerInput, reason: &str) -> OwnerDecision {
    OwnerDecision {
        owner: owner.0,
        reason: reason.to_owned(),
    }
}
