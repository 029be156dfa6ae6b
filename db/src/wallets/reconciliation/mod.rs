//! Reconciliation: the checker of the ledger and its stored runs.

pub mod checker;
