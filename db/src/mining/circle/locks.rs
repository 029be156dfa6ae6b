//! Locks of circles and their miners, in order: circles, then miners. A circle's row guards its members and invitations.

use domain::mining::circle::{Exit, Roster};
use domain::mining::{
    Barred, Circle, CircleInvitation, InvitationRefusal, InvitationStatus, Miner,
};
use futures_util::FutureExt;

use super::queries;
use super::rows::{CircleRow, InvitationRow};
use crate::command::Refusal;
use crate::mining::miner::locks::{lock_miners, no_miner, seek};
use crate::prelude::*;
use crate::row_locks::{LockRows, lock_rows};
use crate::schema::{circle_invitations, circle_members, circles, miners};

/// The caller's miner and circle, locked.
pub(super) struct LockedCircle {
    /// The caller's miner.
    pub caller: Miner,
    /// The caller's circle, if they are in one.
    pub roster: Option<Roster>,
    /// The caller, the circle's members, and further miners of the command.
    pub miners: Vec<Miner>,
}

/// Locks existing circles in ascending order and reads their members.
pub(super) async fn lock_circles(tx: &mut Tx, ids: &[CircleId]) -> Result<Vec<Roster>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let lock: LockRows<CircleRow> = |ids, mut conn| {
        let query = CircleRow::query().filter(circles::id.eq_any(ids));
        let query = query.order(circles::id).for_no_key_update();
        async move { Ok(query.load(&mut conn).await?) }.boxed()
    };
    let rows = lock_rows(tx, ids.iter().map(|id| id.0), lock).await?;
    // A separate statement: its snapshot includes what other transactions committed while this one waited for the
    // locks.
    let members = queries::members(tx.conn(), ids).await?;
    rows.into_iter()
        .map(|row| {
            let circle = Circle::try_from(row)?;
            let of_circle = members
                .iter()
                .filter(|member| member.circle_id == circle.id);
            Ok(Roster {
                members: of_circle.map(|member| member.miner_id).collect(),
                circle,
            })
        })
        .collect()
}

/// Locks a circle; none when it does not exist.
pub(super) async fn lock_circle(tx: &mut Tx, id: CircleId) -> Result<Option<Roster>> {
    Ok(lock_circles(tx, &[id]).await?.pop())
}

/// Locks the caller's miner, their circle, its members, and further existing miners; refused when the caller has no miner.
pub(super) async fn lock_own_circle<R: Refusal + From<Barred>>(
    tx: &mut Tx,
    request: &Request,
    others: &[MinerId],
) -> Result<LockedCircle, Stop<R>> {
    let caller = membership_of(tx.conn(), request.person()?.id).await?;
    let (id, circle) = caller.ok_or_else(no_miner)?;
    let roster = match circle {
        Some(circle) => lock_circle(tx, circle).await?,
        None => None,
    };
    let locked = lock_miners_of(tx, id, roster, others).await?;
    if locked.caller.circle_id != circle {
        return Err(membership_changed().into());
    }
    Ok(locked)
}

/// Locks the miners of a command, after the circle.
pub(super) async fn lock_miners_of(
    tx: &mut Tx,
    caller: MinerId,
    roster: Option<Roster>,
    others: &[MinerId],
) -> Result<LockedCircle> {
    let members = roster.as_ref().map_or(&[][..], |roster| &roster.members);
    let ids: Vec<MinerId> = [&[caller], members, others].concat();
    let miners = lock_miners(tx, &ids).await?;
    Ok(LockedCircle {
        caller: seek(&miners, caller)?.clone(),
        roster,
        miners,
    })
}

/// A user's miner and its circle, read without a lock.
pub(super) async fn membership_of(
    conn: &mut Connection,
    user: UserId,
) -> Result<Option<(MinerId, Option<CircleId>)>> {
    let found: Option<(Uuid, Option<Uuid>)> = miners::table
        .find(user.0)
        .select((miners::id, miners::circle_id))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(id, circle)| (MinerId { user, uuid: id }, circle.map(CircleId))))
}

