//! Holds.

pub mod commands;
pub(super) mod locks;
pub mod queries;
pub(super) mod rows;
