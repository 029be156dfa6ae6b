//! Types of circles and invitations.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, InputObject, OneofObject, SimpleObject, Value};
use db::mining::circle::queries::{self as reads, CircleFilter as Filter};
use db::mining::miner::locks::MinerRef;
use db::mining::{InvitationSeen, Profile};
use domain::access::Action;
use domain::ids::{CircleId, CircleInvitationId, MinerId, UserId};
use domain::mining as rules;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::command::Loaded;
use crate::eager::{Cached, Eager, Ready, ReadyList, Selected, eager, eager_values};
use crate::errors::ApiError;
use crate::inputs::search;
use crate::mining::loaders::{MembersOf, MiningLoader, PendingOf};
use crate::mining::miner::profile::MinerProfile;
use crate::mining::{bonus_rate, whole};
use crate::node::{GlobalId, Id, NodeType, uuid_keys};
use crate::paging::{PageArgs, Total, connection, nothing};
use crate::request::OperationContext;
use crate::scalars::{DateTime, Decimal};

uuid_keys!(CircleId, CircleInvitationId);

/// States of a circle.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::CircleStatus")]
pub enum CircleStatus {
    /// Fewer than three members.
    Incomplete,
    /// Three to five members.
    Active,
    /// Ended for good.
    Disbanded,
}

/// States of an invitation.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::InvitationStatus")]
pub enum CircleInvitationStatus {
    /// Waits for an answer.
    Pending,
    /// Accepted by the invitee.
    Accepted,
    /// Declined by the invitee.
    Declined,
    /// Cancelled by the owner, or by the end of the circle or a ban.
    Cancelled,
    /// Not answered within 7 days.
    Expired,
}

/// Security circle of 3 to 5 miners who vouch for each other, for its members and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Circle {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Key of the object in the platform's other services.
    pub uuid: Uuid,
    /// Bonus of each member as a fraction: `"0.2500"` from 3 members on, else 0.
    pub bonus_rate: Decimal,
    /// Time of creation.
    pub created_at: DateTime,
    /// Whether the circle earns its members the bonus.
    pub is_valid: bool,
    /// Number of active members, the owner included, 0 to 5.
    pub member_count: i32,
    /// Name, 1 to 100 characters.
    pub name: String,
    /// State of the circle.
    pub status: CircleStatus,
    /// 60, 80 and 100 with 3, 4 and 5 members, else 0.
    pub trust_score: i32,
    /// Time of the last change of the circle, its members or its invitations.
    pub updated_at: DateTime,
    #[graphql(skip)]
    owner_id: MinerId,
    #[graphql(skip)]
    circle_id: CircleId,
    /// The members, where they were loaded with the circle.
    #[graphql(skip)]
    loaded_members: Option<ReadyList<CircleMember>>,
    #[graphql(skip)]
    pub(in crate::mining) cached: Cached,
}

impl Eager for Circle {
    eager_values! { id, uuid, bonus_rate, created_at, is_valid, member_count, name, status, trust_score, updated_at }

    fn child(&self, field: &str, selected: &Selected<'_>) -> Option<Value> {
        match (field, &self.loaded_members) {
            ("members", Some(members)) => selected.of_all(&members.0),
            _ => None,
        }
    }
}

impl Circle {
    /// Loads the circle of a command that the caller sent as its owner or as staff; a replay shows it also when it has
    /// been disbanded since.
    pub(super) async fn load_commanded(ctx: &Context<'_>, id: CircleId) -> Loaded<Self> {
        let circle = ctx.loader::<MiningLoader>().load_one(id).await;
        let circle = circle.map_err(ApiError::from).transpose()?;
        Some(circle.map(Self::shown))
    }

    /// Whether the caller's miner fulfils a condition.
    async fn caller_is(
        ctx: &Context<'_>,
        condition: impl FnOnce(&rules::Miner) -> bool,
    ) -> Result<bool, ApiError> {
        let Some(person) = ctx.principal().person() else {
            return Ok(false);
        };
        let miner = ctx.loader::<MiningLoader>().load_one(person.id).await?;
        Ok(miner.is_some_and(|seen| condition(&seen.miner)))
    }

    async fn pending(&self, ctx: &Context<'_>) -> Result<Option<Vec<CircleInvitation>>, ApiError> {
        let may = ctx.may(Action::CircleInvitationRead, false)
            || Self::caller_is(ctx, |miner| miner.id == self.owner_id).await?;
        if !may {
            return Ok(None);
        }
        let pending = PendingOf(self.circle_id);
        let pending = ctx.loader::<MiningLoader>().load_one(pending).await?;
        let pending = pending.unwrap_or_default().into_iter();
        Ok(Some(pending.map(CircleInvitation::shown).collect()))
    }

    /// A circle that the caller may see, with its members.
    pub(in crate::mining) fn with_members(
        circle: rules::Circle,
        members: impl IntoIterator<Item = (rules::CircleMember, Profile)>,
    ) -> Self {
        let circle = Self::shown(circle);
        let members = members.into_iter().map(|(member, profile)| CircleMember {
            loaded: Some(Arc::new(MinerProfile::shown(profile))),
            ..circle.member(&member)
        });
        Self {
            loaded_members: Some(ReadyList(members.collect())),
            ..circle
        }
    }

