//! Security circles: three to five people who vouch for each other.

mod decisions;
mod invitation;
mod refusal;

pub use decisions::{
    Acceptance, Roster, Sent, accept, cancel, create, decline, disband, disband_for, leave, remove,
    rename, send,
};
pub use invitation::{CircleInvitation, InvitationStatus};
pub use refusal::CircleRefusal;

use super::Bps;
use crate::ids::{CircleId, MinerId};
use crate::time::Timestamp;

/// Where a circle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CircleStatus {
    /// Fewer than three members: no bonus yet.
    Incomplete,
    /// Three to five members: its members earn the bonus.
    Active,
    /// Ended for good.
    Disbanded,
}

impl CircleStatus {
    /// Where a circle of so many active members stands.
    #[must_use]
    pub fn of(members: usize) -> Self {
        match members {
            0 => Self::Disbanded,
            1 | 2 => Self::Incomplete,
            _ => Self::Active,
        }
    }
}

/// How a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// They left.
    Left,
    /// The owner removed them.
    Removed,
    /// They were banned.
    Banned,
    /// The circle was disbanded.
    Disbanded,
    /// The circle was disbanded, and it was theirs.
    DisbandedAsOwner,
}

impl Exit {
    /// Whether who went so has to wait before the next circle.
    #[must_use]
    pub fn cools(self) -> bool {
        self != Self::Disbanded
    }
}

/// A circle's name: 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleName(String);

impl CircleName {
    /// Characters, at most.
    const LONGEST: usize = 100;

    /// Reads a name without the blanks around it; none for what is empty, too long, or can't be shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::LONGEST).contains(&text.chars().count());
        let shows = text.chars().any(|char| !is_joiner(char));
        let hides = text
            .chars()
            .any(|char| char.is_control() || is_hidden(char));
        (fits && shows && !hides).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Joins letters or pictures, and is nothing by itself.
fn is_joiner(char: char) -> bool {
    matches!(char, '\u{200C}' | '\u{200D}')
}

/// Takes no place, or turns the text around: people are invited by this name and must see what it is.
fn is_hidden(char: char) -> bool {
    matches!(
        char,
        '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
    )
}

/// A circle with what follows from its number of active members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// Its id.
    pub id: CircleId,
    /// The miner who made it, always its first member.
    pub owner_id: MinerId,
    /// 1 to 100 characters.
    pub name: String,
    /// Where it stands.
    pub status: CircleStatus,
    /// Active members, the owner included.
    pub member_count: u32,
    /// Raised by each change: orders the events about it.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Circle {
    /// Active members, at most.
    pub const MOST_MEMBERS: usize = 5;

    /// What a valid circle adds to each member's rate.
    pub const VALID_BONUS: Bps = Bps(2_500);

    /// Active with three members or more.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.status == CircleStatus::Active && self.member_count >= 3
    }

    /// 60, 80 and 100 at 3, 4 and 5 members, else 0.
    #[must_use]
    pub fn trust_score(&self) -> u8 {
        match (self.status, self.member_count) {
            (CircleStatus::Active, 3) => 60,
            (CircleStatus::Active, 4) => 80,
            (CircleStatus::Active, 5) => 100,
            _ => 0,
        }
    }

    /// The bonus its members earn at the moment.
    #[must_use]
    pub fn bonus(&self) -> Bps {
        if self.is_valid() {
            Self::VALID_BONUS
        } else {
            Bps(0)
        }
    }
}

/// One active member of a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircleMember {
    /// Of which circle.
    pub circle_id: CircleId,
    /// Who.
    pub miner_id: MinerId,
    /// Since when.
    pub joined_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_members_make_a_circle_valid() {
        let circle = |status, member_count| Circle {
            id: CircleId(uuid::Uuid::nil()),
            owner_id: MinerId(uuid::Uuid::nil()),
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
    fn a_name_says_something_and_not_too_much() {
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
