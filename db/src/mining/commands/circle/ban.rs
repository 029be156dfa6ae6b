//! What banning a miner means for circles: theirs goes on without them, or ends if it is their own, and nobody waits for
//! their answers any more. In the transaction of the ban.

use diesel::{ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::ids::{CircleId, MinerId};
use domain::mining::circle::{Exit, Roster};
use domain::mining::{CircleInvitation, InvitationStatus, Miner};
use uuid::Uuid;

use super::events::CircleEvents;
use super::{invitations, lock, members};
use crate::idempotency::Request;
use crate::mining::circles::InvitationRow;
use crate::schema::{circle_invitations, miners};
use crate::text::Text as _;
use crate::{Connection, DbError, Tx};

/// Circles concerned by a ban, locked.
pub(in crate::mining::commands) struct Locked {
    banned: MinerId,
    own: Option<CircleId>,
    rosters: Vec<Roster>,
}

impl Locked {
    /// Who is in the circle of the banned miner, them included: to be locked with the other miners.
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

/// Locks a miner's circle and those that invited them. Comes before the locks of referrals and miners.
pub(in crate::mining::commands) async fn lock_for_ban(
    conn: &mut Connection,
    banned: MinerId,
) -> Result<Locked, DbError> {
    let own = circle_of(conn, banned).await?;
    let received = received(conn, banned).await?;
    let ids: Vec<CircleId> = received
        .iter()
        .map(|invitation| invitation.circle_id)
        .chain(own)
        .collect();
    let rosters = lock::lock_circles(conn, &ids).await?;
    Ok(Locked {
        banned,
        own,
        rosters,
    })
}

/// Takes the banned miner out of circles and invitations. `miners` are locked, [`Locked::members`] among them, and come
/// back as they are stored: the banned one without a circle, with the role that follows.
pub(in crate::mining::commands) async fn apply_ban(
    tx: &mut Tx,
    request: &Request,
    locked: &Locked,
    miners: &mut [Miner],
) -> Result<(), DbError> {
    let banned = miners.iter().find(|miner| miner.id == locked.banned);
    if banned.is_none_or(|miner| miner.circle_id != locked.own) {
        return Err(lock::moved());
    }
    // Whoever invites locks the invitee, so nobody does any more.
    for invitation in received(tx.conn(), locked.banned).await? {
        let roster = locked.of(invitation.circle_id).ok_or_else(lock::moved)?;
        withdraw(tx, request, roster, &invitation).await?;
    }
    let Some(roster) = locked.own() else {
        return Ok(());
    };
    if roster.circle.owner_id == locked.banned {
        let pending = lock::pending(tx.conn(), roster.circle.id).await?;
        return members::end(tx, request, roster, Exit::Banned, pending.iter(), miners).await;
    }
    members::depart(tx, request, roster, locked.banned, Exit::Banned, miners).await
}

/// Takes an invitation of somebody else's circle back.
async fn withdraw(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    invitation: &CircleInvitation,
) -> Result<(), DbError> {
    let mut events = CircleEvents::of(&roster.circle);
    invitations::withdraw(tx, &mut events, std::iter::once(invitation)).await?;
    members::store(tx, &request.request_id, &roster.circle, events).await
}

/// The circle a miner is in, read without a lock.
async fn circle_of(conn: &mut Connection, miner: MinerId) -> Result<Option<CircleId>, DbError> {
    let circle: Option<Uuid> = miners::table
        .find(miner.0)
        .select(miners::circle_id)
        .first(conn)
        .await?;
    Ok(circle.map(CircleId))
}

/// The invitations a miner received that are stored as pending, ascending.
async fn received(
    conn: &mut Connection,
    invitee: MinerId,
) -> Result<Vec<CircleInvitation>, DbError> {
    let rows: Vec<InvitationRow> = circle_invitations::table
        .filter(circle_invitations::invitee_id.eq(invitee.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.text()))
        .order(circle_invitations::id)
        .select(InvitationRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(CircleInvitation::try_from).collect()
}
