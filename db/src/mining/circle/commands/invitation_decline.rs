//! Ending an invitation without joining: its invitee declines it, or the circle's owner cancels it.

use domain::ids::CircleInvitationId;
use domain::mining::InvitationStatus;
use domain::mining::circle::{InvitationRefusal, InvitationRefusalKind, cancel, decline};

use crate::mining::circle::{events::CircleEvents, invitations, locks, membership};
use crate::prelude::*;

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
) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &CIRCLE_INVITATION_DECLINE, async |tx, _| {
        let (locked, invitation) = locks::lock_invitation(tx, request, id).await?;
        let invitation = decline(&locked.caller, invitation.as_ref(), tx.now())?;
        if let Some(roster) = &locked.roster {
            let mut events = CircleEvents::of(&roster.circle);
            invitations::end(tx, &mut events, invitation, InvitationStatus::Declined).await?;
            membership::store(tx, &request.request_id, &roster.circle, events).await?;
        }
        Ok(invitation.id.into())
    })
    .await
}

/// Descriptor of [`circle_invitation_cancel`].
pub const CIRCLE_INVITATION_CANCEL: Command<InvitationRefusal> = Command {
    name: "mining.circle_invitation_cancel",
    action: Action::CircleInvitationCancel,
    key: KeyRule::Optional,
    refusals: codes!(InvitationRefusalKind: MinerNotFound, MinerBanned, NotInCircle, NotOwner, NotFound, NotPending, Expired),
};

/// Cancels an invitation into the caller's circle; returns its id.
pub async fn circle_invitation_cancel(
    tx: &mut Tx,
    request: &Request,
    id: CircleInvitationId,
) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &CIRCLE_INVITATION_CANCEL, async |tx, _| {
        let locked = locks::lock_own_circle::<InvitationRefusal>(tx, request, &[]).await?;
        let invitation = locks::invitation(tx.conn(), id).await?;
        let (caller, roster) = (&locked.caller, locked.roster.as_ref());
        let (roster, invitation) = cancel(caller, roster, invitation.as_ref(), tx.now())?;
        let mut events = CircleEvents::of(&roster.circle);
        invitations::end(tx, &mut events, invitation, InvitationStatus::Cancelled).await?;
        membership::store(tx, &request.request_id, &roster.circle, events).await?;
        Ok(invitation.id.into())
    })
    .await
}
