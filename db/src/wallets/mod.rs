//! The ledger. Only this folder names its tables; other contexts post through [`posting`].

pub mod checker;
pub mod posting;
pub mod queries;
mod rows;

pub use rows::LedgerEntry;
