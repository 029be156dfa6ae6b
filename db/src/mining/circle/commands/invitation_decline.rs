//! Declining an invitation into a circle.

use domain::access::Action;
use domain::ids::CircleInvitationId;
use domain::mining::InvitationStatus;
use domain::mining::circle::{InvitationRefusal, InvitationRefusalKind, decline};
use uuid::Uuid;

use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::circle::{events::CircleEvents, invitations, locks, membership};
use crate::{DbError, Tx};

/// Descriptor of [`circle_invitation_decline`].
pub const CIRCLE_INVITATION_DECLINE: Command<InvitationRefusal> = Command {
    name: "mining.circle_invitation_decline",
    action: Action::CircleInvitationDecline,
    key: KeyRule::Optional,
    refusals: codes!(InvitationRefusalKind: MinerNotFound, MinerBanned, NotFound, NotPending, Expired),
};

/// Declines an invitation that the caller received; returns its id.
pub async fn circle_invitation_decline(
    tx: &mut Tx,
    request: &Request,
    id: CircleInvitationId,
) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &CIRCLE_INVITATION_DECLINE, async |tx, _| {
        let locked = locks::lock_invitation(tx.conn(), request.person()?.id, id).await?;
        let (locked, invitation) = locked.ok_or(InvitationRefusal::MinerNotFound)?;
        let invitation = decline(&locked.caller, invitation.as_ref(), tx.now())?;
        if let Some(roster) = &locked.roster {
            let mut events = CircleEvents::of(&roster.circle);
            invitations::end(tx, &mut events, invitation, InvitationStatus::Declined).await?;
            membership::store(tx, &request.request_id, &roster.circle, events).await?;
        }
        Ok(invitation.id.0)
    })
    .await
}
