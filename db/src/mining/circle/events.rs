//! Events of one circle in one command.

use domain::mining::circle::Exit;
use domain::mining::{Circle, CircleInvitation, InvitationStatus, Miner};

use crate::mining::events::{InvitationChanged, MiningEvent};
use crate::outbox::SubjectEvents;
use crate::{Result, Tx};

/// Events of one circle in one command.
pub(super) struct CircleEvents<'a> {
    circle: &'a Circle,
    events: SubjectEvents<MiningEvent>,
}

impl<'a> CircleEvents<'a> {
    pub fn of(circle: &'a Circle) -> Self {
        Self {
            circle,
            events: SubjectEvents::new("circle", circle.id.0, circle.version),
        }
    }

    pub fn created(&mut self) {
        self.events.push(MiningEvent::CircleCreated {
            circle_id: self.circle.id.0,
            owner_id: self.circle.owner_id.uuid,
            name: self.circle.name.clone(),
        });
    }

    pub fn renamed(&mut self, before: String) {
        self.events.push(MiningEvent::CircleRenamed {
            circle_id: self.circle.id.0,
            owner_id: self.circle.owner_id.uuid,
            previous_name: before,
            new_name: self.circle.name.clone(),
        });
    }

    /// An invitation that was sent, or that reached this state.
    pub fn invitation(&mut self, invitation: &CircleInvitation, status: InvitationStatus) {
        let event = match status {
            InvitationStatus::Pending => MiningEvent::CircleInvitationSent,
            InvitationStatus::Accepted => MiningEvent::CircleInvitationAccepted,
            InvitationStatus::Declined => MiningEvent::CircleInvitationDeclined,
            InvitationStatus::Cancelled => MiningEvent::CircleInvitationCancelled,
            InvitationStatus::Expired => MiningEvent::CircleInvitationExpired,
        };
        self.events.push(event(InvitationChanged {
            circle_id: self.circle.id.0,
            owner_id: self.circle.owner_id.uuid,
            invitation_id: invitation.id.uuid,
            invitee_id: invitation.invitee_id.uuid,
        }));
    }

    /// A member joined; `after` is the circle with the member.
    pub fn joined(&mut self, miner: &Miner, after: &Circle) {
        let (circle_id, owner_id) = (self.circle.id.0, self.circle.owner_id.uuid);
        let member_count = after.member_count;
        self.events.push(MiningEvent::CircleMemberJoined {
            circle_id,
            owner_id,
            miner_id: miner.id.uuid,
            user_id: miner.id.user.0,
            member_count,
        });
        if after.is_valid() && !self.circle.is_valid() {
            self.events.push(MiningEvent::CircleCompleted {
                circle_id,
                owner_id,
                member_count,
                bonus_multiplier: after.bonus().to_decimal(),
            });
        }
    }

    /// A member left; `after` is the circle without the member.
    pub fn left(&mut self, miner: &Miner, how: Exit, after: &Circle) {
        let (circle_id, owner_id) = (self.circle.id.0, self.circle.owner_id.uuid);
        let member_count = after.member_count;
        self.events.push(MiningEvent::CircleMemberLeft {
            circle_id,
            owner_id,
            miner_id: miner.id.uuid,
            user_id: miner.id.user.0,
            how: how.name().to_owned(),
            member_count,
        });
        if self.circle.is_valid() && !after.is_valid() {
            self.events.push(MiningEvent::CircleIncomplete {
                circle_id,
                owner_id,
                member_count,
            });
        }
    }

    pub fn disbanded<'m>(&mut self, members: impl Iterator<Item = &'m Miner>) {
        let members = members.map(|miner| (miner.id.uuid, miner.id.user.0));
        let (member_ids, user_ids) = members.unzip();
        self.events.push(MiningEvent::CircleDisbanded {
            circle_id: self.circle.id.0,
            owner_id: self.circle.owner_id.uuid,
            member_ids,
            user_ids,
        });
    }

    /// Enqueues the events; returns the circle's version after the last.
    pub fn enqueue(self, tx: &mut Tx, request_id: &str) -> Result<i64> {
        self.events.enqueue(tx, request_id)
    }
}
