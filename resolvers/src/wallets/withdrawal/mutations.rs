//! Root fields of Mutation about withdrawals.

use db::wallets::withdrawal::commands::{self, WithdrawalDone, WithdrawalDraft};

use super::objects::Withdrawal;
use super::refusals::WithdrawalUserError;
use crate::platform::approval::objects::Approval;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::inputs::{ExternalId, Notes, OwnerInput};
use crate::wallets::payment::ProviderPaymentInput;
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on withdrawals.
    WithdrawalMutation;

    /// Requests a payment out of an owner's wallet and holds the amount.
    withdrawal_request = commands::WITHDRAWAL_REQUEST, |call| {
        let input = call.input;
        let draft = WithdrawalDraft {
            owner: input.owner.map(|owner| owner.0),
            amount: input.amount.parts(),
            destination: input.destination.clone(),
            external_id: input.external_id.as_ref().map(|id| id.0.clone()),
            metadata: input.metadata.0.clone(),
        };
        async move { commands::withdrawal_request(call.tx, call.request, &draft).await }.boxed()
    };
    WithdrawalRequestInput(Required) {
        /// Amount, above 0.
        amount: MoneyInput,
        /// Account or address to pay to, in the provider's notation, 1 to 200 characters.
        destination: String,
        /// Key of the withdrawal, 1 to 128 characters, unique per caller and owner; null without one.
        external_id: Option<ExternalId>,
        /// Notes, at most 20 and 2 KB in all.
        #[graphql(default)]
        metadata: Notes,
        /// Owner of the wallet: required for services, else the caller's merchant or advertiser; null for the caller's own
        /// wallet.
        owner: Option<OwnerInput>,
    }
    WithdrawalRequestPayload(WithdrawalUserError) = |ctx, done: WithdrawalDone| {
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
        /// The new withdrawal; null when refused.
        withdrawal: Loaded<Withdrawal> = load(ctx, done.withdrawal.into()).await,
    }

    /// Cancels a requested withdrawal and releases the amount.
    withdrawal_cancel = commands::WITHDRAWAL_CANCEL, |call| {
        commands::withdrawal_cancel(call.tx, call.request, call.input.withdrawal_id.key).boxed()
    };
    WithdrawalCancelInput(Required) {
        /// Withdrawal with status REQUESTED.
        withdrawal_id: Id<Withdrawal>,
    }
    WithdrawalCancelPayload(WithdrawalUserError) = |ctx, done: WithdrawalDone| {
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
        /// The cancelled withdrawal; null when refused.
        withdrawal: Loaded<Withdrawal> = load(ctx, done.withdrawal.into()).await,
    }

    /// Hands a requested withdrawal to the provider; from then on only its outcome ends it.
    withdrawal_process = commands::WITHDRAWAL_PROCESS, |call| {
        commands::withdrawal_process(call.tx, call.request, call.input.withdrawal_id.key).boxed()
    };
    WithdrawalProcessInput(Optional) {
        /// Withdrawal with status REQUESTED.
        withdrawal_id: Id<Withdrawal>,
    }
    WithdrawalProcessPayload(WithdrawalUserError) = |ctx, done: WithdrawalDone| {
        /// The withdrawal; null when refused.
        withdrawal: Loaded<Withdrawal> = load(ctx, done.withdrawal.into()).await,
    }

    /// Records that the provider paid a withdrawal.
    withdrawal_complete = commands::WITHDRAWAL_COMPLETE, |call| {
        let (id, payout) = (call.input.withdrawal_id.key, call.input.payout.payment());
        async move { commands::withdrawal_complete(call.tx, call.request, id, &payout).await }.boxed()
    };
    WithdrawalCompleteInput(Required) {
        /// Payment as identified by the payment provider.
        payout: ProviderPaymentInput,
        /// Withdrawal with status PROCESSING.
        withdrawal_id: Id<Withdrawal>,
    }
    WithdrawalCompletePayload(WithdrawalUserError) = |ctx, done: WithdrawalDone| {
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
        /// The completed withdrawal; null when refused.
        withdrawal: Loaded<Withdrawal> = load(ctx, done.withdrawal.into()).await,
    }

    /// Records that a withdrawal will not be paid and releases the amount; for one in processing FINANCE needs a second
    /// person.
    withdrawal_fail = commands::WITHDRAWAL_FAIL, |call| {
        let (id, reason) = (call.input.withdrawal_id.key, &call.input.reason);
        commands::withdrawal_fail(call.tx, call.request, id, reason).boxed()
    };
    WithdrawalFailInput(Required) {
        /// Reason for the owner and the audit log, 1 to 500 characters.
        reason: String,
        /// Withdrawal with status REQUESTED or PROCESSING.
        withdrawal_id: Id<Withdrawal>,
    }
    WithdrawalFailPayload(WithdrawalUserError) = |ctx, done: WithdrawalDone| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
        /// The withdrawal, failed unless the command waits; null when refused.
        withdrawal: Loaded<Withdrawal> = load(ctx, done.withdrawal.into()).await,
    }
}

/// The receipt of a command on withdrawals.
async fn receipt(ctx: &Context<'_>, done: &WithdrawalDone) -> Loaded<Transaction> {
    Transaction::load_commanded(ctx, done.transaction?, [done.withdrawal[0]]).await
}
