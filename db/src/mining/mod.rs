//! Miners, sessions, streaks, circles, referrals.

pub mod circle;
pub mod configuration;
mod events;
pub mod miner;
pub(crate) mod points;
pub mod referral;
pub mod session;
pub mod streak;

pub use circle::{CircleSeen, InvitationSeen};
pub use events::{
    InvitationChanged, MiningEvent, PointsChanged, ReferralChanged, SessionEnded, StatusChanged,
};
pub use miner::{MinerSeen, Profile};
pub use referral::Referral;
pub use session::SessionSeen;

use domain::mining::{
    CircleRefusal, InvitationRefusal, KycRefusal, MinerRefusal, ReferralRefusal, SessionRefusal,
    StreakRefusal,
};

use crate::command::{Described, refusable};

refusable!(
    CircleRefusal,
    InvitationRefusal,
    KycRefusal,
    MinerRefusal,
    ReferralRefusal,
    SessionRefusal,
    StreakRefusal,
);

/// Descriptors of mining's commands, by aggregate.
pub const COMMANDS: &[&[Described]] = &[
    miner::commands::COMMANDS,
    session::commands::COMMANDS,
    streak::commands::COMMANDS,
    circle::commands::COMMANDS,
    referral::commands::COMMANDS,
    configuration::commands::COMMANDS,
];
