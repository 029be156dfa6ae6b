//! Root fields of Mutation about settlements.

use db::wallets::settlement::commands::{self, ClearingReleased, HoldSettled, ReleaseDraft};
use domain::wallets::settlement::{PayoutDraft, SettlementDraft};

use super::objects::{ClearingAccount, ClearingKey, Settlement, SettlementOutcome};
use super::refusals::SettlementUserError;
use crate::platform::approval::objects::Approval;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::hold::objects::Hold;
use crate::wallets::inputs::{ExternalId, OwnerInput, ServiceReferenceInput};
use crate::wallets::wallet::transactions::Transaction;

/// Amount to pay to an owner.
#[derive(InputObject)]
pub struct PayoutInput {
    /// Amount above 0, in the currency of the hold.
    pub amount: MoneyInput,
    /// Owner to pay.
    pub owner: OwnerInput,
}

/// Final use of a hold.
#[derive(InputObject)]
pub struct HoldSettlementInput {
    /// Amount to settle, above 0, at most the hold; null for the whole hold.
    pub amount: Option<MoneyInput>,
    /// Hold of the calling service.
    pub hold_id: Id<Hold>,
    /// Outcome for the hold's owner.
    pub outcome: SettlementOutcome,
    /// Payouts of a win, 1 to 10; null pays the settled amount to the hold's owner.
    pub payouts: Option<Vec<PayoutInput>>,
}

impl HoldSettlementInput {
    /// The settlement as it is requested.
    pub(super) fn draft(&self) -> SettlementDraft {
        let payout = |payout: &PayoutInput| PayoutDraft {
            owner: payout.owner.0,
            amount: payout.amount.parts(),
        };
        SettlementDraft {
            hold: self.hold_id.key,
            outcome: self.outcome.0,
            amount: self.amount.as_ref().map(MoneyInput::parts),
            payouts: self
                .payouts
                .as_ref()
                .map(|payouts| payouts.iter().map(payout).collect()),
        }
    }
}

mutations! {
    /// Commands on settlements.
    SettlementMutation;

    /// Moves a hold, or a part of it, into the clearing account of its reference and, for a win, pays from that account.
    hold_settle = commands::HOLD_SETTLE, |call| {
        let draft = call.input.settlement.draft();
        async move { commands::hold_settle(call.tx, call.request, &draft).await }.boxed()
    };
    HoldSettleInput(Required) {
        /// The settlement.
        settlement: HoldSettlementInput,
    }
    HoldSettlePayload(SettlementUserError) = |ctx, done: HoldSettled| {
        /// The settlement with the settled hold; null when refused.
        settlement: Loaded<Settlement> = load(ctx, done.settlement.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = Transaction::load_commanded(ctx, done.transaction, done.owners.clone()).await,
    }

    /// Pays from a clearing account to an owner's wallet or to the platform's revenue, by its service, or by finance and a
    /// second person once it is overdue.
    clearing_release = commands::CLEARING_RELEASE, |call| {
        let input = call.input;
        let draft = ReleaseDraft {
            issuer: input.reference.issuer.clone(),
            reference: (input.reference.reference_type.0.clone(), input.reference.reference_id.0.clone()),
            amount: input.amount.parts(),
            payee: input.owner.map(|owner| owner.0),
            external_id: input.external_id.as_ref().map(|id| id.0.clone()),
            reason: input.reason.clone(),
        };
        async move { commands::clearing_release(call.tx, call.request, &draft).await }.boxed()
    };
    ClearingReleaseInput(Required) {
        /// Amount to pay, above 0.
        amount: MoneyInput,
        /// Key of the release, 1 to 128 characters, used once per reference; null without one.
        external_id: Option<ExternalId>,
        /// Owner to pay; null for the platform's revenue.
        owner: Option<OwnerInput>,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
        /// Reference of the clearing account.
        reference: ServiceReferenceInput,
    }
    ClearingReleasePayload(SettlementUserError) = |ctx, done: ClearingReleased| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// The clearing account; null when refused.
        clearing: Loaded<ClearingAccount> = load(ctx, ClearingKey(OwnerId(done.clearing), done.currency)).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> =
            Transaction::load_some_commanded(ctx, done.transaction, done.owners.clone()).await,
    }
}
