//! Leaving a circle.

use domain::ids::UserId;
use domain::mining::MiningRefusal;
use domain::mining::circle::Exit;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx};

/// What leaving a circle gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleLeft {
    /// Who left.
    pub miner_id: Uuid,
}

/// Leaves the caller's circle.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::leave`].
pub async fn circle_leave(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Answer<CircleLeft>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_leave", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = leave(tx, request, user).await?;
    key.settle(tx, request, outcome).await
}

async fn leave(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Result<CircleLeft, MiningRefusal>, DbError> {
    let Some(mut scene) = lock::lock_own(tx.conn(), user, &[]).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let roster = match domain::mining::circle::leave(&scene.caller, scene.roster.as_ref()) {
        Ok(roster) => roster,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let id = scene.caller.id;
    members::depart(tx, request, roster, id, Exit::Left, &mut scene.miners).await?;
    Ok(Ok(CircleLeft { miner_id: id.0 }))
}
