//! Security circles: three to five people who vouch for each other.

use super::Bps;
use crate::ids::{CircleId, MinerId};
use crate::time::Timestamp;

/// Where a circle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CircleStatus {
    /// Fewer than three members: no bonus yet.
    Incomplete,
    /// Three to five members: its members earn the bonus.
    Active,
    /// Ended for good.
    Disbanded,
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
    /// When it was made.
    pub created_at: Timestamp,
}

impl Circle {
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
            created_at: Timestamp::UNIX_EPOCH,
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
}
