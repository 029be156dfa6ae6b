//! Sessions: start, claim, and changes by time alone.

pub mod commands;
pub mod queries;
pub(crate) mod rows;
pub mod settle;

pub use rows::SessionSeen;
