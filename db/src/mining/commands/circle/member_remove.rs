//! Removing a member from a circle.

use domain::ids::{MinerId, UserId};
use domain::mining::MiningRefusal;
use domain::mining::circle::Exit;

use super::{CircleDone, lock, members};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::{DbError, Tx};

/// Removes a member from the caller's circle.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::remove`].
pub async fn circle_member_remove(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    member: MinerId,
) -> Result<Answer<CircleDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_member_remove", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = remove(tx, request, user, member).await?;
    key.settle(tx, request, outcome).await
}

async fn remove(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
    member: MinerId,
) -> Result<Result<CircleDone, MiningRefusal>, DbError> {
    let Some(mut scene) = lock::lock_own(tx.conn(), user, &[]).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let decided = domain::mining::circle::remove(&scene.caller, scene.roster.as_ref(), member);
    let roster = match decided {
        Ok(roster) => roster,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let circle_id = roster.circle.id.0;
    members::depart(
        tx,
        request,
        roster,
        member,
        Exit::Removed,
        &mut scene.miners,
    )
    .await?;
    Ok(Ok(CircleDone { circle_id }))
}
