//! Miners, their profiles, history and places.

pub(crate) mod leaderboard;
pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod profile;
pub(crate) mod queries;
pub(crate) mod ranks;
pub(crate) mod refusals;
pub(crate) mod subscriptions;
pub(crate) mod viewer;
