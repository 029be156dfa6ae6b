//! Types of circles and invitations.

use async_graphql::OneofObject;
use db::mining::circle::queries::{self as reads, CircleFilter as Filter};
use db::mining::miner::locks::MinerRef;
use db::mining::{InvitationSeen, Profile};
use domain::mining as rules;

use crate::eager::Cached;
use crate::inputs::search;
use crate::mining::loaders::{MembersOf, MiningLoader, PendingOf};
use crate::mining::miner::profile::MinerProfile;
use crate::mining::{bonus_rate, whole};
use crate::node::uuid_keys;
use crate::prelude::*;

uuid_keys!(CircleId);
owned_keys!(CircleInvitationId);

/// States of a circle.
pub type CircleStatus = EnumOf<rules::CircleStatus>;

/// States of an invitation.
pub type CircleInvitationStatus = EnumOf<rules::InvitationStatus>;

object! {
    /// Security circle of 3 to 5 miners who vouch for each other, for its members and staff.
    #[graphql(complex)]
    Circle(circle: rules::Circle) {
        let trust_score = circle.trust_score();
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&circle.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = circle.id.0,
        /// Bonus of each member as a fraction: `"0.2500"` from 3 members on, else 0.
        bonus_rate: Decimal = bonus_rate(circle.bonus()),
        /// Time of creation.
        created_at: DateTime = circle.created_at.into(),
        /// Whether the circle earns its members the bonus.
        is_valid: bool = circle.is_valid(),
        /// Number of active members, the owner included, 0 to 5.
        member_count: i32 = whole(circle.member_count),
        /// Name, 1 to 100 characters.
        name: String = circle.name,
        /// Member who created the circle.
        owner: Edge<Ready<MinerProfile>> = Edge::to(circle.owner_id.user),
        /// State of the circle.
        status: CircleStatus = circle.status.into(),
        /// 60, 80 and 100 with 3, 4 and 5 members, else 0.
        trust_score: i32 = trust_score.into(),
        /// Time of the last change of the circle, its members or its invitations.
        updated_at: DateTime = circle.updated_at.into(),
    }
    with {
        owner_id: MinerId = circle.owner_id,
        circle_id: CircleId = circle.id,
        /// The members, where they were loaded with the circle.
        loaded_members: Option<ReadyList<CircleMember>> = None,
        pub(crate) cached: Cached = Cached::default(),
    }
    loaded |circle, field, selected| match (field, &circle.loaded_members) {
        ("members", Some(members)) => selected.of_all(&members.0),
        _ => None,
    }
}

impl Circle {
    /// Loads the circle of a command that the caller sent as its owner or as staff; a replay shows it also when it has
    /// been disbanded since.
    pub(super) async fn load_commanded(ctx: &Context<'_>, id: CircleId) -> Loaded<Self> {
        let circle = ctx.loader::<MiningLoader>().load_one(id).await;
        let circle = circle.map_err(ApiError::from).transpose()?;
        Some(circle.map(Self::of))
    }

    /// Whether the caller's miner fulfils a condition.
    async fn caller_is(
        ctx: &Context<'_>,
        condition: impl FnOnce(&rules::Miner) -> bool,
    ) -> Result<bool> {
        let Some(person) = ctx.principal().person() else {
            return Ok(false);
        };
        let miner = ctx.loader::<MiningLoader>().load_one(person.id).await?;
        Ok(miner.is_some_and(|seen| condition(&seen.miner)))
    }

    async fn pending(&self, ctx: &Context<'_>) -> Result<Option<Vec<CircleInvitation>>> {
        let may = ctx.may(Action::CircleInvitationRead, false)
            || Self::caller_is(ctx, |miner| miner.id == self.owner_id).await?;
        if !may {
            return Ok(None);
        }
        let pending = PendingOf(self.circle_id);
        let pending = ctx.loader::<MiningLoader>().load_one(pending).await?;
        let pending = pending.unwrap_or_default().into_iter();
        Ok(Some(pending.map(CircleInvitation::of).collect()))
    }

    /// A circle that the caller may see, with its members.
    pub(in crate::mining) fn with_members(
        circle: rules::Circle,
        members: impl IntoIterator<Item = (rules::CircleMember, Profile)>,
    ) -> Self {
        let circle = Self::of(circle);
        let members = members.into_iter().map(|(member, profile)| CircleMember {
            loaded: Some(Arc::new(MinerProfile::of(profile))),
            ..CircleMember::of(circle.owner_id, &member)
        });
        Self {
            loaded_members: Some(ReadyList(members.collect())),
            ..circle
        }
    }
}

#[ComplexObject]
impl Circle {
    /// Pending invitations, newest first, at most 20; null for members other than the owner.
    async fn invitations(&self, ctx: &Context<'_>) -> Loaded<Vec<CircleInvitation>> {
        self.pending(ctx).await.transpose()
    }

    /// Active members by time of joining, the owner first.
    async fn members(&self, ctx: &Context<'_>) -> Loaded<ReadyList<CircleMember>> {
        if let Some(loaded) = &self.loaded_members {
            return Some(Ok(loaded.clone()));
        }
        let members = MembersOf(self.circle_id);
        let members = ctx.loader::<MiningLoader>().load_one(members).await;
        Some(members.map_err(ApiError::from).map(|members| {
            let members = members.unwrap_or_default();
            ReadyList(
                members
                    .iter()
                    .map(|member| CircleMember::of(self.owner_id, member))
                    .collect(),
            )
        }))
    }
}

