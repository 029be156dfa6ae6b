//! Renaming a circle.

use domain::access::Action;
use domain::mining::circle::{CircleRefusal, CircleRefusalKind, rename};
use uuid::Uuid;

use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::circle::{events::CircleEvents, locks, membership};
use crate::{DbError, Tx};

/// Descriptor of [`circle_rename`].
pub const CIRCLE_RENAME: Command<CircleRefusal> = Command {
    name: "mining.circle_rename",
    action: Action::CircleRename,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerBanned, NameInvalid, NotInCircle, NotOwner),
};

/// Renames the caller's circle; returns its id.
pub async fn circle_rename(
    tx: &mut Tx,
    request: &Request,
    name: &str,
) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &CIRCLE_RENAME, async |tx, _| {
        let user = request.person()?.id;
        let locked = locks::lock_own_circle(tx.conn(), user, &[]).await?;
        let locked = locked.ok_or(CircleRefusal::MinerNotFound)?;
        let (circle, before) = rename(&locked.caller, locked.roster.as_ref(), name)?;
        if before != circle.name {
            let mut events = CircleEvents::of(&circle);
            events.renamed(before);
            membership::store(tx, &request.request_id, &circle, events).await?;
        }
        Ok(circle.id.0)
    })
    .await
}
