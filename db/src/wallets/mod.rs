//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

pub mod configuration;
mod constants;
mod locks;
pub mod posting;
pub mod reconciliation;
pub mod wallet;
mod writes;

use domain::wallets::WalletOwner;

use crate::Owner;
use crate::command::Described;

pub(crate) use constants::{Constants, CurrentConstants, constants, constants_subject};
pub use wallet::LedgerEntry;
pub(crate) use wallet::freeze_all_of;

/// Descriptors of the context's commands.
pub const COMMANDS: &[&[Described]] = &[configuration::commands::COMMANDS];

impl From<WalletOwner> for Owner {
    fn from(owner: WalletOwner) -> Self {
        Self {
            id: owner.id,
            kind: owner.kind.name(),
        }
    }
}
