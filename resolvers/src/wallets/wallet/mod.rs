//! Wallets and their entries.

pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod proposals;
pub(crate) mod queries;
pub(crate) mod refusals;
pub(crate) mod statement;
pub(crate) mod subscriptions;
pub(crate) mod trail;
pub(crate) mod transactions;
pub(crate) mod transfers;
pub(crate) mod viewer;
