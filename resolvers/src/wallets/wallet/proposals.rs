//! Commands on wallets that wait for a second person, as members of `ApprovalProposal`.

use db::wallets::wallet::commands::{self, UnfreezeProposal};

use super::objects::{FreezeCause, WalletOwner};
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

proposals! {
    UnfreezeProposal => WalletUnfreezeProposal = commands::WALLET_UNFREEZE;
}
