//! Miners, sessions, streaks, circles, referrals.

pub mod commands;
pub mod queries;
mod rows;

pub use rows::{MinerSeen, SessionSeen};
