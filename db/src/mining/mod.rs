//! Miners, sessions, streaks, circles, referrals.

pub mod circles;
pub mod commands;
pub mod queries;
pub mod referrals;
pub(crate) mod rows;

pub use circles::{CircleSeen, InvitationSeen};
pub use rows::{MinerSeen, Profile, Referral, SessionSeen};
