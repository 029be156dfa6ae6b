//! Withdrawals.

pub mod commands;
mod locks;
pub mod payout;
pub mod queries;
mod rows;
