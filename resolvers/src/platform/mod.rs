//! What belongs to no context alone: the caller, nodes, the server.

pub(crate) mod jobs;
pub(crate) mod objects;
pub(crate) mod queries;
