//! Effects of a ban on circles: the banned miner leaves their circle, or it is disbanded when they own it; invitations
//! that they received are cancelled.

use domain::mining::circle::{Exit, Roster};
use domain::mining::{CircleInvitation, InvitationStatus, Miner};

use super::commands::cancel_all;
use super::commands::circles::CircleEvents;
use super::rows::InvitationRow;
use super::{locks, membership};
use crate::prelude::*;
use crate::schema::{circle_invitations, miners};

/// Locked circles that a ban affects.
pub(in crate::mining) struct Locked {
    banned: MinerId,
    own: Option<CircleId>,
    rosters: Vec<Roster>,
}

impl Locked {
    /// Members of the banned miner's circle, including the miner. The caller locks them with the other miners.
    pub fn members(&self) -> &[MinerId] {
        self.own().map_or(&[], |roster| &roster.members)
    }

    fn own(&self) -> Option<&Roster> {
        self.of(self.own?)
    }

    fn of(&self, id: CircleId) -> Option<&Roster> {
        self.rosters.iter().find(|roster| roster.circle.id == id)
    }
}

/// Locks the miner's circle and the circles that invited the miner, before referrals and miners are locked.
pub(in crate::mining) async fn lock_for_ban(tx: &mut Tx, banned: MinerId) -> Result<Locked> {
    let own = miners::table.find(banned.user.0).select(miners::circle_id);
    let own: Option<Uuid> = own.first(tx.conn()).await?;
    let own = own.map(CircleId);
    let received = received(tx.conn(), banned).await?;
    let ids: Vec<CircleId> = received
        .iter()
        .map(|invitation| invitation.id.circle)
        .chain(own)
        .collect();
    let rosters = locks::lock_circles(tx, &ids).await?;
    Ok(Locked {
        banned,
        own,
        rosters,
    })
}

/// Removes the banned miner from circles and invitations. `miners` are locked and include [`Locked::members`]; they are
/// updated in place.
pub(in crate::mining) async fn apply_ban(
    tx: &mut Tx,
    request: &Request,
    locked: &Locked,
    miners: &mut [Miner],
) -> Result<()> {
    let banned = miners.iter().find(|miner| miner.id == locked.banned);
    if banned.is_none_or(|miner| miner.circle_id != locked.own) {
        return Err(locks::membership_changed());
    }
    // Sending an invitation locks the invitee, so no further ones are created.
    for invitation in received(tx.conn(), locked.banned).await? {
        let roster = locked
            .of(invitation.id.circle)
            .ok_or_else(locks::membership_changed)?;
        cancel(tx, request, roster, &invitation).await?;
    }
    let Some(roster) = locked.own() else {
        return Ok(());
    };
    if roster.circle.owner_id == locked.banned {
        return membership::end(tx, request, roster, Exit::Banned, miners).await;
    }
    membership::depart(tx, request, roster, locked.banned, Exit::Banned, miners).await
}

/// Cancels an invitation into another miner's circle.
async fn cancel(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    invitation: &CircleInvitation,
) -> Result<()> {
    let mut events = CircleEvents::of(&roster.circle);
    cancel_all(tx, &mut events, std::slice::from_ref(invitation)).await?;
    membership::store(tx, &request.request_id, &roster.circle, events).await
}

/// The invitations a miner received that are stored as pending, ascending.
async fn received(conn: &mut Connection, invitee: MinerId) -> Result<Vec<CircleInvitation>> {
    let query = InvitationRow::query()
        .filter(circle_invitations::invitee_user_id.eq(invitee.user.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.name()))
        .order(circle_invitations::id);
    values(query.load(conn).await?)
}
