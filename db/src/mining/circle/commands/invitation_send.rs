//! Inviting a miner into a circle.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::CircleInvitationId;
use domain::mining::circle::{InvitationRefusal, InvitationRefusalKind, Sent, send};
use domain::mining::{CircleInvitation, InvitationStatus, Miner};

use crate::mining::circle::{events::CircleEvents, invitations, locks, membership};
use crate::mining::events::{MinerEvents, MiningEvent};
use crate::mining::miner::locks::MinerRef;
use crate::prelude::*;
use crate::schema::{circle_invitations, miners};

/// Descriptor of [`circle_invitation_send`].
pub const CIRCLE_INVITATION_SEND: Command<InvitationRefusal> = Command {
    name: "mining.circle_invitation_send",
    action: Action::CircleInvitationSend,
    key: KeyRule::Optional,
    refusals: codes!(
        InvitationRefusalKind: MinerNotFound, MinerSuspended, MinerBanned, NotInCircle, NotOwner, InviteeNotFound,
        SelfInvitation, InviteeInCircle, AlreadyInvited, PendingLimit, DailyLimit, InviteeLimit, Full,
    ),
};

/// Invites a miner into the caller's circle; returns the invitation's id.
pub async fn circle_invitation_send(
    tx: &mut Tx,
    request: &Request,
    invitee: &MinerRef,
) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &CIRCLE_INVITATION_SEND, async |tx, _| {
        let now = tx.now();
        let invitee = invitee.find(tx.conn()).await?;
        let locked =
            locks::lock_own_circle::<InvitationRefusal>(tx, request, invitee.as_slice()).await?;
        let circle = locked.roster.as_ref().map(|roster| roster.circle.id);
        // The circle's row guards its invitations, so reading them after locking the miners is safe.
        let stored = match circle {
            Some(circle) => locks::pending(tx.conn(), circle).await?,
            None => Vec::new(),
        };
        let (pending, expired): (Vec<_>, Vec<_>) = stored
            .into_iter()
            .partition(|invitation| invitation.status_at(now) == InvitationStatus::Pending);
        let invitees: Vec<_> = pending
            .iter()
            .map(|invitation| invitation.invitee_id)
            .collect();
        let lately = match circle {
            Some(circle) => locks::last_sent(tx.conn(), circle).await?,
            None => Vec::new(),
        };
        let sent = Sent {
            pending: &invitees,
            lately: &lately,
            now,
            waiting_for_invitee: match invitee {
                Some(id) => locks::waiting_for(tx.conn(), id, now).await?,
                None => 0,
            },
        };
        let invitee = invitee.and_then(|id| locked.miners.iter().find(|miner| miner.id == id));
        let (roster, invitee) = send(&locked.caller, locked.roster.as_ref(), invitee, sent)?;
        let invitation = CircleInvitation {
            id: CircleInvitationId {
                circle: roster.circle.id,
                uuid: tx.new_id(),
            },
            invitee_id: invitee.id,
            status: InvitationStatus::Pending,
            created_at: now,
            expires_at: CircleInvitation::expiry(now),
            decided_at: None,
        };
        let mut events = CircleEvents::of(&roster.circle);
        // Stores expired invitations first: an invitee has at most one pending invitation per circle.
        invitations::cancel_all(tx, &mut events, expired.iter()).await?;
        insert(tx, &invitation).await?;
        events.invitation(&invitation, InvitationStatus::Pending);
        membership::store(tx, &request.request_id, &roster.circle, events).await?;
        publish_to_invitee(tx, request, invitee, &invitation, &roster.circle.name).await?;
        Ok(invitation.id.into())
    })
    .await
}

async fn insert(tx: &mut Tx, invitation: &CircleInvitation) -> Result<()> {
    diesel::insert_into(circle_invitations::table)
        .values((
            circle_invitations::id.eq(invitation.id.uuid),
            circle_invitations::circle_id.eq(invitation.id.circle.0),
            circle_invitations::invitee_user_id.eq(invitation.invitee_id.user.0),
            circle_invitations::invitee_miner_id.eq(invitation.invitee_id.uuid),
            circle_invitations::status.eq(invitation.status.name()),
            circle_invitations::created_at.eq(invitation.created_at),
            circle_invitations::expires_at.eq(invitation.expires_at),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn publish_to_invitee(
    tx: &mut Tx,
    request: &Request,
    invitee: &Miner,
    invitation: &CircleInvitation,
    circle_name: &str,
) -> Result<()> {
    let mut events = MinerEvents::of(invitee, None);
    events.push(MiningEvent::CircleInvitationReceived {
        miner_id: invitee.id.uuid,
        invitation_id: invitation.id.uuid,
        circle_id: invitation.id.circle.0,
        circle_name: circle_name.to_owned(),
        expires_at: invitation.expires_at,
    });
    let version = events.enqueue(tx, &request.request_id)?;
    diesel::update(miners::table.find(invitee.id.user.0))
        .set((miners::version.eq(version), miners::updated_at.eq(tx.now())))
        .execute(tx.conn())
        .await?;
    Ok(())
}
