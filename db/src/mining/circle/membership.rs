//! Changes of a circle's members, with the resulting status of the circle and roles of the members.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{CircleId, MinerId};
use domain::mining::circle::{Exit, Roster};
use domain::mining::{Circle, CircleInvitation, CircleStatus, Miner, Role};

use super::events::CircleEvents;
use super::invitations;
use crate::command::Request;
use crate::mining::events::MinerEvents;
use crate::mining::miner::locks::store_role;
use crate::mining::miner::role_of;
use crate::schema::{circle_members, circles, miners};
use crate::text::fit;
use crate::{DbError, Result, Tx};

/// The circle with this number of active members.
pub(super) fn with_member_count(circle: &Circle, members: usize) -> Result<Circle> {
    Ok(Circle {
        status: CircleStatus::of(members),
        member_count: fit("circles", "member_count", members)?,
        ..circle.clone()
    })
}

/// Stores a circle and enqueues its events.
pub(super) async fn store(
    tx: &mut Tx,
    request_id: &str,
    circle: &Circle,
    events: CircleEvents<'_>,
) -> Result<()> {
    let version = events.enqueue(tx, request_id)?;
    let member_count: i32 = fit("circles", "member_count", circle.member_count)?;
    diesel::update(circles::table.find(circle.id.0))
        .set((
            circles::name.eq(&circle.name),
            circles::status.eq(circle.status.name()),
            circles::member_count.eq(member_count),
            circles::version.eq(version),
            circles::updated_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Inserts an active membership.
pub(super) async fn enter(tx: &mut Tx, circle: CircleId, miner: MinerId) -> Result<()> {
    diesel::insert_into(circle_members::table)
        .values((
            circle_members::id.eq(tx.new_id()),
            circle_members::circle_id.eq(circle.0),
            circle_members::miner_id.eq(miner.0),
            circle_members::joined_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Removes a member, and updates the circle and the roles.
pub(super) async fn depart(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    member: MinerId,
    how: Exit,
    locked: &mut [Miner],
) -> Result<()> {
    let before = &roster.circle;
    let after = with_member_count(before, roster.members.len().saturating_sub(1))?;
    exit(tx, before.id, &[member], how).await?;
    let mut events = CircleEvents::of(before);
    if let Some(miner) = locked.iter().find(|miner| miner.id == member) {
        events.left(miner, how, &after);
    }
    store(tx, &request.request_id, &after, events).await?;
    rewrite_roles(tx, request, locked, before.id, &[member], None).await
}

/// Disbands a circle and updates the roles. `pending` are its invitations that are stored as pending; `owner` is how
/// the owner leaves.
pub(super) async fn end(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    owner: Exit,
    pending: impl Iterator<Item = &CircleInvitation> + Send,
    locked: &mut [Miner],
) -> Result<()> {
    let before = &roster.circle;
    let is_owner = |id: &&MinerId| **id == before.owner_id;
    let others: Vec<MinerId> = roster
        .members
        .iter()
        .filter(|id| !is_owner(id))
        .copied()
        .collect();
    exit(tx, before.id, &[before.owner_id], owner).await?;
    exit(tx, before.id, &others, Exit::Disbanded).await?;
    let mut events = CircleEvents::of(before);
    invitations::cancel_all(tx, &mut events, pending).await?;
    events.disbanded(locked.iter().filter(|miner| roster.has(miner.id)));
    let after = with_member_count(before, 0)?;
    store(tx, &request.request_id, &after, events).await?;
    rewrite_roles(tx, request, locked, before.id, &roster.members, None).await
}

async fn exit(tx: &mut Tx, circle: CircleId, members: &[MinerId], how: Exit) -> Result<()> {
    let gone = diesel::update(circle_members::table)
        .filter(
            circle_members::circle_id
                .eq(circle.0)
                .and(circle_members::miner_id.eq_any(members.iter().map(|id| id.0)))
                .and(circle_members::left_at.is_null()),
        )
        .set((
            circle_members::left_at.eq(tx.now()),
            circle_members::left_how.eq(how.name()),
        ))
        .execute(tx.conn())
        .await?;
    if gone != members.len() {
        return Err(DbError::inconsistent("circle_members", "left_at", circle));
    }
    Ok(())
}

/// Moves miners into or out of a circle, and updates the roles of these and the other members. The circle is stored
/// before; the miners are locked and updated in place.
pub(super) async fn rewrite_roles(
    tx: &mut Tx,
    request: &Request,
    locked: &mut [Miner],
    circle: CircleId,
    movers: &[MinerId],
    to: Option<CircleId>,
) -> Result<()> {
    for miner in locked {
        let is_moved = movers.contains(&miner.id);
        if !is_moved && miner.circle_id != Some(circle) {
            continue;
        }
        if is_moved {
            diesel::update(miners::table.find(miner.id.0))
                .set(miners::circle_id.eq(to.map(|circle| circle.0)))
                .execute(tx.conn())
                .await?;
            miner.circle_id = to;
        }
        let role = role_of(tx.conn(), miner, miner.role == Role::NodeOperator).await?;
        if !is_moved && role == miner.role {
            continue;
        }
        let mut events = MinerEvents::of(miner, None);
        events.role(role);
        // Joining or leaving raises the version even when the role stays.
        let version = events
            .enqueue(tx, &request.request_id)?
            .max(miner.version + 1);
        store_role(tx, miner.id, role, version).await?;
        miner.role = role;
        miner.version = version;
        miner.updated_at = tx.now();
    }
    Ok(())
}
