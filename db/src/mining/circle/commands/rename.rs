//! Renaming a circle.

use domain::mining::circle::{CircleRefusal, CircleRefusalKind, rename};

use crate::mining::circle::{events::CircleEvents, locks, membership};
use crate::prelude::*;

/// Descriptor of [`circle_rename`].
pub const CIRCLE_RENAME: Command<CircleRefusal> = Command {
    name: "mining.circle_rename",
    action: Action::CircleRename,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerBanned, NameInvalid, NotInCircle, NotOwner),
};

/// Renames the caller's circle; returns its id.
pub async fn circle_rename(tx: &mut Tx, request: &Request, name: &str) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_RENAME, async |tx, _| {
        let locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
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
