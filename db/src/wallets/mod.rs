//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

pub mod posting;
pub mod reconciliation;
pub mod wallet;

pub use wallet::LedgerEntry;
pub(crate) use wallet::{currencies, freeze_all_of};
