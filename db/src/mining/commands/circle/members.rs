//! Who is in a circle, with what that makes of the circle and of everybody's role.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{CircleId, MinerId};
use domain::mining::circle::{Exit, Roster};
use domain::mining::{Circle, CircleInvitation, CircleStatus, Miner, Role};

use super::super::events::MinerEvents;
use super::super::role_of;
use super::events::CircleEvents;
use super::invitations;
use crate::idempotency::Request;
use crate::schema::{circle_members, circles, miners};
use crate::text::Text as _;
use crate::{DbError, Tx};

/// The circle with so many active members.
pub(super) fn counting(circle: &Circle, members: usize) -> Circle {
    Circle {
        status: CircleStatus::of(members),
        member_count: u32::try_from(members).unwrap_or(u32::MAX),
        ..circle.clone()
    }
}

/// Stores a circle and tells what happened to it.
pub(super) async fn store(
    tx: &mut Tx,
    request_id: &str,
    circle: &Circle,
    events: CircleEvents,
) -> Result<(), DbError> {
    let version = events.store(tx, request_id).await?;
    diesel::update(circles::table.find(circle.id.0))
        .set((
            circles::name.eq(&circle.name),
            circles::status.eq(circle.status.text()),
            circles::member_count.eq(i32::try_from(circle.member_count).unwrap_or(i32::MAX)),
            circles::version.eq(version),
            circles::updated_at.eq(tx.now()),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Makes somebody an active member.
pub(super) async fn enter(tx: &mut Tx, circle: CircleId, miner: MinerId) -> Result<(), DbError> {
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

/// Takes a member out, with what follows from it.
pub(super) async fn depart(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    who: MinerId,
    how: Exit,
    locked: &mut [Miner],
) -> Result<(), DbError> {
    let before = &roster.circle;
    let after = counting(before, roster.members.len().saturating_sub(1));
    exit(tx, before.id, &[who], how).await?;
    let mut events = CircleEvents::of(before);
    if let Some(miner) = locked.iter().find(|miner| miner.id == who) {
        events.left(miner, how, before, &after);
    }
    store(tx, &request.request_id, &after, events).await?;
    rewrite(tx, request, locked, before.id, &[who], None).await
}

/// Ends a circle for good, with what follows from it. `pending` are its invitations that are stored as pending; `owner`
/// is how its owner goes.
pub(super) async fn end(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    owner: Exit,
    pending: impl Iterator<Item = &CircleInvitation> + Send,
    locked: &mut [Miner],
) -> Result<(), DbError> {
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
    invitations::withdraw(tx, &mut events, pending).await?;
    events.disbanded(locked.iter().filter(|miner| roster.has(miner.id)));
    store(tx, &request.request_id, &counting(before, 0), events).await?;
    rewrite(tx, request, locked, before.id, &roster.members, None).await
}

async fn exit(tx: &mut Tx, circle: CircleId, who: &[MinerId], how: Exit) -> Result<(), DbError> {
    let gone = diesel::update(circle_members::table)
        .filter(
            circle_members::circle_id
                .eq(circle.0)
                .and(circle_members::miner_id.eq_any(who.iter().map(|id| id.0)))
                .and(circle_members::left_at.is_null()),
        )
        .set((
            circle_members::left_at.eq(tx.now()),
            circle_members::left_how.eq(how.text()),
        ))
        .execute(tx.conn())
        .await?;
    if gone != who.len() {
        return Err(DbError::inconsistent("circle_members", "left_at", circle));
    }
    Ok(())
}

/// Moves miners into the circle or out of it, and rewrites their roles and those of everybody else in it. The circle is
/// stored already; the miners are locked, and come back as they are stored.
pub(super) async fn rewrite(
    tx: &mut Tx,
    request: &Request,
    locked: &mut [Miner],
    circle: CircleId,
    moved: &[MinerId],
    to: Option<CircleId>,
) -> Result<(), DbError> {
    for miner in locked {
        let is_moved = moved.contains(&miner.id);
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
        events.role(miner, role);
        // Going to or from a circle is a change, even when the role stays.
        let version = events.store(tx, request).await?.max(miner.version + 1);
        diesel::update(miners::table.find(miner.id.0))
            .set((
                miners::role.eq(role.text()),
                miners::version.eq(version),
                miners::updated_at.eq(tx.now()),
            ))
            .execute(tx.conn())
            .await?;
        miner.role = role;
        miner.version = version;
        miner.updated_at = tx.now();
    }
    Ok(())
}
