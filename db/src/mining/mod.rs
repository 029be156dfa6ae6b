//! Miners, sessions, streaks, circles, referrals.

pub mod commands;
pub mod queries;
pub mod referrals;
pub(crate) mod rows;

pub use rows::{MinerSeen, Profile, Referral, SessionSeen};
