//! Security circles.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject, Value};
use db::audit_log::Entity;
use db::mining::Profile;
use domain::access::Action;
use domain::ids::{CircleId, MinerId};
use domain::mining as rules;
use domain::time::Timestamp;
use uuid::Uuid;

use super::{CircleInvitation, CircleStatus, MinerProfile, days, share};
use crate::errors::ApiError;
use crate::mining::loaders::{MembersOf, PendingOf};
use crate::node::GlobalId;
use crate::paging::{PageArgs, connection};
use crate::plain::{Plain, Ready, ReadyList, Selected, Written, plain_values};
use crate::platform::audit::{self, AuditLogConnection};
use crate::request::Asked;
use crate::scalars::{DateTime, Decimal};

/// A security circle: three to five people who vouch for each other. For its members and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Circle {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Where it stands.
    pub status: CircleStatus,
    /// Active members, the owner included.
    pub member_count: i32,
    /// 60, 80 and 100 at 3, 4 and 5 members, else 0.
    pub trust_score: i32,
    /// What it adds to its members' rates, as a share: `"0.2500"` is 25 %.
    pub bonus_multiplier: Decimal,
    /// Whether it has the members it takes.
    pub is_valid: bool,
    /// When it was made.
    pub created_at: DateTime,
    /// When it last changed: its name, its members, or its invitations.
    pub updated_at: DateTime,
    #[graphql(skip)]
    owner_id: MinerId,
    #[graphql(skip)]
    circle_id: CircleId,
    /// Its members, where they were fetched with it.
    #[graphql(skip)]
    fetched_members: Option<ReadyList<CircleMember>>,
    #[graphql(skip)]
    pub(super) written: Written,
}

impl Circle {
    /// Loads a circle, if the caller is a member or on the staff.
    pub(crate) async fn load(ctx: &Context<'_>, id: CircleId) -> Result<Option<Self>, ApiError> {
        let own = match ctx.principal().person() {
            Some(person) => {
                let miner = ctx.operation().mining.load_one(person.id).await?;
                miner.is_some_and(|seen| seen.miner.circle_id == Some(id))
            }
            None => false,
        };
        if !ctx.may(Action::CircleRead, own) {
            return Ok(None);
        }
        Ok(ctx.operation().mining.load_one(id).await?.map(Self::shown))
    }

    /// Loads a circle the caller ended just now, of which they may be no member any more.
    pub(crate) async fn ended(ctx: &Context<'_>, id: CircleId) -> Result<Option<Self>, ApiError> {
        Ok(ctx.operation().mining.load_one(id).await?.map(Self::shown))
    }

    /// Whether the caller sees who is invited.
    async fn shows_invitations(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        let own = match ctx.principal().person() {
            Some(person) => {
                let miner = ctx.operation().mining.load_one(person.id).await?;
                miner.is_some_and(|seen| seen.miner.id == self.owner_id)
            }
            None => false,
        };
        Ok(ctx.may(Action::CircleInvitationRead, own))
    }

    async fn pending(&self, ctx: &Context<'_>) -> Result<Option<Vec<CircleInvitation>>, ApiError> {
        // Staff need not be asked who they are.
        if !ctx.may(Action::CircleInvitationRead, false) && !self.shows_invitations(ctx).await? {
            return Ok(None);
        }
        let of = PendingOf(self.circle_id);
        let pending = ctx.operation().mining.load_one(of).await?;
        let pending = pending.unwrap_or_default();
        Ok(Some(
            pending.into_iter().map(CircleInvitation::shown).collect(),
        ))
    }

    /// The circle with its members, of which the caller may see profiles.
    pub(crate) fn with_members(
        circle: rules::Circle,
        members: impl IntoIterator<Item = (rules::CircleMember, Profile)>,
    ) -> Self {
        let circle = Self::shown(circle);
        let members = members.into_iter().map(|(member, profile)| CircleMember {
            fetched: Some(Arc::new(MinerProfile::shown(profile))),
            ..circle.member(&member)
        });
        Self {
            fetched_members: Some(ReadyList(members.collect())),
            ..circle
        }
    }

