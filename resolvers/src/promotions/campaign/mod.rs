//! Campaigns.

pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod proposals;
pub(crate) mod queries;
pub(crate) mod refusals;
pub(crate) mod viewer;
