//! Renaming a circle.

use domain::ids::UserId;
use domain::mining::{Circle, MiningRefusal};

use super::events::CircleEvents;
use super::{CircleDone, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx};

/// Gives the caller's circle another name.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::rename`].
pub async fn circle_rename(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    name: &str,
) -> Result<Answer<CircleDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_rename", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = rename(tx, request, user, name).await?;
    key.settle(tx, request, outcome).await
}

async fn rename(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    name: &str,
) -> Result<Result<CircleDone, MiningRefusal>, DbError> {
    let Some(scene) = lock::lock_own(tx.conn(), user, &[]).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let decided = domain::mining::circle::rename(&scene.caller, scene.roster.as_ref(), name);
    let (roster, name) = match decided {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let circle = &roster.circle;
    let after = Circle {
        name: name.as_str().to_owned(),
        ..circle.clone()
    };
    if after.name != circle.name {
        let mut events = CircleEvents::of(circle);
        events.renamed(&circle.name, &after.name);
        members::store(tx, &request.request_id, &after, events).await?;
    }
    Ok(Ok(CircleDone {
        circle_id: circle.id.0,
    }))
}
