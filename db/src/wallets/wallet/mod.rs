//! Wallets and their entries.

pub mod balances;
pub mod commands;
pub mod entries;
mod freezing;
pub mod queries;
pub(super) mod rows;
pub mod transactions;
pub mod transfers;

pub(crate) use freezing::freeze_all_of;
pub use freezing::freezes_of;
pub(super) use freezing::is_frozen;
pub use transfers::LedgerEntry;
