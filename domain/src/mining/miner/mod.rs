//! Miners: role, status, lifetime points and history.

mod points;
mod refusal;
mod status;

pub use points::*;
pub use refusal::*;
pub use status::*;

use super::{Bps, Points, RatePerHour, Streak};
use crate::code::{is_code, letters};
use crate::ids::{CircleId, HistoryId, MinerId, SessionId, UserId};
use crate::named::named;
use crate::text;
use crate::time::Timestamp;

named! {
    /// Roles of a miner, each with a bonus rate.
    Role, "MinerRole";

    /// Every other miner; bonus rate 0.
    Pioneer = "PIONEER";
    /// Member of a valid circle; bonus rate 0.10.
    Contributor = "CONTRIBUTOR";
    /// Five or more active referrals; bonus rate 0.25.
    Ambassador = "AMBASSADOR";
    /// Granted by an administrator; bonus rate 0.50.
    NodeOperator = "NODE_OPERATOR";
}

impl Role {
    /// Bonus rate of the role.
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

named! {
    /// Statuses of a miner.
    MinerStatus;

    /// May mine.
    Active = "ACTIVE";
    /// May not start or claim sessions until restored.
    Suspended = "SUSPENDED";
    /// Banned permanently: may not mine.
    Banned = "BANNED";
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
    /// Role.
    pub role: Role,
    /// Status.
    pub status: MinerStatus,
    /// Lifetime mined points, in ten-thousandths. Spending points does not reduce them.
    pub lifetime_points: Points,
    /// Streak as of the last start or claim.
    pub streak: Streak,
    /// Code that other miners apply to name this miner as referrer.
    pub referral_code: ReferralCode,
    /// The miner's referrer.
    pub referred_by: Option<UserId>,
    /// The miner's circle.
    pub circle_id: Option<CircleId>,
    /// Whether the circle has enough members for the bonus.
    pub is_circle_valid: bool,
    /// Last time the miner left a circle in a way that starts the cooldown.
    pub circle_left_at: Option<Timestamp>,
    /// Version, raised by each change; orders the miner's events.
    pub version: i64,
    /// Time of registration.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A referral code: 8 characters of A–Z and 2–9 without the look-alikes I and O.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReferralCode(String);

impl ReferralCode {
    /// Parses a code as people paste it: in any case, in full-width letters, with blanks, dashes or invisible
    /// characters, or as the last part of an invite link.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::exact(text).or_else(|| {
            let text = text::plain(text);
            let code = last_part(&text)
                .chars()
                .filter(|char| char.is_alphanumeric());
            Self::exact(&code.collect::<String>().to_ascii_uppercase())
        })
    }

    fn exact(code: &str) -> Option<Self> {
        (code.len() == 8 && is_code(code)).then(|| Self(code.to_owned()))
    }

    /// Makes a code from eight random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(letters(bytes))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The last part of a link's path, without a file's extension; of other texts the text.
fn last_part(text: &str) -> &str {
    let link = match text.split_once("://") {
        Some((_, link)) => link.split_whitespace().next().unwrap_or_default(),
        None => text.trim(),
    };
    let path = link.split('?').next().unwrap_or_default();
    let part = path.trim_end_matches('/').rsplit('/').next();
    let code = part.and_then(|part| part.split(['.', '#']).next());
    code.unwrap_or_default()
}

impl std::fmt::Debug for ReferralCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

named! {
    /// Causes of a change of points.
    HistorySource, "MiningHistorySource";

    /// Reward of a session.
    Session = "SESSION";
    /// First day of a streak tier.
    StreakMilestone = "STREAK_MILESTONE";
    /// Adjustment by staff, either sign.
    Adjustment = "ADJUSTMENT";
    /// Price of a recovered streak, negative; lifetime points stay.
    StreakRecovery = "STREAK_RECOVERY";
}

/// An entry of a miner's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its id.
    pub id: HistoryId,
    /// Points in ten-thousandths; negative when they were taken.
    pub points: Points,
    /// Cause.
    pub source: HistorySource,
    /// Session that earned the points.
    pub session_id: Option<SessionId>,
    /// Time of the change.
    pub earned_at: Timestamp,
    /// Rate of the session, or the rate at that time.
    pub hourly_rate: RatePerHour,
    /// Days of the streak afterwards.
    pub streak_days: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_no_lookalikes() {
        let code = ReferralCode::from_random([0, 31, 32, 255, 7, 8, 9, 10]);
        assert_eq!(code.as_str(), "A9A9HJKL");
        assert_eq!(ReferralCode::parse(" a9a9hjkl "), Some(code.clone()));
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
    #[test]
    fn parses_codes_as_people_paste_them() {
        for pasted in [
            "a9a9hjkl",
            " A9A9HJKL\n",
            "A9A9-HJKL",
            "A9A9 HJKL",
            "a9a9\u{2011}hjkl",
            "A9A9\u{2013}HJKL",
            "\u{FF21}\u{FF19}\u{FF41}\u{FF19}\u{FF0D}\u{FF28}\u{FF2A}\u{FF2B}\u{FF2C}",
            "A9A9HJKL\u{200B}",
            "\u{FEFF}A9A9\u{AD}HJKL\u{2069}",
            "\"A9A9HJKL\".",
            "https://goodgo.app/invite/A9A9HJKL",
            "https://goodgo.app/invite/A9A9HJKL/",
            "https://goodgo.app/invite/A9A9HJKL\u{200B}",
            "https://goodgo.app/invite/a9a9-hjkl?utm_source=WHATSAPP&next=/FACEBKXX",
            "https://goodgo.app/invite/A9A9HJKL#WHATSAPP",
            "http://localhost:3000/#/join/A9A9HJKL",
            "goodgo.app/invite/A9A9HJKL",
            "Join me? https://goodgo.app/invite/A9A9HJKL today",
            "https://api.goodgo.app/invites/A9A9HJKL.svg",
        ] {
            let code = ReferralCode::parse(pasted);
            let code = code.as_ref().map(ReferralCode::as_str);
            assert_eq!(code, Some("A9A9HJKL"), "{pasted:?}");
        }
        for bad in [
            "https://goodgo.app/invite",
            "https://",
            "A9A9HJKL A9A9HJKL",
            "https://goodgo.app/?c=A9A9HJKL",
        ] {
            assert_eq!(ReferralCode::parse(bad), None, "{bad:?}");
        }
    }
}
