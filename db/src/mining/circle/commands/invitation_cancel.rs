//! Cancelling an invitation into a circle.

use domain::access::Action;
use domain::ids::CircleInvitationId;
use domain::mining::InvitationStatus;
use domain::mining::circle::{InvitationRefusal, InvitationRefusalKind, cancel};
use uuid::Uuid;

use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::circle::{events::CircleEvents, invitations, locks, membership};
use crate::{DbError, Tx};

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
) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &CIRCLE_INVITATION_CANCEL, async |tx, _| {
        let user = request.person()?.id;
        let locked = locks::lock_own_circle(tx.conn(), user, &[]).await?;
        let locked = locked.ok_or(InvitationRefusal::MinerNotFound)?;
        let invitation = locks::invitation(tx.conn(), id).await?;
        let (caller, roster) = (&locked.caller, locked.roster.as_ref());
        let (roster, invitation) = cancel(caller, roster, invitation.as_ref(), tx.now())?;
        let mut events = CircleEvents::of(&roster.circle);
        invitations::end(tx, &mut events, invitation, InvitationStatus::Cancelled).await?;
        membership::store(tx, &request.request_id, &roster.circle, events).await?;
        Ok(invitation.id.0)
    })
    .await
}