    fn member(&self, member: &rules::CircleMember) -> CircleMember {
        CircleMember {
            is_owner: member.miner_id == self.owner_id,
            joined_at: member.joined_at.into(),
            miner_id: member.miner_id,
            loaded: None,
        }
    }

    /// A circle that the caller may see.
    pub(in crate::mining) fn shown(circle: rules::Circle) -> Self {
        Self {
            id: GlobalId::of::<Self>(&circle.id),
            uuid: circle.id.0,
            bonus_rate: bonus_rate(circle.bonus()),
            created_at: circle.created_at.into(),
            is_valid: circle.is_valid(),
            member_count: whole(circle.member_count),
            status: circle.status.into(),
            trust_score: circle.trust_score().into(),
            updated_at: circle.updated_at.into(),
            owner_id: circle.owner_id,
            circle_id: circle.id,
            loaded_members: None,
            cached: Cached::default(),
            name: circle.name,
        }
    }
}

#[ComplexObject]
impl Circle {
    /// Pending invitations, newest first, at most 20; null for members other than the owner.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<Vec<CircleInvitation>, ApiError>> {
        self.pending(ctx).await.transpose()
    }

    /// Active members by time of joining, the owner first.
    async fn members(
        &self,
        ctx: &Context<'_>,
    ) -> Option<Result<ReadyList<CircleMember>, ApiError>> {
        if let Some(loaded) = &self.loaded_members {
            return Some(Ok(loaded.clone()));
        }
        let members = MembersOf(self.circle_id);
        let members = ctx.loader::<MiningLoader>().load_one(members).await;
        Some(members.map_err(ApiError::from).map(|members| {
            let members = members.unwrap_or_default();
            ReadyList(members.iter().map(|member| self.member(member)).collect())
        }))
    }

    /// Member who created the circle.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let owner = MinerProfile::load(ctx, self.owner_id).await;
        owner.map(|owner| owner.map(Ready)).transpose()
    }
}

impl NodeType for Circle {
    const KIND: &'static str = "Circle";
    type Key = CircleId;

    async fn load(ctx: &Context<'_>, key: CircleId) -> Result<Option<Self>, ApiError> {
        let may = ctx.may(Action::CircleRead, false) || {
            let is_member = Self::caller_is(ctx, |miner| miner.circle_id == Some(key)).await?;
            ctx.may(Action::CircleRead, is_member)
        };
        if !may {
            return Ok(None);
        }
        let circle = ctx.loader::<MiningLoader>().load_one(key).await?;
        Ok(circle.map(Self::shown))
    }
}

connection!(
    CircleConnection,
    CircleEdge,
    Circle,
    "circles",
    by(Timestamp, Uuid)
);

/// Membership of a circle.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct CircleMember {
    /// Whether the member created the circle.
    pub is_owner: bool,
    /// Time of joining.
    pub joined_at: DateTime,
    #[graphql(skip)]
    miner_id: MinerId,
    /// The miner, where it was loaded with the member.
    #[graphql(skip)]
    loaded: Option<Arc<MinerProfile>>,
}

impl Eager for CircleMember {
    eager_values! { is_owner, joined_at }

    fn child(&self, field: &str, selected: &Selected<'_>) -> Option<Value> {
        match (field, &self.loaded) {
            ("miner", Some(miner)) => selected.of(miner),
            _ => None,
        }
    }
}

#[ComplexObject]
impl CircleMember {
    /// Miner who is the member.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<Ready<Arc<MinerProfile>>, ApiError>> {
        if let Some(miner) = &self.loaded {
            return Some(Ok(Ready(Arc::clone(miner))));
        }
        let miner = MinerProfile::load(ctx, self.miner_id).await;
        miner
            .map(|miner| miner.map(|miner| Ready(Arc::new(miner))))
            .transpose()
    }
}

/// Key of a circle.
#[derive(OneofObject)]
pub enum CircleBy {
    /// Global id of the circle.
    Id(Id<Circle>),
    /// Key in the platform's other services.
    Uuid(Uuid),
}

impl From<CircleBy> for CircleId {
    fn from(by: CircleBy) -> Self {
        match by {
            CircleBy::Id(id) => id.key,
            CircleBy::Uuid(id) => Self(id),
        }
    }
}

/// Conditions on circles.
#[derive(InputObject, Default)]
pub struct CircleFilter {
    /// Part of the name, 1 to 100 characters.
    pub search: Option<String>,
    /// State of the circle.
    pub status: Option<CircleStatus>,
}

impl TryFrom<CircleFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: CircleFilter) -> Result<Self, ApiError> {
        Ok(Self {
            search: search(filter.search)?,
            status: filter.status.map(Into::into),
        })
    }
}

