//! Root fields of Mutation about redemptions.

use db::promotions::redemption::commands::{self, RedemptionDone};

use super::objects::Redemption;
use super::refusals::RedemptionUserError;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on redemptions.
    RedemptionMutation;

    /// Pays value and price share of a pending redemption to the campaign's merchant.
    redemption_settle = commands::REDEMPTION_SETTLE, |call| {
        commands::redemption_settle(call.tx, call.request, call.input.redemption_id.key).boxed()
    };
    RedemptionSettleInput(Required) {
        /// Redemption with status PENDING.
        redemption_id: Id<Redemption>,
    }
    RedemptionSettlePayload(RedemptionUserError) = |ctx, done: RedemptionDone| {
        /// The settled redemption; null when refused.
        redemption: Loaded<Redemption> = load(ctx, done.redemption.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Gives value and price share of a pending redemption back to its voucher; of one that was revoked, or that expired
    /// longer ago than `returnGraceDays`, they are posted to merchant and holder.
    redemption_void = commands::REDEMPTION_VOID, |call| {
        commands::redemption_void(call.tx, call.request, call.input.redemption_id.key).boxed()
    };
    RedemptionVoidInput(Required) {
        /// Redemption with status PENDING.
        redemption_id: Id<Redemption>,
    }
    RedemptionVoidPayload(RedemptionUserError) = |ctx, done: RedemptionDone| {
        /// The voided redemption with the voucher; null when refused.
        redemption: Loaded<Redemption> = load(ctx, done.redemption.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }

    /// Returns value of a settled redemption and its share of the price from the merchant's wallet to the voucher.
    redemption_return = commands::REDEMPTION_RETURN, |call| {
        let id = call.input.redemption_id.key;
        let amount = call.input.amount.as_ref().map(MoneyInput::parts);
        commands::redemption_return(call.tx, call.request, id, amount).boxed()
    };
    RedemptionReturnInput(Required) {
        /// Value to return, above 0; null for all that is left.
        amount: Option<MoneyInput>,
        /// Redemption with status SETTLED.
        redemption_id: Id<Redemption>,
    }
    RedemptionReturnPayload(RedemptionUserError) = |ctx, done: RedemptionDone| {
        /// The redemption with the voucher; null when refused.
        redemption: Loaded<Redemption> = load(ctx, done.redemption.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = receipt(ctx, &done).await,
    }
}

/// The receipt of a command on redemptions.
async fn receipt(ctx: &Context<'_>, done: &RedemptionDone) -> Loaded<Transaction> {
    let [merchant, _] = done.redemption;
    Transaction::load_some_commanded(ctx, done.transaction, [merchant]).await
}
