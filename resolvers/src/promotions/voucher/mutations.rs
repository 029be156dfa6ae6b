//! Root fields of Mutation about vouchers.

use db::promotions::voucher::commands::{self, RedeemDraft, Redeemed, VoucherDone};
use futures_util::future::BoxFuture;

use super::guesses::Guesses;
use super::objects::Voucher;
use super::refusals::VoucherUserError;
use super::ticket::VoucherTicketBy;
use crate::command::Admission;
use crate::prelude::*;
use crate::promotions::campaign::objects::Campaign;
use crate::promotions::redemption::objects::Redemption;
use crate::turns::Turns;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on vouchers.
    VoucherMutation;

    /// Gives the caller a voucher of a free campaign.
    voucher_claim = commands::VOUCHER_CLAIM, |call| {
        commands::voucher_claim(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    VoucherClaimInput(Required, in_turn) {
        /// Campaign with acquisition type FREE.
        campaign_id: Id<Campaign>,
    }
    VoucherClaimPayload(VoucherUserError) = |ctx, done: VoucherDone| {
        /// The acquired voucher; null when refused.
        voucher: Loaded<Voucher> = load(ctx, done.voucher.into()).await,
    }

    /// Gives the caller a voucher for points of their wallet.
    voucher_exchange = commands::VOUCHER_EXCHANGE, |call| {
        commands::voucher_exchange(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    VoucherExchangeInput(Required, in_turn) {
        /// Campaign with acquisition type EXCHANGE_POINTS.
        campaign_id: Id<Campaign>,
    }
    VoucherExchangePayload(VoucherUserError) = |ctx, done: VoucherDone| {
        /// The acquired voucher; null when refused.
        voucher: Loaded<Voucher> = load(ctx, done.voucher.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = paid(ctx, &done).await,
    }

    /// Gives the caller a voucher for money of their wallet.
    voucher_purchase = commands::VOUCHER_PURCHASE, |call| {
        commands::voucher_purchase(call.tx, call.request, call.input.campaign_id.key).boxed()
    };
    VoucherPurchaseInput(Required, in_turn) {
        /// Campaign with acquisition type PURCHASE.
        campaign_id: Id<Campaign>,
    }
    VoucherPurchasePayload(VoucherUserError) = |ctx, done: VoucherDone| {
        /// The acquired voucher; null when refused.
        voucher: Loaded<Voucher> = load(ctx, done.voucher.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = paid(ctx, &done).await,
    }

    /// Uses a voucher once per order: at once at the merchant's till, pending until `redemptionSettle` or `redemptionVoid`
    /// for holders and services.
    voucher_redeem = commands::VOUCHER_REDEEM, |call| {
        let input = call.input;
        let draft = RedeemDraft {
            ticket: input.voucher.ticket(),
            user: input.user_id.map(|user| UserId(user.0)),
            order_id: input.order_id,
            order_amount: input.order_amount.parts(),
        };
        async move { commands::voucher_redeem(call.tx, call.request, &draft).await }.boxed()
    };
    VoucherRedeemInput(Required, as_guess) {
        /// Amount of the order, above 0; equal for all vouchers of the order.
        order_amount: MoneyInput,
        /// Key of the order: required for holders and services, null only at the till.
        order_id: Option<Uuid>,
        /// Holder of the voucher: required for services, null for others.
        user_id: Option<OwnerKey>,
        /// Voucher to use: by id or code for holders, token or code for merchants, code for services.
        voucher: VoucherTicketBy,
    }
    VoucherRedeemPayload(VoucherUserError) = |ctx, done: Redeemed| {
        /// The redemption with the voucher; null when refused.
        redemption: Loaded<Redemption> = load(ctx, done.redemption.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = {
            let [merchant, _] = done.redemption;
            Transaction::load_some_commanded(ctx, done.transaction, [merchant]).await
        },
    }

    /// Revokes a voucher: the remaining escrow returns to the merchant, the unearned price to the holder.
    voucher_revoke = commands::VOUCHER_REVOKE, |call| {
        let (id, reason) = (call.input.voucher_id.key, &call.input.reason);
        commands::voucher_revoke(call.tx, call.request, id, reason).boxed()
    };
    VoucherRevokeInput(Required) {
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
        /// Voucher with status CLAIMED or PARTIALLY_REDEEMED.
        voucher_id: Id<Voucher>,
    }
    VoucherRevokePayload(VoucherUserError) = |ctx, done: VoucherDone| {
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = revoked(ctx, &done).await,
        /// The revoked voucher; null when refused.
        voucher: Loaded<Voucher> = load(ctx, done.voucher.into()).await,
    }

    /// Extends the validity of a voucher that has not expired.
    voucher_extend = commands::VOUCHER_EXTEND, |call| {
        let input = call.input;
        let (id, days, reason) = (input.voucher_id.key, input.additional_days, &input.reason);
        commands::voucher_extend(call.tx, call.request, id, days, reason).boxed()
    };
    VoucherExtendInput(Optional) {
        /// Days to add, 1 to 365.
        additional_days: i32,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
        /// Voucher with status CLAIMED or PARTIALLY_REDEEMED.
        voucher_id: Id<Voucher>,
    }
    VoucherExtendPayload(VoucherUserError) = |ctx, done: VoucherDone| {
        /// The extended voucher; null when refused.
        voucher: Loaded<Voucher> = load(ctx, done.voucher.into()).await,
    }
}

/// The receipt of the caller's payment.
async fn paid(ctx: &Context<'_>, done: &VoucherDone) -> Loaded<Transaction> {
    let [merchant, _] = done.voucher;
    let payer = ctx.principal().person().map(|person| person.id.0);
    let owners = [Some(merchant), payer].into_iter().flatten();
    Transaction::load_some_commanded(ctx, done.transaction, owners).await
}

/// The receipt of a revocation.
async fn revoked(ctx: &Context<'_>, done: &VoucherDone) -> Loaded<Transaction> {
    let [merchant, _] = done.voucher;
    let voucher = ctx
        .loader::<crate::promotions::loaders::PromotionLoader>()
        .load_one(VoucherId::from(done.voucher))
        .await;
    let holder = match voucher {
        Ok(seen) => seen.and_then(|seen| seen.voucher.owner()),
        Err(fault) => return Some(Err(fault.into())),
    };
    let owners = [Some(merchant), holder.map(|holder| holder.0)];
    let owners = owners.into_iter().flatten();
    Transaction::load_some_commanded(ctx, done.transaction, owners).await
}

/// An input that names a campaign.
trait OfCampaign: Sync {
    fn campaign(&self) -> Uuid;
}

macro_rules! of_campaign {
    ($($input:ty),+) => {
        $(impl OfCampaign for $input {
            fn campaign(&self) -> Uuid {
                self.campaign_id.key.uuid
            }
        })+
    };
}
of_campaign!(
    VoucherClaimInput,
    VoucherExchangeInput,
    VoucherPurchaseInput
);

/// Few acquisitions of one campaign run at once.
fn in_turn<'a, I: OfCampaign>(
    input: &'a I,
    ctx: &'a Context<'_>,
) -> BoxFuture<'a, Result<Option<Admission>>> {
    async move {
        let turns: &Turns = ctx.operation().services.of_contexts.get();
        let turn = turns.wait(input.campaign()).await?;
        Ok(Some(Arc::new(turn) as Admission))
    }
    .boxed()
}

/// Unknown codes are counted.
fn as_guess<'a>(
    input: &'a VoucherRedeemInput,
    ctx: &'a Context<'_>,
) -> BoxFuture<'a, Result<Option<Admission>>> {
    async move {
        if !input.voucher.is_guess() {
            return Ok(None);
        }
        let named = input.user_id.map(|user| UserId(user.0));
        let guess = Guesses::begin(ctx, named).await?;
        Ok(Some(Arc::new(guess) as Admission))
    }
    .boxed()
}
