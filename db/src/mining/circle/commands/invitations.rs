//! Commands on invitations, and their expiry by a job.

use std::collections::BTreeSet;

use domain::mining::circle::{self as rules, Acceptance, InvitationRefusal, Sent};
use domain::mining::{Circle, CircleInvitation, InvitationStatus, Miner};
use domain::time::{hours, plus};
use futures_util::FutureExt;

use super::circles::{CircleEvent, CircleEvents, InvitationChanged};
use crate::mining::circle::rows::{CircleRow, InvitationRow};
use crate::mining::circle::{locks, membership};
use crate::mining::configuration;
use crate::mining::miner::events::{MinerEvent, MinerEvents};
use crate::mining::miner::locks::MinerRef;
use crate::prelude::*;
use crate::row_locks::{LockRows, lock_rows};
use crate::schema::{circle_invitations, circles, miners};

commands! {
    InvitationRefusal;
    CIRCLE_INVITATION_SEND = "mining.circle_invitation_send", CircleInvitationSend, Optional:
        MinerNotFound, MinerSuspended, MinerBanned, NotInCircle, NotOwner, InviteeNotFound, SelfInvitation,
        InviteeInCircle, AlreadyInvited, PendingLimit, DailyLimit, InviteeLimit, Full;
    CIRCLE_INVITATION_ACCEPT = "mining.circle_invitation_accept", CircleInvitationAccept, Optional:
        MinerNotFound, MinerSuspended, MinerBanned, AlreadyIn, NotFound, NotPending, Expired, Cooldown, Full,
        PlaceCooling;
    CIRCLE_INVITATION_DECLINE = "mining.circle_invitation_decline", CircleInvitationDecline, Optional:
        MinerNotFound, MinerBanned, NotFound, NotPending, Expired;
    CIRCLE_INVITATION_CANCEL = "mining.circle_invitation_cancel", CircleInvitationCancel, Optional:
        MinerNotFound, MinerBanned, NotInCircle, NotOwner, NotFound, NotPending, Expired;
}

/// Largest number of invitations that expire in one transaction.
const AT_ONCE: i64 = 50;

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
        let (roster, invitee) = rules::send(&locked.caller, locked.roster.as_ref(), invitee, sent)?;
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
        cancel_all(tx, &mut events, &expired).await?;
        insert(tx, &invitation).await?;
        events.push(event_of(&invitation));
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
    events.push(MinerEvent::CircleInvitationReceived {
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
        let (invitation, roster) = rules::accept(&Acceptance {
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
        end(tx, &mut events, invitation, InvitationStatus::Accepted).await?;
        membership::enter(tx, before.id, locked.caller.id).await?;
        membership::joined(&mut events, &locked.caller, before, &after);
        membership::store(tx, &request.request_id, &after, events).await?;
        let id = invitation.id;
        let movers = [(locked.caller.id, None)];
        membership::rewrite_roles(tx, request, &mut locked.miners, &after, &movers).await?;
        Ok(id.into())
    })
    .await
}

/// Declines an invitation that the caller received; returns its id.
pub async fn circle_invitation_decline(
    tx: &mut Tx,
    request: &Request,
    id: CircleInvitationId,
) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &CIRCLE_INVITATION_DECLINE, async |tx, _| {
        let (locked, invitation) = locks::lock_invitation(tx, request, id).await?;
        let invitation = rules::decline(&locked.caller, invitation.as_ref(), tx.now())?;
        if let Some(roster) = &locked.roster {
            let mut events = CircleEvents::of(&roster.circle);
            end(tx, &mut events, invitation, InvitationStatus::Declined).await?;
            membership::store(tx, &request.request_id, &roster.circle, events).await?;
        }
        Ok(invitation.id.into())
    })
    .await
}

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
        let (roster, invitation) = rules::cancel(caller, roster, invitation.as_ref(), tx.now())?;
        let mut events = CircleEvents::of(&roster.circle);
        end(tx, &mut events, invitation, InvitationStatus::Cancelled).await?;
        membership::store(tx, &request.request_id, &roster.circle, events).await?;
        Ok(invitation.id.into())
    })
    .await
}

