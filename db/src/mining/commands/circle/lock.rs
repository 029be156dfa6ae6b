//! Circles and their people, locked in order: circles, then miners. A circle's invitations are guarded by its row.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::ids::{CircleId, CircleInvitationId, MinerId, UserId};
use domain::mining::circle::{Exit, Roster};
use domain::mining::{Circle, CircleInvitation, InvitationStatus, Miner};
use domain::time::Timestamp;
use uuid::Uuid;

use super::super::decide::lock_miners;
use crate::mining::circles::{self as reads, CircleRow, InvitationRow};
use crate::schema::{circle_invitations, circle_members, circles, miners};
use crate::text::Text as _;
use crate::{Connection, DbError};

/// Whoever asks, with the circle they are in, locked.
pub(super) struct Scene {
    /// Who asks.
    pub caller: Miner,
    /// Their circle.
    pub roster: Option<Roster>,
    /// Everybody concerned: the caller, the circle's members, and who else was named.
    pub miners: Vec<Miner>,
}

/// Locks circles that are known to exist, ascending, and reads who is in them.
pub(super) async fn lock_circles(
    conn: &mut Connection,
    ids: &[CircleId],
) -> Result<Vec<Roster>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<CircleRow> = circles::table
        .filter(circles::id.eq_any(ids.iter().map(|id| id.0)))
        .order(circles::id)
        .select(CircleRow::as_select())
        .for_no_key_update()
        .load(conn)
        .await?;
    // In a statement of its own: it must see what those committed whom the locks waited for.
    let members = reads::members(conn, ids).await?;
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

/// Locks a circle, if there is one.
pub(super) async fn lock_circle(
    conn: &mut Connection,
    id: CircleId,
) -> Result<Option<Roster>, DbError> {
    Ok(lock_circles(conn, &[id]).await?.pop())
}

/// Locks whoever asks, the circle they are in, its members, and others who are known to exist; none without a miner.
pub(super) async fn lock_own(
    conn: &mut Connection,
    user: UserId,
    others: &[MinerId],
) -> Result<Option<Scene>, DbError> {
    let Some((id, circle)) = where_is(conn, user).await? else {
        return Ok(None);
    };
    let roster = match circle {
        Some(circle) => lock_circle(conn, circle).await?,
        None => None,
    };
    let scene = lock_people(conn, id, roster, others).await?;
    if scene.caller.circle_id != circle {
        return Err(moved());
    }
    Ok(Some(scene))
}

/// Locks the miners concerned, after the circle.
pub(super) async fn lock_people(
    conn: &mut Connection,
    caller: MinerId,
    roster: Option<Roster>,
    others: &[MinerId],
) -> Result<Scene, DbError> {
    let members = roster.as_ref().map_or(&[][..], |roster| &roster.members);
    let ids: Vec<MinerId> = [&[caller], members, others].concat();
    let miners = lock_miners(conn, &ids).await?;
    let caller = miners
        .iter()
        .find(|miner| miner.id == caller)
        .cloned()
        .ok_or_else(|| DbError::inconsistent("miners", "id", caller))?;
    Ok(Scene {
        caller,
        roster,
        miners,
    })
}

/// A user's miner and the circle it is in, read without a lock.
pub(super) async fn where_is(
    conn: &mut Connection,
    user: UserId,
) -> Result<Option<(MinerId, Option<CircleId>)>, DbError> {
    let found: Option<(Uuid, Option<Uuid>)> = miners::table
        .filter(miners::user_id.eq(user.0))
        .select((miners::id, miners::circle_id))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(id, circle)| (MinerId(id), circle.map(CircleId))))
}

/// Somebody went elsewhere between the reads and the locks: the whole command begins anew.
pub(super) fn moved() -> DbError {
    DbError::Contended("somebody joined or left meanwhile".to_owned())
}

/// Locks an invitation's circle with its members, and who answers it; none for a user without a miner. What is not for
/// them is left alone.
pub(super) async fn lock_answer(
    conn: &mut Connection,
    user: UserId,
    id: CircleInvitationId,
) -> Result<Option<(Scene, Option<CircleInvitation>)>, DbError> {
    let Some((caller, _)) = where_is(conn, user).await? else {
        return Ok(None);
    };
    let own = |found: &CircleInvitation| found.invitee_id == caller;
    let Some(found) = invitation(conn, id).await?.filter(own) else {
        let scene = lock_people(conn, caller, None, &[]).await?;
        return Ok(Some((scene, None)));
    };
    let roster = lock_circle(conn, found.circle_id).await?;
    let scene = lock_people(conn, caller, roster, &[]).await?;
    // Somebody may have ended it while its circle was waited for.
    let invitation = invitation(conn, id).await?;
    Ok(Some((scene, invitation)))
}

/// An invitation as it is: while its circle is locked, it stays so.
pub(super) async fn invitation(
    conn: &mut Connection,
    id: CircleInvitationId,
) -> Result<Option<CircleInvitation>, DbError> {
    let row: Option<InvitationRow> = circle_invitations::table
        .find(id.0)
        .select(InvitationRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(CircleInvitation::try_from).transpose()
}

/// The invitations of a locked circle that are stored as pending, ascending; those that time has ended are among them.
pub(super) async fn pending(
    conn: &mut Connection,
    circle: CircleId,
) -> Result<Vec<CircleInvitation>, DbError> {
    let rows: Vec<InvitationRow> = circle_invitations::table
        .filter(circle_invitations::circle_id.eq(circle.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.text()))
        .order(circle_invitations::id)
        .select(InvitationRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(CircleInvitation::try_from).collect()
}

/// When a miner last left a circle in a way that cools.
pub(super) async fn left_at(
    conn: &mut Connection,
    miner: MinerId,
) -> Result<Option<Timestamp>, DbError> {
    Ok(circle_members::table
        .filter(circle_members::miner_id.eq(miner.0))
        .filter(circle_members::left_how.eq_any(cooling()))
        .select(diesel::dsl::max(circle_members::left_at))
        .first(conn)
        .await?)
}

/// When people left a circle since a moment.
pub(super) async fn places_left_at(
    conn: &mut Connection,
    circle: CircleId,
    since: Timestamp,
) -> Result<Vec<Timestamp>, DbError> {
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
    Exit::TEXTS
        .iter()
        .filter(|(how, _)| how.cools())
        .map(|(_, text)| *text)
}

/// How many invitations a locked circle sent since a moment.
pub(super) async fn sent_since(
    conn: &mut Connection,
    circle: CircleId,
    since: Timestamp,
) -> Result<usize, DbError> {
    let sent: i64 = circle_invitations::table
        .filter(circle_invitations::circle_id.eq(circle.0))
        .filter(circle_invitations::created_at.gt(since))
        .count()
        .get_result(conn)
        .await?;
    Ok(usize::try_from(sent).unwrap_or(usize::MAX))
}

/// How many invitations a locked miner can answer.
pub(super) async fn waiting_for(
    conn: &mut Connection,
    invitee: MinerId,
    now: Timestamp,
) -> Result<usize, DbError> {
    let waiting: i64 = circle_invitations::table
        .filter(circle_invitations::invitee_id.eq(invitee.0))
        .filter(circle_invitations::status.eq(InvitationStatus::Pending.text()))
        .filter(circle_invitations::expires_at.gt(now))
        .count()
        .get_result(conn)
        .await?;
    Ok(usize::try_from(waiting).unwrap_or(usize::MAX))
}
