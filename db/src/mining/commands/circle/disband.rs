//! Disbanding a circle, by its owner or by an administrator.

use domain::ids::{CircleId, UserId};
use domain::mining::circle::{Exit, Roster};
use domain::mining::{Miner, MiningRefusal};
use domain::reason::Reason;
use serde_json::{Value, json};

use super::super::decide::lock_miners;
use super::{CircleDone, lock, members};
use crate::audit::{About, Change};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::text::Text as _;
use crate::{DbError, Tx};

/// Ends the caller's circle for good.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::circle::disband`].
pub async fn circle_disband(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Answer<CircleDone>, DbError> {
    let key = match idempotency::claim(tx, "mining.circle_disband", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = disband(tx, request, user).await?;
    key.settle(tx, request, outcome).await
}

async fn disband(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Result<CircleDone, MiningRefusal>, DbError> {
    let Some(mut scene) = lock::lock_own(tx.conn(), user, &[]).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let roster = match domain::mining::circle::disband(&scene.caller, scene.roster.as_ref()) {
        Ok(roster) => roster,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let done = end(tx, request, roster, &mut scene.miners).await?;
    Ok(Ok(done))
}

/// Who disbands which circle of others, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleDecision {
    /// Which circle.
    pub circle: CircleId,
    /// Who decides.
    pub by: UserId,
    /// Why, in their words.
    pub reason: String,
}

/// Ends somebody else's circle for good.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], then those of [`domain::mining::circle::disband_for`].
pub async fn circle_disband_for(
    tx: &mut Tx,
    request: &Request,
    decision: &CircleDecision,
) -> Result<Answer<CircleDone>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.circle_disband", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = disband_for(tx, &mut key, request, decision).await?;
    key.settle(tx, request, outcome).await
}

async fn disband_for(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    decision: &CircleDecision,
) -> Result<Result<CircleDone, MiningRefusal>, DbError> {
    let reason = Reason::parse(&decision.reason);
    let is_reasoned = reason.is_some();
    let roster = lock::lock_circle(tx.conn(), decision.circle).await?;
    key.about(About {
        entity_kind: "circle",
        entity_id: roster.as_ref().map(|roster| roster.circle.id.to_string()),
        reason,
    });
    if !is_reasoned {
        return Ok(Err(MiningRefusal::ReasonInvalid));
    }
    let by = lock::where_is(tx.conn(), decision.by).await?;
    let by = by.map(|(miner, _)| miner);
    let roster = match domain::mining::circle::disband_for(roster.as_ref(), by) {
        Ok(roster) => roster,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut locked = lock_miners(tx.conn(), &roster.members).await?;
    let done = end(tx, request, roster, &mut locked).await?;
    key.changed(Change {
        before: shown(roster),
        after: shown(&Roster {
            circle: members::counting(&roster.circle, 0),
            members: Vec::new(),
        }),
    });
    Ok(Ok(done))
}

async fn end(
    tx: &mut Tx,
    request: &Request,
    roster: &Roster,
    locked: &mut [Miner],
) -> Result<CircleDone, DbError> {
    let id = roster.circle.id;
    let pending = lock::pending(tx.conn(), id).await?;
    members::end(
        tx,
        request,
        roster,
        Exit::DisbandedAsOwner,
        pending.iter(),
        locked,
    )
    .await?;
    Ok(CircleDone { circle_id: id.0 })
}

/// What the audit log keeps of a circle.
fn shown(roster: &Roster) -> Value {
    let circle = &roster.circle;
    json!({
        "name": circle.name, "status": circle.status.text(), "owner": circle.owner_id.0,
        "members": roster.members.iter().map(|id| id.0).collect::<Vec<_>>(),
    })
}
