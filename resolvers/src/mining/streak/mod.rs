//! Streaks.

pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod refusals;
