//! Invitations into circles.

mod rules;

use chrono::TimeDelta;

pub use rules::*;

use crate::ids::{CircleInvitationId, MinerId};
use crate::named::named;
use crate::time::{Timestamp, plus};

named! {
    /// States of an invitation.
    InvitationStatus, "CircleInvitationStatus";

    /// Waits for an answer.
    Pending = "PENDING";
    /// Accepted by the invitee.
    Accepted = "ACCEPTED";
    /// Declined by the invitee.
    Declined = "DECLINED";
    /// Cancelled by the owner, or by the end of the circle or a ban.
    Cancelled = "CANCELLED";
    /// Not answered within 7 days.
    Expired = "EXPIRED";
}

/// An invitation of a circle's owner to a miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleInvitation {
    /// Its id.
    pub id: CircleInvitationId,
    /// The invited miner.
    pub invitee_id: MinerId,
    /// The state as last stored; see [`CircleInvitation::status_at`].
    pub status: InvitationStatus,
    /// Time of the invitation.
    pub created_at: Timestamp,
    /// Time it expires unanswered.
    pub expires_at: Timestamp,
    /// Time it was accepted, declined or cancelled.
    pub decided_at: Option<Timestamp>,
}

impl CircleInvitation {
    /// Largest number of a circle's pending invitations, and of invitations that a circle sends in 24 hours.
    pub const MOST_PENDING: u32 = 20;
    /// Largest number of an invitee's pending invitations.
    pub const MOST_WAITING: u32 = 50;

    /// Time at which an invitation sent now expires.
    #[must_use]
    pub fn expiry(now: Timestamp) -> Timestamp {
        plus(now, TimeDelta::days(7))
    }

    /// The state at `now`: a pending invitation expires by time alone.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> InvitationStatus {
        if self.status == InvitationStatus::Pending && self.expires_at <= now {
            InvitationStatus::Expired
        } else {
            self.status
        }
    }
}
