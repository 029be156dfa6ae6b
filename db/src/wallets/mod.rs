//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

mod constants;
mod locks;
pub mod posting;
pub mod reconciliation;
pub mod wallet;
mod writes;

use domain::wallets::WalletOwner;

use crate::Owner;

pub(crate) use constants::{Constants, constants};
pub use wallet::LedgerEntry;
pub(crate) use wallet::freeze_all_of;

impl From<WalletOwner> for Owner {
    fn from(owner: WalletOwner) -> Self {
        Self {
            id: owner.id,
            kind: owner.kind.name(),
        }
    }
}
