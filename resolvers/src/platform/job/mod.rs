//! Background jobs.

pub(crate) mod objects;
pub(crate) mod queries;