    fn member(&self, member: &rules::CircleMember) -> CircleMember {
        CircleMember {
            joined_at: member.joined_at.into(),
            is_owner: member.miner_id == self.owner_id,
            miner_id: member.miner_id,
            fetched: None,
        }
    }

    pub(crate) fn shown(circle: rules::Circle) -> Self {
        Self {
            id: GlobalId::Circle(circle.id),
            uuid: circle.id.0,
            status: circle.status.into(),
            member_count: days(circle.member_count),
            trust_score: circle.trust_score().into(),
            bonus_multiplier: share(circle.bonus()),
            is_valid: circle.is_valid(),
            created_at: circle.created_at.into(),
            updated_at: circle.updated_at.into(),
            owner_id: circle.owner_id,
            circle_id: circle.id,
            fetched_members: None,
            written: Written::default(),
            name: circle.name,
        }
    }
}

impl Plain for Circle {
    plain_values!(
        id,
        uuid,
        name,
        status,
        member_count,
        trust_score,
        bonus_multiplier,
        is_valid,
        created_at,
        updated_at
    );

    fn child(&self, field: &str, asked: &Selected<'_>) -> Option<Value> {
        match (field, &self.fetched_members) {
            ("members", Some(members)) => asked.of_all(&members.0),
            _ => None,
        }
    }
}

#[ComplexObject]
impl Circle {
    /// Who made it.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let owner = MinerProfile::load(ctx, self.owner_id).await;
        owner.map(|owner| owner.map(Ready)).transpose()
    }

    /// Its invitations that can still be answered, newest first: 20 at most. For its owner and staff; null for others.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<Vec<CircleInvitation>, ApiError>> {
        self.pending(ctx).await.transpose()
    }

    /// What staff and services did or tried about this circle, newest first. Not what its members did, and not what a
    /// caller was forbidden: that names no circle. Requires role: SUPPORT, FINANCE or ADMIN; null for anybody else, also
    /// for its owner.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<AuditLogConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        let (kind, id) = ("circle", self.circle_id.0);
        audit::about(ctx, Entity { kind, id }, args).await
    }

    /// Its active members in the order they joined, the owner first: 5 at most.
    async fn members(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<ReadyList<CircleMember>, ApiError>> {
        if let Some(fetched) = &self.fetched_members {
            return Some(Ok(fetched.clone()));
        }
        let members = ctx
            .operation()
            .mining
            .load_one(MembersOf(self.circle_id))
            .await;
        Some(members.map_err(ApiError::from).map(|members| {
            let members = members.unwrap_or_default();
            ReadyList(members.iter().map(|member| self.member(member)).collect())
        }))
    }
}

connection! {
    /// A page of circles.
    CircleConnection,
    /// One item of a page of circles.
    CircleEdge,
    Circle, by (Timestamp, Uuid)
}

/// Somebody's membership of a circle.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct CircleMember {
    /// Since when.
    pub joined_at: DateTime,
    /// Whether they made the circle.
    pub is_owner: bool,
    #[graphql(skip)]
    miner_id: MinerId,
    /// Who, where that was fetched with them.
    #[graphql(skip)]
    fetched: Option<Arc<MinerProfile>>,
}

impl Plain for CircleMember {
    plain_values!(joined_at, is_owner);

    fn child(&self, field: &str, asked: &Selected<'_>) -> Option<Value> {
        match (field, &self.fetched) {
            ("miner", Some(miner)) => asked.of(miner),
            _ => None,
        }
    }
}

#[ComplexObject]
impl CircleMember {
    /// Who.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<Ready<Arc<MinerProfile>>, ApiError>> {
        if let Some(miner) = &self.fetched {
            return Some(Ok(Ready(Arc::clone(miner))));
        }
        let miner = MinerProfile::load(ctx, self.miner_id).await;
        miner
            .map(|miner| miner.map(|miner| Ready(Arc::new(miner))))
            .transpose()
    }
}
