//! Changes of a circle's members, with the resulting status of the circle and roles of the members.

use domain::mining::circle::{Exit, Roster};
use domain::mining::{Circle, CircleStatus, Miner, Role};

use super::commands::circles::{CircleEvent, CircleEvents};
use super::commands::invitations::cancel_all;
use super::locks;
use super::rows::folded_name;
use crate::mining::miner::events::MinerEvents;
use crate::mining::miner::role_of;
use crate::prelude::*;
use crate::schema::{circle_members, circles, miners};

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
    events: CircleEvents,
) -> Result<()> {
    let version = events.enqueue(tx, request_id)?;
    let member_count: i32 = fit("circles", "member_count", circle.member_count)?;
    diesel::update(circles::table.find(circle.id.0))
        .set((
            circles::name.eq(&circle.name),
            folded_name(circle),
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
            circle_members::user_id.eq(miner.user.0),
            circle_members::miner_id.eq(miner.uuid),
            circle_members::joined_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Adds the events of a miner who joined.
pub(super) fn joined(events: &mut CircleEvents, miner: &Miner, before: &Circle, after: &Circle) {
    let member_count = after.member_count;
    events.push(CircleEvent::CircleMemberJoined {
        miner_id: miner.id.uuid,
        user_id: miner.id.user.0,
        member_count,
    });
    if after.is_valid() && !before.is_valid() {
        events.push(CircleEvent::CircleCompleted {
            member_count,
            bonus_multiplier: after.bonus().to_decimal(),
        });
    }
}

/// Adds the events of a member who left.
fn left(events: &mut CircleEvents, miner: &Miner, how: Exit, before: &Circle, after: &Circle) {
    let member_count = after.member_count;
    events.push(CircleEvent::CircleMemberLeft {
        miner_id: miner.id.uuid,
        user_id: miner.id.user.0,
        how,
        member_count,
    });
    if before.is_valid() && !after.is_valid() {
        events.push(CircleEvent::CircleIncomplete { member_count });
    }
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
        left(&mut events, miner, how, before, &after);
    }
    store(tx, &request.request_id, &after, events).await?;
    rewrite_roles(tx, request, locked, &after, &[(member, Some(how))]).await
}

/// Disbands a locked circle and updates the roles. `owner` is how the owner leaves.
pub(super) async fn end(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    owner: Exit,
    locked: &mut [Miner],
) -> Result<()> {
    let before = &roster.circle;
    let pending = locks::pending(tx.conn(), before.id).await?;
    let mut others = roster.members.clone();
    others.retain(|id| *id != before.owner_id);
    exit(tx, before.id, &[before.owner_id], owner).await?;
    exit(tx, before.id, &others, Exit::Disbanded).await?;
    let mut events = CircleEvents::of(before);
    cancel_all(tx, &mut events, &pending).await?;
    let members = locked.iter().map(|miner| miner.id);
    let members = members.filter(|id| roster.has(*id));
    let (member_ids, user_ids) = members.map(|id| (id.uuid, id.user.0)).unzip();
    events.push(CircleEvent::CircleDisbanded {
        member_ids,
        user_ids,
    });
    let after = with_member_count(before, 0)?;
    store(tx, &request.request_id, &after, events).await?;
    let mut movers = vec![(before.owner_id, Some(owner))];
    movers.extend(others.iter().map(|id| (*id, Some(Exit::Disbanded))));
    rewrite_roles(tx, request, locked, &after, &movers).await
}

async fn exit(tx: &mut Tx, circle: CircleId, members: &[MinerId], how: Exit) -> Result<()> {
    let gone = diesel::update(circle_members::table)
        .filter(
            circle_members::circle_id
                .eq(circle.0)
                .and(circle_members::user_id.eq_any(members.iter().map(|id| id.user.0)))
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

/// Moves miners into or out of a circle, and updates the roles of these and the other members. `after` is the circle as
/// it was stored. A mover without an exit joins. The miners are locked and updated in place.
pub(super) async fn rewrite_roles(
    tx: &mut Tx,
    request: &Request,
    locked: &mut [Miner],
    after: &Circle,
    movers: &[(MinerId, Option<Exit>)],
) -> Result<()> {
    for miner in locked {
        let mover = movers.iter().find(|(id, _)| *id == miner.id);
        let (circle_id, is_circle_valid) = match mover {
            Some((_, Some(_))) => (None, false),
            Some((_, None)) => (Some(after.id), after.is_valid()),
            None => (miner.circle_id, after.is_valid()),
        };
        let is_changed =
            miner.circle_id == Some(after.id) && miner.is_circle_valid != is_circle_valid;
        if mover.is_none() && !is_changed {
            continue;
        }
        if mover.is_some_and(|(_, exit)| exit.is_some_and(Exit::cools)) {
            miner.circle_left_at = Some(tx.now());
        }
        miner.circle_id = circle_id;
        miner.is_circle_valid = is_circle_valid;
        let role = role_of(tx.conn(), miner, miner.role == Role::NodeOperator).await?;
        let mut events = MinerEvents::of(miner, None);
        events.role(role);
        // Joining or leaving raises the version even when the role stays.
        let moved = i64::from(mover.is_some());
        let version = events.enqueue(tx, &request.request_id)?;
        miner.version = version.max(miner.version + moved);
        miner.role = role;
        miner.updated_at = tx.now();
        diesel::update(miners::table.find(miner.id.user.0))
            .set((
                miners::circle_id.eq(miner.circle_id.map(|circle| circle.0)),
                miners::is_circle_valid.eq(miner.is_circle_valid),
                miners::circle_left_at.eq(miner.circle_left_at),
                miners::role.eq(miner.role.name()),
                miners::version.eq(miner.version),
                miners::updated_at.eq(miner.updated_at),
            ))
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}
