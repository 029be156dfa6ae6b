//! Settlements and clearing accounts.

pub mod commands;
pub mod queries;
mod rows;

pub use rows::ClearingAccount;
pub(super) use rows::update_clearing;
