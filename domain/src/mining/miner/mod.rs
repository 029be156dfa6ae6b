//! Miners: role, status, lifetime points and history.

mod points;
mod refusal;
mod status;

pub use points::{adjust, needs_second_person, points_to_adjust};
pub use refusal::{Barred, KycRefusal, KycRefusalKind, MinerRefusal, MinerRefusalKind};
pub use status::{
    Decided, ban, grant_node_operator, reset_streak, restore, revoke_node_operator, suspend,
};

use super::{Bps, Points, RatePerHour, Streak};
use crate::ids::{CircleId, HistoryId, MinerId, SessionId, UserId};
use crate::time::Timestamp;

/// What a miner is to the platform. The highest that facts or a grant give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everybody: no bonus.
    Pioneer,
    /// Member of a valid circle: +10 %.
    Contributor,
    /// Five or more active referrals: +25 %.
    Ambassador,
    /// Runs a node, granted by an administrator: +50 %.
    NodeOperator,
}

impl Role {
    /// What the role adds to the rate.
    #[must_use]
    pub fn bonus(self) -> Bps {
        Bps(match self {
            Self::Pioneer => 0,
            Self::Contributor => 1_000,
            Self::Ambassador => 2_500,
            Self::NodeOperator => 5_000,
        })
    }
}

/// Whether a miner may mine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MinerStatus {
    /// Yes.
    Active,
    /// Not for the time being.
    Suspended,
    /// Never again.
    Banned,
}

impl MinerStatus {
    /// Checks that the miner is active.
    pub fn may_mine(self) -> Result<(), Barred> {
        match self {
            Self::Active => Ok(()),
            Self::Suspended => Err(Barred::Suspended),
            Self::Banned => Err(Barred::Banned),
        }
    }

    /// Checks that the miner is active or suspended.
    pub fn not_banned(self) -> Result<(), Barred> {
        match self {
            Self::Active | Self::Suspended => Ok(()),
            Self::Banned => Err(Barred::Banned),
        }
    }
}

/// A miner: one per user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miner {
    /// Its id.
    pub id: MinerId,
    /// Whose it is.
    pub user_id: UserId,
    /// What they are to the platform.
    pub role: Role,
    /// Whether they may mine.
    pub status: MinerStatus,
    /// All points ever mined, in ten-thousandths.
    pub lifetime_points: Points,
    /// Their streak as last settled.
    pub streak: Streak,
    /// The code by which others name them as referrer.
    pub referral_code: ReferralCode,
    /// Who brought them.
    pub referred_by: Option<MinerId>,
    /// The circle they are in.
    pub circle_id: Option<CircleId>,
    /// Raised by each change: orders the events about them.
    pub version: i64,
    /// When they registered.
    pub created_at: Timestamp,
    /// When they last changed.
    pub updated_at: Timestamp,
}

/// A referral code: 8 characters of A–Z and 2–9 without the look-alikes I and O.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReferralCode(String);

impl ReferralCode {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// Parses a code, in any case, also as the last segment of a pasted invitation link.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let code = text.rsplit('/').next()?.to_ascii_uppercase();
        (code.len() == 8 && code.bytes().all(|b| Self::ALPHABET.contains(&b))).then_some(Self(code))
    }

    /// Makes a code of eight random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(
            bytes
                .into_iter()
                .map(|byte| {
                    let index = usize::from(byte & 31);
                    char::from(Self::ALPHABET.get(index).copied().unwrap_or(b'A'))
                })
                .collect(),
        )
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ReferralCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a line of history came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistorySource {
    /// A claimed session.
    Session,
    /// The first day of a streak's tier.
    StreakMilestone,
    /// An administrator's correction.
    Adjustment,
    /// Payment for a recovered streak (negative).
    StreakRecovery,
}

/// One line of a miner's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its id.
    pub id: HistoryId,
    /// Whose.
    pub miner_id: MinerId,
    /// How much, in ten-thousandths of a point; negative for what was taken.
    pub points: Points,
    /// Where from.
    pub source: HistorySource,
    /// The session that earned it.
    pub session_id: Option<SessionId>,
    /// When.
    pub earned_at: Timestamp,
    /// The rate of the session, or of the moment.
    pub hourly_rate: RatePerHour,
    /// Length of the streak right after, in days.
    pub streak_days: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_no_look_alikes() {
        let code = ReferralCode::from_random([0, 31, 32, 255, 7, 8, 9, 10]);
        assert_eq!(code.as_str(), "A9A9HJKL");
        assert_eq!(ReferralCode::parse(" a9a9hjkl "), Some(code.clone()));
        let link = "https://goodgo.app/invite/A9A9HJKL/";
        assert_eq!(ReferralCode::parse(link), Some(code));
        for bad in [
            "",
            "A9A9HJK",
            "A9A9HJKL2",
            "A9A9HJKI",
            "A9A9HJK0",
            "Á9A9HJK",
        ] {
            assert_eq!(ReferralCode::parse(bad), None, "{bad}");
        }
    }
}