/// Stores the expiry of a bounded number of pending invitations; returns how many.
///
/// Skips circles that another transaction has locked; the next run finds them.
pub async fn circle_invitations_expire(tx: &mut Tx) -> Result<usize> {
    let now = tx.now();
    let is_due = circle_invitations::status.eq(InvitationStatus::Pending.name());
    let due: Vec<Uuid> = circle_invitations::table
        .filter(is_due)
        .filter(circle_invitations::expires_at.le(now))
        .order(circle_invitations::expires_at)
        .limit(AT_ONCE)
        .select(circle_invitations::circle_id)
        .load(tx.conn())
        .await?;
    let ids: BTreeSet<Uuid> = due.into_iter().collect();
    let lock: LockRows<CircleRow> = |ids, mut conn| {
        let query = CircleRow::query().filter(circles::id.eq_any(ids));
        let query = query.order(circles::id).for_no_key_update().skip_locked();
        async move { Ok(query.load(&mut conn).await?) }.boxed()
    };
    let locked = lock_rows(tx, ids, lock).await?;
    let mut stored = 0;
    for row in locked {
        let circle = Circle::try_from(row)?;
        // Bounded by the number of invitations that can be pending.
        let expired: Vec<InvitationRow> = InvitationRow::query()
            .filter(is_due)
            .filter(circle_invitations::expires_at.le(now))
            .filter(circle_invitations::circle_id.eq(circle.id.0))
            .order(circle_invitations::id)
            .load(tx.conn())
            .await?;
        if expired.is_empty() {
            continue;
        }
        let mut events = CircleEvents::of(&circle);
        for row in expired {
            let invitation = CircleInvitation::try_from(row)?;
            end(tx, &mut events, &invitation, InvitationStatus::Expired).await?;
            stored += 1;
        }
        membership::store(tx, "job circle_invitation_expiry", &circle, events).await?;
    }
    Ok(stored)
}

/// Stores the final state of a pending invitation whose circle is locked, with its event.
async fn end(
    tx: &mut Tx,
    events: &mut CircleEvents,
    invitation: &CircleInvitation,
    status: InvitationStatus,
) -> Result<()> {
    let decided_at: Option<Timestamp> = (status != InvitationStatus::Expired).then(|| tx.now());
    let ended = diesel::update(
        circle_invitations::table.find((invitation.id.circle.0, invitation.id.uuid)),
    )
    .filter(circle_invitations::status.eq(InvitationStatus::Pending.name()))
    .set((
        circle_invitations::status.eq(status.name()),
        circle_invitations::decided_at.eq(decided_at),
    ))
    .execute(tx.conn())
    .await?;
    if ended != 1 {
        let (table, id) = ("circle_invitations", invitation.id);
        return Err(DbError::inconsistent(table, "status", id));
    }
    events.push(event_of(&CircleInvitation {
        status,
        ..invitation.clone()
    }));
    Ok(())
}

/// Event of an invitation that was sent, or that reached its state.
fn event_of(invitation: &CircleInvitation) -> CircleEvent {
    let event = match invitation.status {
        InvitationStatus::Pending => CircleEvent::CircleInvitationSent,
        InvitationStatus::Accepted => CircleEvent::CircleInvitationAccepted,
        InvitationStatus::Declined => CircleEvent::CircleInvitationDeclined,
        InvitationStatus::Cancelled => CircleEvent::CircleInvitationCancelled,
        InvitationStatus::Expired => CircleEvent::CircleInvitationExpired,
    };
    event(InvitationChanged {
        invitation_id: invitation.id.uuid,
        invitee_id: invitation.invitee_id.uuid,
    })
}

/// Cancels pending invitations; stores those that expired before as expired.
pub(in crate::mining::circle) async fn cancel_all(
    tx: &mut Tx,
    events: &mut CircleEvents,
    pending: &[CircleInvitation],
) -> Result<()> {
    for invitation in pending {
        let status = match invitation.status_at(tx.now()) {
            InvitationStatus::Expired => InvitationStatus::Expired,
            _ => InvitationStatus::Cancelled,
        };
        end(tx, events, invitation, status).await?;
    }
    Ok(())
}
