//! Miners, sessions, streaks, circles, referrals.

pub mod circle;
pub mod configuration;
pub mod miner;
pub(crate) mod points;
pub mod referral;
pub mod session;
pub mod streak;

pub use circle::{CircleSeen, InvitationSeen};
pub use miner::{
    MinerEvent, MinerSeen, PointsChanged, Profile, ReferralChanged, SessionEnded, StatusChanged,
};
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

/// Descriptors of mining's commands, by file.
pub const COMMANDS: &[&[Described]] = &[
    miner::commands::register::COMMANDS,
    miner::commands::decisions::COMMANDS,
    miner::commands::points_adjust::COMMANDS,
    miner::commands::kyc_complete::COMMANDS,
    session::commands::COMMANDS,
    streak::commands::COMMANDS,
    circle::commands::circles::COMMANDS,
    circle::commands::invitations::COMMANDS,
    referral::commands::COMMANDS,
    configuration::commands::COMMANDS,
];
