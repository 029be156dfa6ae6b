//! Commands on wallets, treasuries and accounts of the house that wait for a second person, as members of
//! `ApprovalProposal`.

use db::wallets::wallet::commands::{
    self, FundingProposal, HouseTransferProposal as StoredTransfer, ReversalProposal,
    UnfreezeProposal,
};

use super::objects::{FreezeCause, HouseAccount, Money, WalletOwner};
use super::transactions::Transaction;
use crate::platform::approval::proposals;
use crate::prelude::*;

object! {
    /// Proposed `walletUnfreeze`.
    WalletUnfreezeProposal(proposal: UnfreezeProposal) {
        /// Cause to lift.
        cause: FreezeCause = proposal.cause.into(),
        /// Owner.
        owner: WalletOwner = WalletOwner::of(proposal.owner.into()),
    }
}

object! {
    /// Proposed `treasuryFund`.
    TreasuryFundProposal(proposal: FundingProposal) {
        /// Amount to move to the campaign's treasury.
        amount: Money = Money::of_decimal(proposal.amount, proposal.currency),
        /// Key of the rewards campaign.
        campaign_id: Uuid = proposal.campaign_id,
        /// Service that may mint rewards from it.
        issuer: String = proposal.issuer,
        /// Service that could mint from it at the request; null before the treasury's first funding.
        present_issuer: Option<String> = proposal.present_issuer,
    }
}

object! {
    /// Proposed `houseTransfer`.
    HouseTransferProposal(proposal: StoredTransfer) {
        /// Amount to move.
        amount: Money = Money::of_decimal(proposal.amount, proposal.currency),
        /// Account to take from.
        from: HouseAccount = proposal.from.into(),
        /// External reference.
        reference: String = proposal.reference,
        /// Account to give to.
        to: HouseAccount = proposal.to.into(),
    }
}

object! {
    /// Proposed `transactionReverse`.
    TransactionReverseProposal(proposal: ReversalProposal) {
        /// Transaction to reverse.
        transaction: Edge<Transaction> = Edge::to(TransactionId(proposal.transaction_id)),
    }
}

proposals! {
    UnfreezeProposal => WalletUnfreezeProposal = commands::WALLET_UNFREEZE;
    FundingProposal => TreasuryFundProposal = commands::TREASURY_FUND;
    StoredTransfer => HouseTransferProposal = commands::HOUSE_TRANSFER;
    ReversalProposal => TransactionReverseProposal = commands::TRANSACTION_REVERSE;
}