node!(Circle: CircleId, |ctx, key| {
    let may = ctx.may(Action::CircleRead, false) || {
        let is_member = Self::caller_is(ctx, |miner| miner.circle_id == Some(key)).await?;
        ctx.may(Action::CircleRead, is_member)
    };
    if !may {
        return Ok(None);
    }
    let circle = ctx.loader::<MiningLoader>().load_one(key).await?;
    Ok(circle.map(Self::of))
});

connection!(
    CircleConnection,
    CircleEdge,
    Circle,
    "circles",
    by(Timestamp, Uuid)
);

object! {
    /// Membership of a circle.
    #[derive(Clone)]
    #[graphql(complex)]
    CircleMember(owner: MinerId, member: &rules::CircleMember) {
        /// Whether the member created the circle.
        is_owner: bool = member.miner_id == owner,
        /// Time of joining.
        joined_at: DateTime = member.joined_at.into(),
    }
    with {
        miner_id: MinerId = member.miner_id,
        /// The miner, where it was loaded with the member.
        loaded: Option<Arc<MinerProfile>> = None,
    }
    loaded |member, field, selected| match (field, &member.loaded) {
        ("miner", Some(miner)) => selected.of(miner),
        _ => None,
    }
}

#[ComplexObject]
impl CircleMember {
    /// Miner who is the member.
    async fn miner(&self, ctx: &Context<'_>) -> Loaded<Ready<Arc<MinerProfile>>> {
        if let Some(miner) = &self.loaded {
            return Some(Ok(Ready(Arc::clone(miner))));
        }
        let miner = MinerProfile::load(ctx, self.miner_id.user).await;
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
    /// Part of the name, ignoring case, at most 100 visible characters; a blank text selects all.
    pub search: Option<String>,
    /// State of the circle.
    pub status: Option<CircleStatus>,
}

impl TryFrom<CircleFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: CircleFilter) -> Result<Self> {
        Ok(Self {
            search: search(filter.search)?,
            status: filter.status.map(|status| status.0),
        })
    }
}

object! {
    /// Invitation into a circle, for the invitee, the circle's owner and staff.
    CircleInvitation(seen: InvitationSeen) {
        let invitation = &seen.invitation;
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&invitation.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = invitation.id.uuid,
        /// The circle; null for an invitee who is not a member.
        circle: Edge<Circle> = Edge::to(invitation.id.circle),
        /// Name of the circle, 1 to 100 characters, also for those who can't see the circle.
        circle_name: String = seen.circle_name,
        /// Time of the invitation.
        created_at: DateTime = invitation.created_at.into(),
        /// Time it was accepted, declined or cancelled; null otherwise.
        decided_at: Option<DateTime> = invitation.decided_at.map(Into::into),
        /// Time it expires unanswered, 7 days after it was sent.
        expires_at: DateTime = invitation.expires_at.into(),
        /// Miner who is invited.
        invitee: Edge<Ready<MinerProfile>> = Edge::to(invitation.invitee_id.user),
        /// Owner of the circle who sent it.
        inviter: Edge<Ready<MinerProfile>> = Edge::to(seen.inviter),
        /// State of the invitation as of now.
        status: CircleInvitationStatus = invitation.status_at(seen.at).into(),
    }
}

node!(CircleInvitation: CircleInvitationId, |ctx, key| {
    let seen = ctx.loader::<MiningLoader>().load_one(key).await?;
    let Some(seen) = seen else {
        return Ok(None);
    };
    let sides = [seen.invitation.invitee_id.user, seen.inviter];
    let is_own = Circle::caller_is(ctx, |miner| sides.contains(&miner.id.user)).await?;
    let may = ctx.may(Action::CircleInvitationRead, is_own);
    Ok(may.then(|| Self::of(seen)))
});

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
) -> Result<CircleInvitationConnection> {
    const LIST: &str = "circle invitations";
    let page = args.page(LIST)?;
    let status = status.map(|status| status.0);
    read_list!(
        CircleInvitationConnection, LIST, ctx, status;
        |conn| reads::received(conn, user, status, &page), reads::received_count(conn, user, status),
        |rows| rows.map(|seen| {
            let place = (seen.invitation.created_at, seen.invitation.id.uuid);
            (place, CircleInvitation::of(seen))
        })
    )
}

/// Key of an invitation.
#[derive(OneofObject)]
pub enum CircleInvitationBy {
    /// Global id of the invitation.
    Id(Id<CircleInvitation>),
    /// Key in the platform's other services.
    Uuid(Uuid),
}

impl CircleInvitationBy {
    /// Id of the invitation, if there is one.
    pub(super) async fn find(self, ctx: &Context<'_>) -> Result<Option<CircleInvitationId>> {
        match self {
            Self::Id(id) => Ok(Some(id.key)),
            Self::Uuid(id) => {
                let read =
                    async move |conn: &mut db::Connection| reads::invitation_id(conn, id).await;
                Ok(ctx.db().read_replicated(read).await?)
            }
        }
    }
}

/// Key of the miner to invite.
#[derive(OneofObject)]
pub enum CircleInviteeBy {
    /// Referral code in any case, also with blanks or dashes, or the invite link.
    Code(String),
    /// `MinerProfile` id.
    ProfileId(Id<MinerProfile>),
}

impl From<&CircleInviteeBy> for MinerRef {
    fn from(by: &CircleInviteeBy) -> Self {
        match by {
            CircleInviteeBy::Code(code) => Self::Code(code.clone()),
            CircleInviteeBy::ProfileId(id) => Self::User(id.key),
        }
    }
}
