//! States and roles.

use async_graphql::Enum;
use domain::mining as rules;

/// What a miner is to the platform: the highest role that facts or a grant give.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::Role")]
pub enum MinerRole {
    /// Everybody: no bonus.
    Pioneer,
    /// Member of a valid circle: +10 %.
    Contributor,
    /// Five or more active referrals: +25 %.
    Ambassador,
    /// Runs a node, granted by an administrator: +50 %.
    NodeOperator,
}

/// Whether a miner may mine.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::MinerStatus")]
pub enum MinerStatus {
    /// Yes.
    Active,
    /// Not for the time being.
    Suspended,
    /// Never again.
    Banned,
}

/// Where a session stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::SessionStatus")]
pub enum MiningSessionStatus {
    /// Runs.
    Active,
    /// Complete: waits to be claimed.
    Completed,
    /// Paid.
    Claimed,
    /// Not claimed in time, or ended by a ban.
    Expired,
}

/// Where a circle stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::CircleStatus")]
pub enum CircleStatus {
    /// Fewer than three members: no bonus yet.
    Incomplete,
    /// Three to five members: its members earn the bonus.
    Active,
    /// Ended for good.
    Disbanded,
}

/// Where an invitation into a circle stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::InvitationStatus")]
pub enum CircleInvitationStatus {
    /// Waits for an answer.
    Pending,
    /// The invitee joined by it.
    Accepted,
    /// The invitee doesn't want to.
    Declined,
    /// The owner took it back, the circle was disbanded, or the invitee was banned.
    Cancelled,
    /// Nobody answered within 7 days.
    Expired,
}

/// Where a referral stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::ReferralStatus")]
pub enum ReferralStatus {
    /// Waits for the referred person's KYC.
    Pending,
    /// Adds its bonus to the referrer's rate.
    Active,
    /// Adds nothing: the referred miner is suspended or banned.
    Inactive,
}

/// Where a line of history came from.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::HistorySource")]
pub enum MiningHistorySource {
    /// A claimed session.
    Session,
    /// The first day of a streak's tier.
    StreakMilestone,
    /// An administrator's correction.
    Adjustment,
    /// Payment for a recovered streak (negative).
    StreakRecovery,
}

/// What a moment means for a streak.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreakStatus {
    /// The next claim is not late, or there is nothing to lose.
    OnTime,
    /// Late: a claim now is forgiven, once.
    Grace,
    /// Late: a claim now uses freeze tokens.
    Frozen,
    /// Lost.
    Broken,
}
