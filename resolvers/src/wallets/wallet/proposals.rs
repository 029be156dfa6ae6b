//! Commands on wallets that wait for a second person, as members of `ApprovalProposal`.

use db::wallets::wallet::commands::{self, UnfreezeProposal};

use super::objects::{FreezeCause, WalletOwner};
use crate::platform::approval::RegisteredProposal;
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

/// Declares how stored proposals are shown.
macro_rules! shown {
    ($($stored:ty => $shown:ty = $command:expr;)+) => {
        $(impl From<$stored> for $shown {
            fn from(proposal: $stored) -> Self {
                Self::of(proposal)
            }
        })+

        /// Members of `ApprovalProposal`.
        pub(in crate::wallets) const PROPOSALS: &[RegisteredProposal] =
            &[$(RegisteredProposal::new::<$stored, $shown>($command.name)),+];
    };
}
shown! {
    UnfreezeProposal => WalletUnfreezeProposal = commands::WALLET_UNFREEZE;
}
