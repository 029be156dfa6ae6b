//! Commands on circles, with their events.

use domain::mining::circle::{self as rules, CircleRefusal, Exit, Roster};
use domain::mining::{Circle, CircleStatus};
use domain::reason::Reason;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::mining::circle::rows::{CircleRow, folded_name};
use crate::mining::circle::{locks, membership};
use crate::mining::configuration;
use crate::mining::miner::locks::{lock_caller, lock_miners};
use crate::outbox::SubjectEvents;
use crate::platform::audit::{About, Change};
use crate::prelude::*;
use crate::schema::circles;
use crate::text::named;

commands! {
    CircleRefusal;
    CIRCLE_CREATE = "mining.circle_create", CircleCreate, Optional:
        MinerNotFound, MinerSuspended, MinerBanned, NameInvalid, AlreadyIn, Cooldown;
    CIRCLE_RENAME = "mining.circle_rename", CircleRename, Optional:
        MinerNotFound, MinerBanned, NameInvalid, NotInCircle, NotOwner;
    CIRCLE_MEMBER_REMOVE = "mining.circle_member_remove", CircleMemberRemove, Optional:
        MinerNotFound, MinerBanned, NotInCircle, NotOwner, MemberNotFound, OwnerCannotBeRemoved;
    CIRCLE_LEAVE = "mining.circle_leave", CircleLeave, Optional:
        MinerNotFound, MinerBanned, NotInCircle, OwnerCannotLeave;
    CIRCLE_DISBAND = "mining.circle_disband", CircleDisband, Optional:
        MinerNotFound, MinerBanned, NotInCircle, NotOwner;
    CIRCLE_FORCE_DISBAND = "mining.circle_force_disband", CircleForceDisband, Optional:
        ReasonInvalid, NotFound, OwnCircle, Disbanded;
}

/// An event of a circle. Each has `circleId` and `ownerId` too. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
pub(in crate::mining::circle) enum CircleEvent {
    CircleCreated {
        name: String,
    },
    CircleRenamed {
        previous_name: String,
        new_name: String,
    },
    CircleInvitationSent(InvitationChanged),
    CircleInvitationAccepted(InvitationChanged),
    CircleInvitationDeclined(InvitationChanged),
    CircleInvitationCancelled(InvitationChanged),
    CircleInvitationExpired(InvitationChanged),
    CircleMemberJoined {
        miner_id: Uuid,
        user_id: Uuid,
        member_count: u32,
    },
    CircleCompleted {
        member_count: u32,
        bonus_multiplier: Decimal,
    },
    CircleMemberLeft {
        miner_id: Uuid,
        user_id: Uuid,
        #[serde(with = "named")]
        how: Exit,
        member_count: u32,
    },
    CircleIncomplete {
        member_count: u32,
    },
    CircleDisbanded {
        member_ids: Vec<Uuid>,
        user_ids: Vec<Uuid>,
    },
}

/// Payload of the events of an invitation's states.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::mining::circle) struct InvitationChanged {
    pub invitation_id: Uuid,
    pub invitee_id: Uuid,
}

/// Events of one circle in one command.
pub(in crate::mining::circle) type CircleEvents = SubjectEvents<CircleEvent>;

impl CircleEvents {
    /// An empty list for a circle.
    pub fn of(circle: &Circle) -> Self {
        let mut events = Self::new("circle", circle.id.0, circle.version);
        for (field, id) in [("circleId", circle.id.0), ("ownerId", circle.owner_id.uuid)] {
            events.common.insert(field.to_owned(), json!(id));
        }
        events
    }
}

/// Creates a circle with the caller as owner and first member; returns its id.
pub async fn circle_create(tx: &mut Tx, request: &Request, name: &str) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_CREATE, async |tx, _| {
        let now = tx.now();
        let caller = lock_caller::<CircleRefusal>(tx, request).await?;
        let configuration = configuration::in_force(tx.conn()).await?;
        let cooldown = configuration.mining.circle_cooldown_hours;
        let name = rules::create(&caller, name, cooldown, now)?;
        let mut circle = Circle {
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
        let name = circle.name.clone();
        events.push(CircleEvent::CircleCreated { name });
        circle.version = events.enqueue(tx, &request.request_id)?;
        diesel::insert_into(circles::table)
            .values((CircleRow::try_from(&circle)?, folded_name(&circle)))
            .execute(tx.conn())
            .await?;
        membership::enter(tx, circle.id, caller.id).await?;
        let movers = [(caller.id, None)];
        membership::rewrite_roles(tx, request, &mut [caller], &circle, &movers).await?;
        Ok(circle.id.0)
    })
    .await
}

/// Renames the caller's circle; returns its id.
pub async fn circle_rename(tx: &mut Tx, request: &Request, name: &str) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_RENAME, async |tx, _| {
        let locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let (circle, previous_name) = rules::rename(&locked.caller, locked.roster.as_ref(), name)?;
        let new_name = circle.name.clone();
        if previous_name != new_name {
            let mut events = CircleEvents::of(&circle);
            events.push(CircleEvent::CircleRenamed {
                previous_name,
                new_name,
            });
            membership::store(tx, &request.request_id, &circle, events).await?;
        }
        Ok(circle.id.0)
    })
    .await
}

/// Takes the caller out of their circle; returns their user.
pub async fn circle_leave(tx: &mut Tx, request: &Request) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_LEAVE, async |tx, _| {
        let mut locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let roster = rules::leave(&locked.caller, locked.roster.as_ref())?;
        let id = locked.caller.id;
        membership::depart(tx, request, roster, id, Exit::Left, &mut locked.miners).await?;
        Ok(id.user.0)
    })
    .await
}

/// Removes a member from the caller's circle; returns the circle's id.
pub async fn circle_member_remove(
    tx: &mut Tx,
    request: &Request,
    member: UserId,
) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_MEMBER_REMOVE, async |tx, _| {
        let mut locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let (roster, member) = rules::remove(&locked.caller, locked.roster.as_ref(), member)?;
        let how = Exit::Removed;
        membership::depart(tx, request, roster, member, how, &mut locked.miners).await?;
        Ok(roster.circle.id.0)
    })
    .await
}

/// Disbands the caller's circle; returns its id.
pub async fn circle_disband(tx: &mut Tx, request: &Request) -> Result<Answer<Uuid>> {
    once(tx, request, &CIRCLE_DISBAND, async |tx, _| {
        let mut locked = locks::lock_own_circle::<CircleRefusal>(tx, request, &[]).await?;
        let roster = rules::disband(&locked.caller, locked.roster.as_ref())?;
        let how = Exit::DisbandedAsOwner;
        membership::end(tx, request, roster, how, &mut locked.miners).await?;
        Ok(roster.circle.id.0)
    })
    .await
}

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
        let roster = rules::force_disband(roster.as_ref(), own.map(|(miner, _)| miner))?;
        let mut locked = lock_miners(tx, &roster.members).await?;
        membership::end(tx, request, roster, Exit::DisbandedAsOwner, &mut locked).await?;
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

/// A circle in the audit log, under the names of the API.
fn shown(roster: &Roster) -> Value {
    let circle = &roster.circle;
    json!({
        "name": circle.name, "status": circle.status.name(), "owner": circle.owner_id.uuid,
        "members": roster.members.iter().map(|id| id.uuid).collect::<Vec<_>>(),
    })
}
