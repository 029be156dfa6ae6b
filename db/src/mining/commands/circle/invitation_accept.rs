//! Accepting an invitation into a circle.

use domain::ids::{CircleInvitationId, UserId};
use domain::mining::circle::Acceptance;
use domain::mining::{InvitationStatus, MiningRefusal};
use domain::time::{hours, plus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::CircleEvents;
use super::{invitations, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx, configuration};

/// What accepting an invitation gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationAccepted {
    /// The invitation.
    pub invitation_id: Uuid,
    /// The circle that was joined.
    pub circle_id: Uuid,
}

/// Joins a circle by an invitation.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::accept`].
pub async fn circle_invitation_accept(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Answer<InvitationAccepted>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_invitation_accept", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = accept(tx, request, user, id).await?;
    key.settle(tx, request, outcome).await
}

async fn accept(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Result<InvitationAccepted, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(answering) = lock::lock_answer(tx.conn(), user, id).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let (mut scene, invitation) = answering;
    let cooldown_hours = configuration::mining(tx.conn())
        .await?
        .mining
        .circle_cooldown_hours;
    let places_left_at = match &scene.roster {
        Some(roster) => {
            let since = plus(now, -hours(cooldown_hours));
            lock::places_left_at(tx.conn(), roster.circle.id, since).await?
        }
        None => Vec::new(),
    };
    let decided = domain::mining::circle::accept(&Acceptance {
        caller: &scene.caller,
        invitation: invitation.as_ref(),
        roster: scene.roster.as_ref(),
        left_at: lock::left_at(tx.conn(), scene.caller.id).await?,
        places_left_at: &places_left_at,
        cooldown_hours,
        now,
    });
    let (invitation, roster) = match decided {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let before = &roster.circle;
    let after = members::counting(before, roster.members.len() + 1);
    let mut events = CircleEvents::of(before);
    invitations::end(tx, &mut events, invitation, InvitationStatus::Accepted).await?;
    members::enter(tx, before.id, scene.caller.id).await?;
    events.joined(&scene.caller, before, &after);
    members::store(tx, &request.request_id, &after, events).await?;
    let moved = [scene.caller.id];
    members::rewrite(
        tx,
        request,
        &mut scene.miners,
        before.id,
        &moved,
        Some(before.id),
    )
    .await?;
    Ok(Ok(InvitationAccepted {
        invitation_id: invitation.id.0,
        circle_id: before.id.0,
    }))
}
