//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

pub mod checker;
pub(crate) mod freezing;
pub mod posting;
pub mod queries;
mod rows;

pub use rows::LedgerEntry;
