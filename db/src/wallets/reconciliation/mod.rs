//! Reconciliation: the checker of the ledger and its stored runs.

pub mod checker;
pub mod commands;
pub mod queries;
mod rows;

pub use rows::ReconciliationRun;
