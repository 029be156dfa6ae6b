//! Root fields of Mutation about wallets as a whole, treasuries and accounts of the house.

use db::wallets::wallet::commands::{
    self, FundingDraft, HouseTransferDraft, OwnerDecision, OwnerKey, RewardDraft, RewardMinted,
    TreasuryFunded, WalletUnfrozen,
};
use domain::wallets::wallet as rules;

use super::objects::{FreezeCause, HouseAccount, WalletOwner};
use super::refusals::WalletUserError;
use super::transactions::Transaction;
use crate::platform::approval::objects::Approval;
use crate::prelude::*;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::inputs::{
    ClaimReference, ExternalId, ExternalReference, ObjectKey, OwnerInput,
};

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
    WalletFreezePayload(WalletUserError) = |ctx, owner: OwnerKey| {
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

mutations! {
    /// Commands on treasuries and accounts of the house.
    HouseMutation;

    /// Moves money from the platform's treasury to that of a rewards campaign; the command waits for a second person when it
    /// names another service than the treasury's present one, and when its amount and those that the caller moved alone in this
    /// hour and the 24 before exceed the currency's `dualControlLimit`.
    treasury_fund = commands::TREASURY_FUND, |call| {
        let input = call.input;
        let draft = FundingDraft {
            campaign: input.campaign_id.0,
            amount: input.amount.parts(),
            issuer: input.issuer.clone(),
            external_id: input.external_id.as_ref().map(|id| id.0.clone()),
            reason: input.reason.clone(),
        };
        async move { commands::treasury_fund(call.tx, call.request, &draft).await }.boxed()
    };
    TreasuryFundInput(Required) {
        /// Amount to move, above 0.
        amount: MoneyInput,
        /// Key of the rewards campaign.
        campaign_id: ObjectKey,
        /// Key of the funding, 1 to 128 characters, used once per campaign; null without one.
        external_id: Option<ExternalId>,
        /// Name of the service that may mint rewards from the treasury; that of the newest funding counts, unless it is reversed.
        issuer: String,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    TreasuryFundPayload(WalletUserError) = |ctx, done: TreasuryFunded| {
        /// Approval that the command waits for; null when it took effect or was refused.
        approval: Loaded<Approval> = load_some(ctx, done.approval_id.map(ApprovalId)).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> =
            Transaction::load_some_commanded(ctx, done.transaction, [done.campaign]).await,
    }

    /// Pays a reward from a campaign's treasury to a user, once per campaign, claimant and claim; repeating it returns the
    /// first receipt.
    reward_mint = commands::REWARD_MINT, |call| {
        let input = call.input;
        let draft = RewardDraft {
            campaign: input.campaign_id.0,
            user: UserId(input.user_id.0),
            claim: input.claim_reference.0.clone(),
            amount: input.amount.parts(),
        };
        async move { commands::reward_mint(call.tx, call.request, &draft).await }.boxed()
    };
    RewardMintInput(Required) {
        /// Amount of the reward, above 0.
        amount: MoneyInput,
        /// Key of the rewards campaign.
        campaign_id: ObjectKey,
        /// Key of the claim, 1 to 128 characters.
        claim_reference: ClaimReference,
        /// Subject of the claimant's tokens.
        user_id: ObjectKey,
    }
    RewardMintPayload(WalletUserError) = |ctx, done: RewardMinted| {
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> = Transaction::load_commanded(ctx, done.transaction, done.owners).await,
    }

    /// Moves money between two accounts of the house; the command always waits for a second person.
    house_transfer = commands::HOUSE_TRANSFER, |call| {
        let input = call.input;
        let draft = HouseTransferDraft {
            from: input.from.0,
            to: input.to.0,
            amount: input.amount.parts(),
            reference: input.reference.0.clone(),
            reason: input.reason.clone(),
        };
        async move { commands::house_transfer(call.tx, call.request, &draft).await }.boxed()
    };
    HouseTransferInput(Required) {
        /// Amount to move, above 0.
        amount: MoneyInput,
        /// Account to take from.
        from: HouseAccount,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
        /// External reference, 1 to 128 characters, used once.
        reference: ExternalReference,
        /// Account to give to.
        to: HouseAccount,
    }
    HouseTransferPayload(WalletUserError) = |ctx, approval: Uuid| {
        /// Approval that the command waits for; null when it was refused.
        approval: Loaded<Approval> = load(ctx, ApprovalId(approval)).await,
    }

    /// Posts every leg of a transaction the other way round, once; the command always waits for a second person.
    transaction_reverse = commands::TRANSACTION_REVERSE, |call| {
        let (id, reason) = (call.input.transaction_id.key, &call.input.reason);
        commands::transaction_reverse(call.tx, call.request, id, reason).boxed()
    };
    TransactionReverseInput(Required) {
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
        /// Transaction of a deposit, reward, treasury funding or clearing release.
        transaction_id: Id<Transaction>,
    }
    TransactionReversePayload(WalletUserError) = |ctx, approval: Uuid| {
        /// Approval that the command waits for; null when it was refused.
        approval: Loaded<Approval> = load(ctx, ApprovalId(approval)).await,
    }
}
