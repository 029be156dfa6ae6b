//! Leaving a circle, and removing a member from it.

use domain::ids::UserId;
use domain::mining::circle::{CircleRefusal, CircleRefusalKind, Exit, leave, remove};

use crate::mining::circle::{locks, membership};
use crate::prelude::*;

/// Descriptor of [`circle_leave`].
pub const CIRCLE_LEAVE: Command<CircleRefusal> = Command {
    name: "mining.circle_leave",
    action: Action::CircleLeave,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerBanned, NotInCircle, OwnerCannotLeave),
};

/// Takes the caller out of their circle; returns their user.
pub async fn circle_leave(tx: &mut Tx, request: &Request) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_LEAVE, async |tx, _| {
        let mut locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let roster = leave(&locked.caller, locked.roster.as_ref())?;
        let id = locked.caller.id;
        membership::depart(tx, request, roster, id, Exit::Left, &mut locked.miners).await?;
        Ok(id.user.0)
    })
    .await
}

/// Descriptor of [`circle_member_remove`].
pub const CIRCLE_MEMBER_REMOVE: Command<CircleRefusal> = Command {
    name: "mining.circle_member_remove",
    action: Action::CircleMemberRemove,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerBanned, NotInCircle, NotOwner, MemberNotFound, OwnerCannotBeRemoved),
};

/// Removes a member from the caller's circle; returns the circle's id.
pub async fn circle_member_remove(
    tx: &mut Tx,
    request: &Request,
    member: UserId,
) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_MEMBER_REMOVE, async |tx, _| {
        let mut locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let (roster, member) = remove(&locked.caller, locked.roster.as_ref(), member)?;
        let how = Exit::Removed;
        membership::depart(tx, request, roster, member, how, &mut locked.miners).await?;
        Ok(roster.circle.id.0)
    })
    .await
}
