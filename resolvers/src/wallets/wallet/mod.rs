//! Wallets and their entries.

pub(crate) mod objects;
pub(crate) mod queries;
pub(crate) mod subscriptions;
pub(crate) mod transactions;
pub(crate) mod viewer;
