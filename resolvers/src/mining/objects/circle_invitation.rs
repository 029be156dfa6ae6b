//! Invitations into circles.

use async_graphql::{ComplexObject, Context, SimpleObject};
use db::mining::InvitationSeen;
use domain::access::Action;
use domain::ids::{CircleId, CircleInvitationId, MinerId};
use domain::time::Timestamp;
use uuid::Uuid;

use super::{Circle, CircleInvitationStatus, MinerProfile};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::paging::connection;
use crate::plain::{Ready, plain};
use crate::request::Asked;
use crate::scalars::DateTime;

/// An invitation into a circle: for the invitee, the circle's owner, and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CircleInvitation {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Where it stands.
    pub status: CircleInvitationStatus,
    /// Name of the circle.
    pub circle_name: String,
    /// When it was sent.
    pub created_at: DateTime,
    /// Until when it can be answered: 7 days.
    pub expires_at: DateTime,
    /// When it was accepted, declined or cancelled; null otherwise.
    pub decided_at: Option<DateTime>,
    #[graphql(skip)]
    circle_id: CircleId,
    #[graphql(skip)]
    inviter_id: MinerId,
    #[graphql(skip)]
    invitee_id: MinerId,
}

plain!(
    CircleInvitation,
    id,
    uuid,
    status,
    circle_name,
    created_at,
    expires_at,
    decided_at
);

impl CircleInvitation {
    /// Loads an invitation, if it is to the caller, into their own circle, or the caller is on the staff.
    pub(crate) async fn load(
        ctx: &Context<'_>,
        id: CircleInvitationId,
    ) -> Result<Option<Self>, ApiError> {
        let Some(seen) = ctx.operation().mining.load_one(id).await? else {
            return Ok(None);
        };
        let own = match ctx.principal().person() {
            Some(person) => {
                let concerned = [seen.invitation.invitee_id, seen.inviter_id];
                let miner = ctx.operation().mining.load_one(person.id).await?;
                miner.is_some_and(|miner| concerned.contains(&miner.miner.id))
            }
            None => false,
        };
        Ok(ctx
            .may(Action::CircleInvitationRead, own)
            .then(|| Self::shown(seen)))
    }

    /// An invitation the caller may see.
    pub(crate) fn shown(seen: InvitationSeen) -> Self {
        let invitation = &seen.invitation;
        Self {
            id: GlobalId::CircleInvitation(invitation.id),
            uuid: invitation.id.0,
            status: invitation.status_at(seen.at).into(),
            circle_name: seen.circle_name,
            created_at: invitation.created_at.into(),
            expires_at: invitation.expires_at.into(),
            decided_at: invitation.decided_at.map(Into::into),
            circle_id: invitation.circle_id,
            inviter_id: seen.inviter_id,
            invitee_id: invitation.invitee_id,
        }
    }
}

#[ComplexObject]
impl CircleInvitation {
    /// The circle, for its members and staff; null for others.
    async fn circle(&self, ctx: &Context<'_>) -> Option<Result<Circle, ApiError>> {
        Circle::load(ctx, self.circle_id).await.transpose()
    }

    /// Who invites: the circle's owner.
    async fn inviter(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let inviter = MinerProfile::load(ctx, self.inviter_id).await;
        inviter.map(|inviter| inviter.map(Ready)).transpose()
    }

    /// Who is invited.
    async fn invitee(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let invitee = MinerProfile::load(ctx, self.invitee_id).await;
        invitee.map(|invitee| invitee.map(Ready)).transpose()
    }
}

connection! {
    /// A page of invitations into circles.
    CircleInvitationConnection,
    /// One item of a page of invitations.
    CircleInvitationEdge,
    CircleInvitation, by (Timestamp, Uuid)
}
