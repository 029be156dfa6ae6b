//! Inviting somebody into a circle.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{CircleInvitationId, UserId};
use domain::mining::circle::Sent;
use domain::mining::{CircleInvitation, InvitationStatus, Miner, MiningRefusal};
use domain::time::{hours, plus};
use serde_json::json;

use super::events::CircleEvents;
use super::{InvitationDone, invitations, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::mining::commands::MinerRef;
use crate::mining::commands::events::MinerEvents;
use crate::schema::{circle_invitations, miners};
use crate::text::Text as _;
use crate::{DbError, Tx};

/// Invites a miner into the caller's circle.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::send`].
pub async fn circle_invitation_send(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    invitee: &MinerRef,
) -> Result<Answer<InvitationDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_invitation_send", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = send(tx, request, user, invitee).await?;
    key.settle(tx, request, outcome).await
}

async fn send(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    invitee: &MinerRef,
) -> Result<Result<InvitationDone, MiningRefusal>, DbError> {
    let now = tx.now();
    let invitee = invitee.find(tx.conn()).await?;
    let Some(scene) = lock::lock_own(tx.conn(), user, invitee.as_slice()).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let circle = scene.roster.as_ref().map(|roster| &roster.circle);
    // Their circle's row guards them, so it does not matter that the miners are locked by now.
    let stored = match circle {
        Some(circle) => lock::pending(tx.conn(), circle.id).await?,
        None => Vec::new(),
    };
    let (open, over): (Vec<_>, Vec<_>) = stored
        .into_iter()
        .partition(|invitation| invitation.status_at(now) == InvitationStatus::Pending);
    let invited: Vec<_> = open
        .iter()
        .map(|invitation| invitation.invitee_id)
        .collect();
    let lately = match circle {
        Some(circle) => lock::sent_since(tx.conn(), circle.id, plus(now, -hours(24))).await?,
        None => 0,
    };
    let waiting_for_invitee = match invitee {
        Some(id) => lock::waiting_for(tx.conn(), id, now).await?,
        None => 0,
    };
    let sent = Sent {
        pending: &invited,
        lately,
        waiting_for_invitee,
    };
    let invitee = invitee.and_then(|id| scene.miners.iter().find(|miner| miner.id == id));
    let decided = domain::mining::circle::send(&scene.caller, scene.roster.as_ref(), invitee, sent);
    let (roster, invitee) = match decided {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let invitation = CircleInvitation {
        id: CircleInvitationId(tx.new_id()),
        circle_id: roster.circle.id,
        invitee_id: invitee.id,
        status: InvitationStatus::Pending,
        created_at: now,
        expires_at: CircleInvitation::expiry(now),
        decided_at: None,
    };
    let mut events = CircleEvents::of(&roster.circle);
    // What time has ended makes way first: one row for each invitee is pending.
    invitations::withdraw(tx, &mut events, over.iter()).await?;
    diesel::insert_into(circle_invitations::table)
        .values((
            circle_invitations::id.eq(invitation.id.0),
            circle_invitations::circle_id.eq(invitation.circle_id.0),
            circle_invitations::invitee_id.eq(invitation.invitee_id.0),
            circle_invitations::status.eq(invitation.status.text()),
            circle_invitations::created_at.eq(invitation.created_at),
            circle_invitations::expires_at.eq(invitation.expires_at),
        ))
        .execute(tx.conn())
        .await?;
    events.invitation("CircleInvitationSent", &invitation);
    members::store(tx, &request.request_id, &roster.circle, events).await?;
    tell(tx, request, invitee, &invitation, &roster.circle.name).await?;
    Ok(Ok(InvitationDone {
        invitation_id: invitation.id.0,
    }))
}

/// Tells the invitee.
async fn tell(
    tx: &mut Tx,
    request: &Request,
    invitee: &Miner,
    invitation: &CircleInvitation,
    circle_name: &str,
) -> Result<(), DbError> {
    let mut events = MinerEvents::of(invitee, None);
    events.push(
        "CircleInvitationReceived",
        json!({
            "minerId": invitee.id.0, "invitationId": invitation.id.0,
            "circleId": invitation.circle_id.0, "circleName": circle_name,
            "expiresAt": invitation.expires_at.to_rfc3339(),
        }),
    );
    let version = events.store(tx, request).await?;
    diesel::update(miners::table.find(invitee.id.0))
        .set((miners::version.eq(version), miners::updated_at.eq(tx.now())))
        .execute(tx.conn())
        .await?;
    Ok(())
}
