//! Wallets in GraphQL.

pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod objects;
pub(crate) mod queries;
pub(crate) mod subscriptions;
