//! Deposits.

pub mod commands;
pub mod queries;
mod rows;
mod sums;
