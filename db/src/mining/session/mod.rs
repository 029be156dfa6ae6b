//! Sessions: start, claim, and changes by time alone.

pub mod commands;
pub mod queries;
pub(crate) mod rows;

pub use rows::SessionSeen;
