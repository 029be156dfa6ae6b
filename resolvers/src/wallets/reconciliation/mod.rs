//! Reconciliation: runs of the ledger's checker, and what waits for attention.

pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod queries;
pub(crate) mod refusals;