/// Membership changed between the unlocked read and the lock; retry the transaction.
pub(super) fn membership_changed() -> DbError {
    DbError::Contended("membership changed before the lock".to_owned())
}

/// Locks the circle of an invitation that the caller received, its members and the caller's miner; refused when the
/// caller has no miner. An invitation of another invitee is not locked and reads as missing.
pub(super) async fn lock_invitation(
    tx: &mut Tx,
    request: &Request,
    id: CircleInvitationId,
) -> Result<(LockedCircle, Option<CircleInvitation>), Stop<InvitationRefusal>> {
    let caller = membership_of(tx.conn(), request.person()?.id).await?;
    let (caller, _) = caller.ok_or_else(no_miner::<InvitationRefusal>)?;
    let own = |found: &CircleInvitation| found.invitee_id == caller;
    let Some(found) = invitation(tx.conn(), id).await?.filter(own) else {
        return Ok((lock_miners_of(tx, caller, None, &[]).await?, None));
    };
    let roster = lock_circle(tx, found.id.circle).await?;
    let locked = lock_miners_of(tx, caller, roster, &[]).await?;
    // The invitation may have ended while this transaction waited for the circle's lock.
    let invitation = invitation(tx.conn(), id).await?;
    Ok((locked, invitation))
}

/// An invitation. Its state does not change while its circle is locked.
pub(super) async fn invitation(
    conn: &mut Connection,
    id: CircleInvitationId,
) -> Result<Option<CircleInvitation>> {
    let query = InvitationRow::query().find((id.circle.0, id.uuid));
    let row: Option<InvitationRow> = query.first(conn).await.optional()?;
    row.map(CircleInvitation::try_from).transpose()
}

/// Invitations of a locked circle that are stored as pending, in ascending order; may include expired ones.
pub(super) async fn pending(
    conn: &mut Connection,
    circle: CircleId,
) -> Result<Vec<CircleInvitation>> {
    let query = InvitationRow::query()
        .filter(circle_invitations::circle_id.eq(circle.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.name()))
        .order(circle_invitations::id);
    values(query.load(conn).await?)
}

/// Times at which members left a circle since a moment, in ways that start the cooldown.
pub(super) async fn places_left_at(
    conn: &mut Connection,
    circle: CircleId,
    since: Timestamp,
) -> Result<Vec<Timestamp>> {
    let left: Vec<Option<Timestamp>> = circle_members::table
        .filter(circle_members::circle_id.eq(circle.0))
        .filter(circle_members::left_at.gt(since))
        .filter(circle_members::left_how.eq_any(cooling()))
        .select(circle_members::left_at)
        .load(conn)
        .await?;
    Ok(left.into_iter().flatten().collect())
}

fn cooling() -> impl Iterator<Item = &'static str> {
    Exit::ALL
        .into_iter()
        .filter(|how| how.cools())
        .map(Exit::name)
}

/// Times of the last invitations that a locked circle sent, newest first.
pub(super) async fn last_sent(conn: &mut Connection, circle: CircleId) -> Result<Vec<Timestamp>> {
    Ok(circle_invitations::table
        .filter(circle_invitations::circle_id.eq(circle.0))
        .order(circle_invitations::created_at.desc())
        .limit(CircleInvitation::MOST_PENDING.into())
        .select(circle_invitations::created_at)
        .load(conn)
        .await?)
}

/// Number of pending invitations of a locked miner.
pub(super) async fn waiting_for(
    conn: &mut Connection,
    invitee: MinerId,
    now: Timestamp,
) -> Result<usize> {
    let waiting: i64 = circle_invitations::table
        .filter(circle_invitations::invitee_user_id.eq(invitee.user.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.name()))
        .filter(circle_invitations::expires_at.gt(now))
        .count()
        .get_result(conn)
        .await?;
    fit("circle_invitations", "count", waiting)
}
