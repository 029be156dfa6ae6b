//! What belongs to no context alone: the caller, nodes, the server.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod configuration;
pub(crate) mod jobs;
pub(crate) mod loaders;
pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod queries;
