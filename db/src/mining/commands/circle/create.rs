//! Making a circle.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use domain::ids::{CircleId, UserId};
use domain::mining::{Circle, CircleStatus, MiningRefusal};

use super::events::CircleEvents;
use super::{CircleDone, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::mining::commands::lock_miner;
use crate::schema::circles;
use crate::text::Text as _;
use crate::{DbError, Tx, configuration};

/// Makes a circle, of which the caller is the owner and first member.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::create`].
pub async fn circle_create(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    name: &str,
) -> Result<Answer<CircleDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_create", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = create(tx, request, user, name).await?;
    key.settle(tx, request, outcome).await
}

async fn create(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    name: &str,
) -> Result<Result<CircleDone, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(caller) = lock_miner(tx.conn(), user).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let left_at = lock::left_at(tx.conn(), caller.id).await?;
    let cooldown_hours = configuration::mining(tx.conn())
        .await?
        .mining
        .circle_cooldown_hours;
    let decided = domain::mining::circle::create(&caller, name, left_at, cooldown_hours, now);
    let name = match decided {
        Ok(name) => name,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let circle = Circle {
        id: CircleId(tx.new_id()),
        owner_id: caller.id,
        name: name.as_str().to_owned(),
        status: CircleStatus::of(1),
        member_count: 1,
        version: 0,
        created_at: now,
        updated_at: now,
    };
    let mut events = CircleEvents::of(&circle);
    events.created(&circle.name);
    let version = events.store(tx, &request.request_id).await?;
    diesel::insert_into(circles::table)
        .values((
            circles::id.eq(circle.id.0),
            circles::owner_id.eq(circle.owner_id.0),
            circles::name.eq(&circle.name),
            circles::status.eq(circle.status.text()),
            circles::member_count.eq(1),
            circles::version.eq(version),
            circles::created_at.eq(now),
            circles::updated_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    members::enter(tx, circle.id, caller.id).await?;
    let moved = [caller.id];
    members::rewrite(
        tx,
        request,
        &mut [caller],
        circle.id,
        &moved,
        Some(circle.id),
    )
    .await?;
    Ok(Ok(CircleDone {
        circle_id: circle.id.0,
    }))
}
