//! Leaving a circle.

use domain::access::Action;
use domain::mining::circle::{CircleRefusal, CircleRefusalKind, Exit, leave};
use uuid::Uuid;

use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::circle::{locks, membership};
use crate::{DbError, Tx};

/// Descriptor of [`circle_leave`].
pub const CIRCLE_LEAVE: Command<CircleRefusal> = Command {
    name: "mining.circle_leave",
    action: Action::CircleLeave,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerBanned, NotInCircle, OwnerCannotLeave),
};

/// Takes the caller out of their circle; returns the id of their miner.
pub async fn circle_leave(tx: &mut Tx, request: &Request) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &CIRCLE_LEAVE, async |tx, _| {
        let user = request.person()?.id;
        let locked = locks::lock_own_circle(tx.conn(), user, &[]).await?;
        let mut locked = locked.ok_or(CircleRefusal::MinerNotFound)?;
        let roster = leave(&locked.caller, locked.roster.as_ref())?;
        let id = locked.caller.id;
        membership::depart(tx, request, roster, id, Exit::Left, &mut locked.miners).await?;
        Ok(id.0)
    })
    .await
}