/// Invitation into a circle, for the invitee, the circle's owner and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CircleInvitation {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// Key of the object in the platform's other services.
    pub uuid: Uuid,
    /// Name of the circle, 1 to 100 characters, also for those who can't see the circle.
    pub circle_name: String,
    /// Time of the invitation.
    pub created_at: DateTime,
    /// Time it was accepted, declined or cancelled; null otherwise.
    pub decided_at: Option<DateTime>,
    /// Time it expires unanswered, 7 days after it was sent.
    pub expires_at: DateTime,
    /// State of the invitation as of now.
    pub status: CircleInvitationStatus,
    #[graphql(skip)]
    circle_id: CircleId,
    #[graphql(skip)]
    inviter_id: MinerId,
    #[graphql(skip)]
    invitee_id: MinerId,
}

eager! { CircleInvitation, id, uuid, circle_name, created_at, decided_at, expires_at, status }

impl CircleInvitation {
    /// An invitation that the caller may see.
    pub(super) fn shown(seen: InvitationSeen) -> Self {
        let invitation = &seen.invitation;
        Self {
            id: GlobalId::of::<Self>(&invitation.id),
            uuid: invitation.id.0,
            circle_name: seen.circle_name,
            created_at: invitation.created_at.into(),
            decided_at: invitation.decided_at.map(Into::into),
            expires_at: invitation.expires_at.into(),
            status: invitation.status_at(seen.at).into(),
            circle_id: invitation.circle_id,
            inviter_id: seen.inviter_id,
            invitee_id: invitation.invitee_id,
        }
    }
}

#[ComplexObject]
impl CircleInvitation {
    /// The circle; null for an invitee who is not a member.
    async fn circle(&self, ctx: &Context<'_>) -> Option<Result<Circle, ApiError>> {
        Circle::load(ctx, self.circle_id).await.transpose()
    }

    /// Miner who is invited.
    async fn invitee(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let invitee = MinerProfile::load(ctx, self.invitee_id).await;
        invitee.map(|invitee| invitee.map(Ready)).transpose()
    }

    /// Owner of the circle who sent it.
    async fn inviter(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let inviter = MinerProfile::load(ctx, self.inviter_id).await;
        inviter.map(|inviter| inviter.map(Ready)).transpose()
    }
}

impl NodeType for CircleInvitation {
    const KIND: &'static str = "CircleInvitation";
    type Key = CircleInvitationId;

    async fn load(ctx: &Context<'_>, key: CircleInvitationId) -> Result<Option<Self>, ApiError> {
        let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
        let Some(seen) = seen else {
            return Ok(None);
        };
        let sides = [seen.invitation.invitee_id, seen.inviter_id];
        let is_own = Circle::caller_is(ctx, |miner| sides.contains(&miner.id)).await?;
        let may = ctx.may(Action::CircleInvitationRead, is_own);
        Ok(may.then(|| Self::shown(seen)))
    }
}

connection!(
    CircleInvitationConnection,
    CircleInvitationEdge,
    CircleInvitation,
    "invitations into circles",
    by(Timestamp, Uuid)
);

/// A page of the invitations that a person received.
pub(in crate::mining) async fn received(
    ctx: &Context<'_>,
    user: UserId,
    status: Option<CircleInvitationStatus>,
    args: PageArgs,
) -> Result<CircleInvitationConnection, ApiError> {
    const LIST: &str = "circle invitations";
    let page = args.page::<(Timestamp, Uuid)>(LIST)?;
    let Some(seen) = ctx.loader::<MiningLoader>().load_one(user).await? else {
        let (slice, total) = nothing();
        return Ok(CircleInvitationConnection::new(LIST, slice, total));
    };
    let (invitee, status) = (seen.miner.id, status.map(Into::into));
    let slice = ctx
        .db()
        .read(async move |conn| reads::received(conn, invitee, status, &page).await)
        .await?;
    let slice = slice.map(|seen| {
        let place = (seen.invitation.created_at, seen.invitation.id.0);
        (place, CircleInvitation::shown(seen))
    });
    let total = Total::query(move |db| async move {
        db.read(async move |conn| reads::received_count(conn, invitee, status).await)
            .await
    });
    Ok(CircleInvitationConnection::new(LIST, slice, total))
}

/// Key of an invitation.
#[derive(OneofObject)]
pub enum CircleInvitationBy {
    /// Global id of the invitation.
    Id(Id<CircleInvitation>),
    /// Key in the platform's other services.
    Uuid(Uuid),
}

impl From<CircleInvitationBy> for CircleInvitationId {
    fn from(by: CircleInvitationBy) -> Self {
        match by {
            CircleInvitationBy::Id(id) => id.key,
            CircleInvitationBy::Uuid(id) => Self(id),
        }
    }
}

/// Key of the miner to invite.
#[derive(OneofObject)]
pub enum CircleInviteeBy {
    /// Referral code, also as pasted from a link.
    Code(String),
    /// `MinerProfile` id.
    ProfileId(Id<MinerProfile>),
}

impl From<&CircleInviteeBy> for MinerRef {
    fn from(by: &CircleInviteeBy) -> Self {
        match by {
            CircleInviteeBy::Code(code) => Self::Code(code.clone()),
            CircleInviteeBy::ProfileId(id) => Self::Id(id.key),
        }
    }
}
