//! Wallets and their entries.

pub mod commands;
mod freezing;
pub mod queries;
pub(super) mod rows;
pub mod transactions;

pub(crate) use freezing::freeze_all_of;
pub use freezing::freezes_of;
pub use rows::LedgerEntry;
