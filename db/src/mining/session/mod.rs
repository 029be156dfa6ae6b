//! Sessions: start, claim, and what time makes of them.

pub mod commands;
pub mod queries;
pub(crate) mod rows;

pub use rows::SessionSeen;
