//! Commands on clearing accounts that wait for a second person, as members of `ApprovalProposal`.

use db::wallets::settlement::commands::{self, ReleaseProposal};

use super::objects::{ClearingAccount, ClearingKey};
use crate::eager::ReadyOption;
use crate::platform::approval::proposals;
use crate::prelude::*;
use crate::wallets::wallet::objects::{Money, WalletOwner};

object! {
    /// Proposed `clearingRelease`.
    ClearingReleaseProposal(proposal: ReleaseProposal) {
        /// Amount to pay.
        amount: Money = Money::of_decimal(proposal.amount, proposal.currency),
        /// Clearing account.
        clearing: Edge<ClearingAccount> = Edge::to(ClearingKey(OwnerId(proposal.clearing_id), proposal.currency)),
        /// Owner to pay; null for the platform's revenue.
        owner: ReadyOption<WalletOwner> = ReadyOption(proposal.owner.map(|owner| WalletOwner::of(owner.into()))),
    }
}

proposals! {
    ReleaseProposal => ClearingReleaseProposal = commands::CLEARING_RELEASE;
}
