//! Taking an invitation into a circle back.

use domain::ids::{CircleInvitationId, UserId};
use domain::mining::{InvitationStatus, MiningRefusal};

use super::events::CircleEvents;
use super::{InvitationDone, invitations, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx};

/// Takes an invitation of the caller's circle back.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::cancel`].
pub async fn circle_invitation_cancel(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Answer<InvitationDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_invitation_cancel", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = cancel(tx, request, user, id).await?;
    key.settle(tx, request, outcome).await
}

async fn cancel(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Result<InvitationDone, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(scene) = lock::lock_own(tx.conn(), user, &[]).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let invitation = lock::invitation(tx.conn(), id).await?;
    let decided = domain::mining::circle::cancel(
        &scene.caller,
        scene.roster.as_ref(),
        invitation.as_ref(),
        now,
    );
    let (roster, invitation) = match decided {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut events = CircleEvents::of(&roster.circle);
    invitations::end(tx, &mut events, invitation, InvitationStatus::Cancelled).await?;
    members::store(tx, &request.request_id, &roster.circle, events).await?;
    Ok(Ok(InvitationDone {
        invitation_id: invitation.id.0,
    }))
}
