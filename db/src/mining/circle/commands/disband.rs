//! Disbanding a circle, by its owner or by an administrator.

use domain::ids::CircleId;
use domain::mining::Miner;
use domain::mining::circle::{
    CircleRefusal, CircleRefusalKind, Exit, Roster, disband, force_disband,
};
use domain::reason::Reason;
use serde_json::{Value, json};

use crate::mining::circle::{locks, membership};
use crate::mining::miner::locks::lock_miners;
use crate::platform::audit::{About, Change};
use crate::prelude::*;

/// Descriptor of [`circle_disband`].
pub const CIRCLE_DISBAND: Command<CircleRefusal> = Command {
    name: "mining.circle_disband",
    action: Action::CircleDisband,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: MinerNotFound, MinerBanned, NotInCircle, NotOwner),
};

/// Disbands the caller's circle; returns its id.
pub async fn circle_disband(tx: &mut Tx, request: &Request) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_DISBAND, async |tx, _| {
        let mut locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let roster = disband(&locked.caller, locked.roster.as_ref())?;
        end(tx, request, roster, &mut locked.miners).await?;
        Ok(roster.circle.id.0)
    })
    .await
}

/// Descriptor of [`circle_force_disband`].
pub const CIRCLE_FORCE_DISBAND: Command<CircleRefusal> = Command {
    name: "mining.circle_force_disband",
    action: Action::CircleForceDisband,
    key: KeyRule::Optional,
    refusals: codes!(CircleRefusalKind: ReasonInvalid, NotFound, OwnCircle, Disbanded),
};

/// Disbands any circle; returns its id.
pub async fn circle_force_disband(
    tx: &mut Tx,
    request: &Request,
    circle: CircleId,
    reason: &str,
) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_FORCE_DISBAND, async |tx, key| {
        let reason = Reason::parse(reason);
        let roster = locks::lock_circle(tx, circle).await?;
        let id = roster.as_ref().map(|roster| roster.circle.id.0);
        key.about = Some(About::new("circle", id, reason.clone()));
        if reason.is_none() {
            return Err(CircleRefusal::ReasonInvalid.into());
        }
        let own = locks::membership_of(tx.conn(), request.person()?.id).await?;
        let roster = force_disband(roster.as_ref(), own.map(|(miner, _)| miner))?;
        let mut locked = lock_miners(tx, &roster.members).await?;
        end(tx, request, roster, &mut locked).await?;
        key.change = Some(Change {
            before: shown(roster),
            after: shown(&Roster {
                circle: membership::with_member_count(&roster.circle, 0)?,
                members: Vec::new(),
            }),
        });
        Ok(roster.circle.id.0)
    })
    .await
}

async fn end(tx: &mut Tx, request: &Request, roster: &Roster, locked: &mut [Miner]) -> Result<()> {
    let pending = locks::pending(tx.conn(), roster.circle.id).await?;
    let owner = Exit::DisbandedAsOwner;
    membership::end(tx, request, roster, owner, pending.iter(), locked).await
}

/// A circle in the audit log, under the names of the API.
fn shown(roster: &Roster) -> Value {
    let circle = &roster.circle;
    json!({
        "name": circle.name, "status": circle.status.name(), "owner": circle.owner_id.uuid,
        "members": roster.members.iter().map(|id| id.uuid).collect::<Vec<_>>(),
    })
}
