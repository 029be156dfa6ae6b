//! Wallets and their entries.

mod freezing;
pub mod queries;
pub(super) mod rows;

pub(crate) use freezing::freeze_all_of;
pub use rows::LedgerEntry;
