//! Mining's types. A `Miner` is for its owner and staff; everybody else sees a `MinerProfile`.

mod circle;
mod circle_inputs;
mod circle_invitation;
mod enums;
mod history;
mod inputs;
mod leaderboard;
mod miner;
mod profile;
mod rate;
mod referral;
mod referral_overview;
mod refusals;
mod session;
mod streak;

use domain::mining::{Bps, RatePerHour};

pub use circle::{Circle, CircleConnection};
pub use circle_inputs::{CircleBy, CircleFilter, CircleInvitationBy, CircleInviteeBy};
pub(crate) use circle_inputs::{invitation_id, profile_id};
pub use circle_invitation::{CircleInvitation, CircleInvitationConnection};
pub use enums::{
    CircleInvitationStatus, CircleStatus, MinerRole, MinerStatus, MiningHistorySource,
    MiningSessionStatus, ReferralStatus, StreakStatus,
};
pub use history::{MiningHistoryConnection, MiningHistoryEntry};
pub use inputs::{MinerBy, MinerFilter, MinerOrder, OrderDirection, ReferralFilter};
pub use leaderboard::{Leaderboard, LeaderboardEntry, RankPrecision};
pub use miner::{Miner, MinerConnection};
pub use profile::MinerProfile;
pub use rate::MiningRate;
pub use referral::Referral;
pub(super) use referral_overview::LIST as REFERRALS;
pub use referral_overview::{ReferralConnection, ReferralOverview};
pub use refusals::MiningUserError;
pub use session::MiningSession;
pub use streak::MiningStreak;

use crate::scalars::Decimal;

/// A share of a rate.
pub(crate) fn share(bonus: Bps) -> Decimal {
    Decimal(bonus.to_decimal())
}

/// Points an hour.
pub(crate) fn per_hour(rate: RatePerHour) -> Decimal {
    Decimal(rate.to_decimal())
}

/// Days and members, which never come near the limit of 32 bits.
pub(crate) fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}
