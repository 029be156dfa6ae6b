//! Accepting an invitation into a circle.

use domain::ids::CircleInvitationId;
use domain::mining::InvitationStatus;
use domain::mining::circle::{Acceptance, InvitationRefusal, InvitationRefusalKind, accept};
use domain::time::{hours, plus};

use crate::mining::circle::{events::CircleEvents, invitations, locks, membership};
use crate::mining::configuration;
use crate::prelude::*;

/// Descriptor of [`circle_invitation_accept`].
pub const CIRCLE_INVITATION_ACCEPT: Command<InvitationRefusal> = Command {
    name: "mining.circle_invitation_accept",
    action: Action::CircleInvitationAccept,
    key: KeyRule::Optional,
    refusals: codes!(
        InvitationRefusalKind: MinerNotFound, MinerSuspended, MinerBanned, AlreadyIn, NotFound, NotPending, Expired,
        Cooldown, Full, PlaceCooling,
    ),
};

/// Joins a circle by an invitation; returns the invitation's id.
pub async fn circle_invitation_accept(
    tx: &mut Tx,
    request: &Request,
    id: CircleInvitationId,
) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &CIRCLE_INVITATION_ACCEPT, async |tx, _| {
        let now = tx.now();
        let (mut locked, invitation) = locks::lock_invitation(tx, request, id).await?;
        let configuration = configuration::in_force(tx.conn()).await?;
        let cooldown_hours = configuration.mining.circle_cooldown_hours;
        let places_left_at = match &locked.roster {
            Some(roster) => {
                let since = plus(now, -hours(cooldown_hours));
                locks::places_left_at(tx.conn(), roster.circle.id, since).await?
            }
            None => Vec::new(),
        };
        let (invitation, roster) = accept(&Acceptance {
            caller: &locked.caller,
            invitation: invitation.as_ref(),
            roster: locked.roster.as_ref(),
            places_left_at: &places_left_at,
            cooldown_hours,
            now,
        })?;
        let before = &roster.circle;
        let after = membership::with_member_count(before, roster.members.len() + 1)?;
        let mut events = CircleEvents::of(before);
        invitations::end(tx, &mut events, invitation, InvitationStatus::Accepted).await?;
        membership::enter(tx, before.id, locked.caller.id).await?;
        events.joined(&locked.caller, &after);
        membership::store(tx, &request.request_id, &after, events).await?;
        let id = invitation.id;
        let movers = [(locked.caller.id, None)];
        membership::rewrite_roles(tx, request, &mut locked.miners, &after, &movers).await?;
        Ok(id.into())
    })
    .await
}
