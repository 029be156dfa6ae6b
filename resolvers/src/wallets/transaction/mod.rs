//! Business events of the ledger.

pub(crate) mod objects;
