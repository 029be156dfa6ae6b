//! Declining an invitation into a circle.

use domain::ids::{CircleInvitationId, UserId};
use domain::mining::{InvitationStatus, MiningRefusal};

use super::events::CircleEvents;
use super::{InvitationDone, invitations, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx};

/// Declines an invitation.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::decline`].
pub async fn circle_invitation_decline(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Answer<InvitationDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_invitation_decline", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = decline(tx, request, user, id).await?;
    key.settle(tx, request, outcome).await
}

async fn decline(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Result<InvitationDone, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some((scene, invitation)) = lock::lock_answer(tx.conn(), user, id).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let decided = domain::mining::circle::decline(&scene.caller, invitation.as_ref(), now);
    let invitation = match decided {
        Ok(invitation) => invitation,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(roster) = &scene.roster {
        let mut events = CircleEvents::of(&roster.circle);
        invitations::end(tx, &mut events, invitation, InvitationStatus::Declined).await?;
        members::store(tx, &request.request_id, &roster.circle, events).await?;
    }
    Ok(Ok(InvitationDone {
        invitation_id: invitation.id.0,
    }))
}
