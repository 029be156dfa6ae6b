//! Mining: people earn points in sessions, with streaks, security circles and referrals.

pub mod circle;
mod configuration;
mod draft;
mod miner;
mod points;
mod rate;
mod referral;
#[cfg(test)]
mod samples;
mod session;
mod standing;
mod streak;

pub use circle::{
    Circle, CircleInvitation, CircleMember, CircleRefusal, CircleStatus, InvitationStatus,
};
pub use configuration::{
    Configuration, MiningConfiguration, ReferralConfiguration, StreakConfiguration, StreakTier,
};
pub use draft::{
    MiningDraft, ReferralDraft, SettingProblem, SettingRefusal, StreakDraft, TierDraft,
};
pub use miner::{HistoryEntry, HistorySource, Miner, MinerStatus, ReferralCode, Role};
pub use points::{Recovery, adjust, correction, recover};
pub use rate::{Bps, POINTS_SCALE, Points, Rate, RateFacts, RatePerHour};
pub use referral::{Application, Applied, ReferralStatus, apply};
pub use session::{Claim, Session, SessionState, SessionStatus, Start, StartInput, claim, start};
pub use standing::{Decided, RoleChange, ban, reset_streak, restore, set_role, suspend};
pub use streak::{BrokenRun, Due, Judgement, Milestone, Recovered, Settled, Streak, StreakView};

use crate::time::Timestamp;

/// Why mining says no. The texts are for people; `MiningRefusal` itself is what programs compare.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MiningRefusal {
    /// The user has no miner yet.
    #[error("you have no miner yet: register one first")]
    MinerNotFound,
    /// The miner is suspended.
    #[error("this miner is suspended")]
    MinerSuspended,
    /// The miner is banned.
    #[error("this miner is banned")]
    MinerBanned,
    /// Mining is switched off for everybody.
    #[error("mining is switched off at the moment")]
    MiningDisabled,
    /// A session is running.
    #[error("a session is running until {ends_at}")]
    SessionActive {
        /// When it ends.
        ends_at: Timestamp,
    },
    /// A complete session waits to be claimed.
    #[error("claim the session that is complete before starting another")]
    SessionUnclaimed,
    /// As many sessions as allowed have been started this UTC day.
    #[error("no more than {limit} sessions can be started a day (UTC)")]
    DailySessionLimit {
        /// How many are allowed.
        limit: u32,
    },
    /// There is nothing to claim.
    #[error("there is no session to claim: start one")]
    SessionNotFound,
    /// The last session was claimed already.
    #[error("the last session has been claimed already")]
    SessionAlreadyClaimed,
    /// The session still runs.
    #[error("the session runs until {ends_at}")]
    SessionNotComplete {
        /// When it ends.
        ends_at: Timestamp,
    },
    /// The session was not claimed in time.
    #[error("the session was not claimed within its time")]
    SessionExpired,
    /// Nobody active has this referral code.
    #[error("no active miner has this referral code")]
    ReferralCodeUnknown,
    /// Somebody brought this miner already: once is for ever.
    #[error("somebody has referred you already: that can't be changed")]
    AlreadyReferred,
    /// The code is the miner's own.
    #[error("this is your own referral code")]
    OwnReferralCode,
    /// The code is of somebody the miner brought, directly or through others.
    #[error("you have referred this person yourself, directly or through others")]
    ReferralCycle,
    /// The identity of nobody is verified in the future.
    #[error("`completedAt` is in the future")]
    KycInFuture,
    /// There is no such miner (staff).
    #[error("there is no such miner")]
    NotFound,
    /// The miner is the staff member's own.
    #[error("this is your own miner: somebody else has to decide about it")]
    OwnAccount,
    /// Only a suspended miner can be restored.
    #[error("this miner is not suspended")]
    MinerNotSuspended,
    /// There is no streak, and none that could be recovered.
    #[error("this miner has no streak to reset")]
    StreakNotFound,
    /// No run was broken in the last days, or it was recovered already.
    #[error("there is no streak to recover: a broken one can be for 7 days")]
    StreakNotRecoverable,
    /// The present run is late beyond help.
    #[error("your streak is late again and would be lost at once: start a session first")]
    StreakLate,
    /// An amount of points is nothing, too much, or too fine.
    #[error("points are not 0, at most 1000000000000, and have at most 4 decimals")]
    PointsInvalid,
    /// There are fewer points than that.
    #[error("there are only {} points", .available.to_decimal(4))]
    InsufficientPoints {
        /// What is there.
        available: Points,
    },
    /// Nothing may leave the wallet.
    #[error("this wallet is frozen")]
    WalletFrozen,
    /// The miner has the role already, or doesn't have it.
    #[error("this would change nothing about the miner's role")]
    RoleUnchanged,
    /// A reason is missing, too long, or can't be stored.
    #[error("give a reason of 1 to 500 characters")]
    ReasonInvalid,
    /// A rule of circles says no.
    #[error(transparent)]
    Circle(#[from] CircleRefusal),
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] SettingRefusal),
    /// The section was changed since it was read.
    #[error("somebody changed this since: version {version} is in force, look at it first")]
    ConfigurationStale {
        /// The version in force.
        version: i32,
    },
    /// No section is given.
    #[error("give at least one section to change")]
    NothingToChange,
    /// One of several sections is refused.
    #[error("{refusal}")]
    Section {
        /// Its name.
        section: &'static str,
        /// Why.
        refusal: Box<MiningRefusal>,
    },
}
