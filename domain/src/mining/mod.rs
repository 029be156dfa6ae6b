//! Mining: miners earn points in sessions, with streaks, security circles and referrals.

pub mod circle;
mod configuration;
pub mod miner;
mod rate;
pub mod referral;
mod refusal;
#[cfg(test)]
mod samples;
pub mod session;
pub mod streak;

pub use circle::{
    Circle, CircleInvitation, CircleMember, CircleRefusal, CircleRefusalKind, CircleStatus,
    InvitationRefusal, InvitationRefusalKind, InvitationStatus,
};
pub use configuration::{
    Configuration, MiningConfiguration, MiningDraft, ReferralConfiguration, ReferralDraft,
    StreakConfiguration, StreakDraft, StreakTier, TierDraft,
};
pub use miner::{
    Barred, Decided, HistoryEntry, HistorySource, KycRefusal, KycRefusalKind, Miner, MinerRefusal,
    MinerRefusalKind, MinerStatus, ReferralCode, Role,
};
pub use rate::{Bps, POINTS_SCALE, Points, Rate, RateFacts, RatePerHour};
pub use referral::{Application, Applied, ReferralRefusal, ReferralRefusalKind, ReferralStatus};
pub use session::{
    Claim, Session, SessionRefusal, SessionRefusalKind, SessionState, SessionStatus, Start,
    StartInput,
};
pub use streak::{
    BrokenRun, Due, Judgement, Milestone, Recovered, Recovery, Settled, Streak, StreakRefusal,
    StreakRefusalKind, StreakView,
};
