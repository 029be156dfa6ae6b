//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

mod constants;
mod locks;
pub mod posting;
pub mod reconciliation;
pub mod wallet;
mod writes;

pub(crate) use constants::{Constants, constants};
pub use wallet::LedgerEntry;
pub(crate) use wallet::freeze_all_of;
