//! Root fields of Mutation about deposits.

use db::wallets::deposit::commands::{self, DepositDone};
use domain::wallets::deposit::DepositDraft;

use super::objects::Deposit;
use super::refusals::DepositUserError;
use crate::platform::approval::objects::Approval;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::inputs::OwnerInput;
use crate::wallets::payment::ProviderPaymentInput;
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on deposits.
    DepositMutation;

    /// Credits a payment from outside to an owner's wallet, once, or keeps it unmatched; repeating it returns the first
    /// deposit, and above `dualControlLimit` staff wait for a second person.
    deposit_credit = commands::DEPOSIT_CREDIT, |call| {
        let input = call.input;
        let draft = DepositDraft {
            amount: input.amount.parts(),
            owner: input.owner.map(|owner| owner.0),
            payment: input.payment.payment(),
        };
        async move { commands::deposit_credit(call.tx, call.request, &draft, call.input.reason.as_deref()).await }.boxed()
    };
    DepositCreditInput(Required) {
        /// Amount to credit, above 0.
        amount: MoneyInput,
        /// Owner to credit; null, or an unknown owner, keeps the deposit unmatched.
        owner: Option<OwnerInput>,
        /// Payment as identified by the payment provider.
        payment: ProviderPaymentInput,
        /// Reason for the audit log, 1 to 500 characters: required for staff, must be null for services.
        reason: Option<String>,
    }
    DepositCreditPayload(DepositUserError) = |ctx, done: DepositDone| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// The deposit; null while the command waits and when refused.
        deposit: Loaded<Deposit> = load_some(ctx, done.deposit.map(DepositId::from)).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Credits an unmatched deposit to an owner; above `dualControlLimit` the command waits for a second person.
    deposit_assign = commands::DEPOSIT_ASSIGN, |call| {
        let (id, owner, reason) = (call.input.deposit_id.key, call.input.owner.0, &call.input.reason);
        commands::deposit_assign(call.tx, call.request, id, owner, reason).boxed()
    };
    DepositAssignInput(Required) {
        /// Unmatched deposit.
        deposit_id: Id<Deposit>,
        /// Owner to credit.
        owner: OwnerInput,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    DepositAssignPayload(DepositUserError) = |ctx, done: DepositDone| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// The deposit, unmatched while the command waits; null when refused.
        deposit: Loaded<Deposit> = load_some(ctx, done.deposit.map(DepositId::from)).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }
}

/// The receipt of a command on deposits.
async fn receipt(ctx: &Context<'_>, done: &DepositDone) -> Loaded<Transaction> {
    Transaction::load_some_commanded(ctx, done.transaction, done.owners.clone()).await
}
