//! Invitations into circles.

use chrono::TimeDelta;

use crate::ids::{CircleId, CircleInvitationId, MinerId};
use crate::time::{Timestamp, plus};

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InvitationStatus {
    /// Waits for an answer.
    Pending,
    /// The invitee joined by it.
    Accepted,
    /// The invitee doesn't want to.
    Declined,
    /// The owner took it back, the circle was disbanded, or the invitee was banned.
    Cancelled,
    /// Nobody answered in time.
    Expired,
}

/// An invitation of a circle's owner to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleInvitation {
    /// Its id.
    pub id: CircleInvitationId,
    /// Into which circle.
    pub circle_id: CircleId,
    /// Whom.
    pub invitee_id: MinerId,
    /// Where it stands, as last stored.
    pub status: InvitationStatus,
    /// When it was sent.
    pub created_at: Timestamp,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// When it was accepted, declined or cancelled.
    pub decided_at: Option<Timestamp>,
}

impl CircleInvitation {
    /// Pending ones of a circle, and those it sends in 24 hours, at most.
    pub const MOST_PENDING: usize = 20;
    /// Pending ones of an invitee, at most.
    pub const MOST_WAITING: usize = 50;

    /// Until when an invitation sent now can be answered.
    #[must_use]
    pub fn expiry(now: Timestamp) -> Timestamp {
        plus(now, TimeDelta::days(7))
    }

    /// Where it stands at a moment: time alone ends a pending one.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> InvitationStatus {
        if self.status == InvitationStatus::Pending && self.expires_at <= now {
            InvitationStatus::Expired
        } else {
            self.status
        }
    }
}
