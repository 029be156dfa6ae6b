//! Wallets and their entries.

mod freezing;
pub mod queries;
mod rows;

pub(crate) use freezing::freeze_all_of;
pub(crate) use queries::currencies;
pub use rows::LedgerEntry;
