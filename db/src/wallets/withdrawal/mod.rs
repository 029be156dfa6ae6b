//! Withdrawals.

pub mod commands;
mod ending;
mod locks;
pub mod payout;
pub mod queries;
mod rows;
