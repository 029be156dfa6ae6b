//! What needs a second person: a command waits until somebody else with its role approves or declines it.

use chrono::TimeDelta;

use crate::ids::{ApprovalId, MinerId, UserId};
use crate::mining::{MiningRefusal, Points};
use crate::money::Minor;
use crate::time::{Timestamp, plus};

/// Points an administrator may adjust alone, by one command, in ten-thousandths: 1,000 MP.
pub const DUAL_CONTROL_LIMIT: Points = Minor(10_000_000);
/// How long a command waits.
const WAITS: TimeDelta = TimeDelta::days(7);

/// Whether points so many, up or down, take two people.
#[must_use]
pub fn takes_two(points: Points) -> bool {
    points.0.unsigned_abs() > DUAL_CONTROL_LIMIT.0.unsigned_abs()
}

/// A command that waits, or waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Correct a miner's points.
    MinerAdjustPoints {
        /// Whose.
        miner: MinerId,
        /// By how many, up or down.
        points: Points,
    },
}

/// What became of it, as stored. `Pending` may have expired since: see [`Approval::status_at`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// Somebody else let it through.
    Approved {
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// Somebody else turned it down.
    Declined {
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Where an approval stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApprovalStatus {
    /// Waits for somebody else.
    Pending,
    /// Was carried out.
    Approved,
    /// Was turned down.
    Declined,
    /// Nobody decided in time.
    Expired,
}

/// A command and what a second person made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What is to be done.
    pub proposal: Proposal,
    /// Why, in the words of who asked.
    pub reason: String,
    /// Who asked.
    pub requested_by: UserId,
    /// When.
    pub requested_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: ApprovalState,
}

/// Why a second person's decision is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalRefusal {
    /// A reason is missing, too long, or can't be stored.
    #[error("give a reason of 1 to 500 characters")]
    ReasonInvalid,
    /// There is none.
    #[error("there is no such approval")]
    NotFound,
    /// It is the caller's own request.
    #[error("you asked for this yourself: somebody else has to decide")]
    OwnRequest,
    /// It is about the caller's own miner.
    #[error("this is about your own miner: somebody else has to decide")]
    OwnMiner,
    /// It was decided already.
    #[error("this has been decided already")]
    NotPending,
    /// Nobody decided in time.
    #[error("this expired at {expires_at}: ask for it again")]
    Expired {
        /// When.
        expires_at: Timestamp,
    },
    /// What was asked for can't be done now. It goes on waiting.
    #[error("this can't be done: {0}")]
    Command(MiningRefusal),
}

impl Approval {
    /// A command that begins to wait.
    #[must_use]
    pub fn requested(
        id: ApprovalId,
        proposal: Proposal,
        reason: String,
        by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            proposal,
            reason,
            requested_by: by,
            requested_at: now,
            expires_at: plus(now, WAITS),
            state: ApprovalState::Pending,
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> ApprovalStatus {
        match self.state {
            ApprovalState::Pending if now > self.expires_at => ApprovalStatus::Expired,
            ApprovalState::Pending => ApprovalStatus::Pending,
            ApprovalState::Approved { .. } => ApprovalStatus::Approved,
            ApprovalState::Declined { .. } => ApprovalStatus::Declined,
        }
    }

    /// Whether this person may decide now about what concerns `whose` miner.
    ///
    /// Refusals, in this order: [`ApprovalRefusal::OwnRequest`], [`ApprovalRefusal::OwnMiner`],
    /// [`ApprovalRefusal::NotPending`], [`ApprovalRefusal::Expired`].
    pub fn may_be_decided(
        &self,
        by: UserId,
        whose: UserId,
        now: Timestamp,
    ) -> Result<(), ApprovalRefusal> {
        if self.requested_by == by {
            return Err(ApprovalRefusal::OwnRequest);
        }
        if whose == by {
            return Err(ApprovalRefusal::OwnMiner);
        }
        match self.status_at(now) {
            ApprovalStatus::Pending => Ok(()),
            ApprovalStatus::Expired => Err(ApprovalRefusal::Expired {
                expires_at: self.expires_at,
            }),
            ApprovalStatus::Approved | ApprovalStatus::Declined => Err(ApprovalRefusal::NotPending),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::time::hours;

    #[test]
    fn somebody_else_decides_in_time_and_once() {
        let now = Timestamp::UNIX_EPOCH;
        let [one, other, third] = [1, 2, 5].map(|n| UserId(Uuid::from_u128(n)));
        let proposal = Proposal::MinerAdjustPoints {
            miner: MinerId(Uuid::from_u128(3)),
            points: Minor(10_000_001),
        };
        let id = ApprovalId(Uuid::from_u128(4));
        let asked = Approval::requested(id, proposal, "a refund".into(), one, now);
        assert_eq!(
            asked.may_be_decided(one, third, now),
            Err(ApprovalRefusal::OwnRequest)
        );
        assert_eq!(
            asked.may_be_decided(third, third, now),
            Err(ApprovalRefusal::OwnMiner)
        );
        let week = plus(now, hours(168));
        assert_eq!(asked.may_be_decided(other, third, week), Ok(()));
        let late = plus(week, TimeDelta::microseconds(1));
        let expired = ApprovalRefusal::Expired { expires_at: week };
        assert_eq!(asked.may_be_decided(other, third, late), Err(expired));
        assert_eq!(asked.status_at(late), ApprovalStatus::Expired);
        let done = Approval {
            state: ApprovalState::Approved { by: other, at: now },
            ..asked
        };
        assert_eq!(
            done.may_be_decided(other, third, late),
            Err(ApprovalRefusal::NotPending)
        );
        assert_eq!(done.status_at(late), ApprovalStatus::Approved);
    }

    #[test]
    fn large_corrections_take_two_both_ways() {
        for (points, two) in [
            (10_000_000, false),
            (10_000_001, true),
            (-10_000_000, false),
            (-10_000_001, true),
            (i64::MIN, true),
        ] {
            assert_eq!(takes_two(Minor(points)), two, "{points}");
        }
    }
}
