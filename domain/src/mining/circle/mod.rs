//! Security circles: three to five miners who vouch for each other.

mod invitation;
mod refusal;
mod rules;
#[cfg(test)]
mod tests;

pub use invitation::*;
pub use refusal::*;
pub use rules::*;

use super::Bps;
use crate::ids::{CircleId, MinerId};
use crate::named::named;
use crate::text::{self, bounded_text};
use crate::time::Timestamp;

named! {
    /// States of a circle.
    CircleStatus;

    /// Fewer than three members.
    Incomplete = "INCOMPLETE";
    /// Three to five members.
    Active = "ACTIVE";
    /// Ended for good.
    Disbanded = "DISBANDED";
}

impl CircleStatus {
    /// The state of a circle with this number of active members.
    #[must_use]
    pub fn of(members: usize) -> Self {
        match members {
            0 => Self::Disbanded,
            1 | 2 => Self::Incomplete,
            _ => Self::Active,
        }
    }
}

named! {
    /// Cause of the end of a membership.
    Exit;

    /// The member left.
    Left = "LEFT";

    /// The owner removed the member.
    Removed = "REMOVED";

    /// The member was banned.
    Banned = "BANNED";

    /// The circle was disbanded.
    Disbanded = "DISBANDED";

    /// The circle was disbanded and the member was its owner.
    DisbandedAsOwner = "DISBANDED_AS_OWNER";
}

impl Exit {
    /// Whether the exit starts the cooldown of the former member and of the freed place.
    #[must_use]
    pub fn cools(self) -> bool {
        self != Self::Disbanded
    }
}

bounded_text! {
    /// A circle's name: 1 to 100 characters.
    CircleName(100) = text::parse;
}

/// A circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// Its id.
    pub id: CircleId,
    /// The miner who created it, always its first member.
    pub owner_id: MinerId,
    /// 1 to 100 characters.
    pub name: String,
    /// State.
    pub status: CircleStatus,
    /// Number of active members, the owner included.
    pub member_count: u32,
    /// Version, raised by one with each event; orders the circle's events.
    pub version: i64,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

impl Circle {
    /// Largest number of active members.
    pub const MOST_MEMBERS: usize = 5;

    /// Bonus rate of the members of a valid circle.
    pub const VALID_BONUS: Bps = Bps(2_500);

    /// Whether the members earn the bonus: the circle is active and has three members or more.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.status == CircleStatus::Active && self.member_count >= 3
    }

    /// Trust score: 60, 80 or 100 with 3, 4 or 5 members, else 0.
    #[must_use]
    pub fn trust_score(&self) -> u8 {
        match (self.status, self.member_count) {
            (CircleStatus::Active, 3) => 60,
            (CircleStatus::Active, 4) => 80,
            (CircleStatus::Active, 5) => 100,
            _ => 0,
        }
    }

    /// Bonus rate of the members.
    #[must_use]
    pub fn bonus(&self) -> Bps {
        if self.is_valid() {
            Self::VALID_BONUS
        } else {
            Bps(0)
        }
    }
}

/// Active membership of a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircleMember {
    /// The circle.
    pub circle_id: CircleId,
    /// The member.
    pub miner_id: MinerId,
    /// Time of joining.
    pub joined_at: Timestamp,
}

#[cfg(test)]
mod values {
    use super::*;

    #[test]
    fn circle_is_valid_with_three_members() {
        let circle = |status, member_count| Circle {
            id: CircleId(uuid::Uuid::nil()),
            owner_id: MinerId::from([uuid::Uuid::nil(); 2]),
            name: "night shift".into(),
            status,
            member_count,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        for (status, members, valid, trust) in [
            (CircleStatus::Incomplete, 2, false, 0),
            (CircleStatus::Active, 3, true, 60),
            (CircleStatus::Active, 4, true, 80),
            (CircleStatus::Active, 5, true, 100),
            (CircleStatus::Disbanded, 5, false, 0),
        ] {
            let circle = circle(status, members);
            assert_eq!(circle.is_valid(), valid);
            assert_eq!(circle.trust_score(), trust);
            assert_eq!(circle.bonus() > Bps(0), valid);
        }
    }

    #[test]
    fn parses_only_visible_names() {
        let read = |text: &str| CircleName::parse(text).map(|name| name.as_str().to_owned());
        assert_eq!(read("  night shift "), Some("night shift".to_owned()));
        assert_eq!(read(&"é".repeat(100)), Some("é".repeat(100)));
        for bad in [
            "",
            "  ",
            "a\0b",
            "a\nb",
            "\u{200B}",
            "a\u{202E}b",
            "\u{200D}",
            &"é".repeat(101),
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
