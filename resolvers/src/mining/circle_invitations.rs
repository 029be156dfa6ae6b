//! Commands about invitations into circles.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use db::mining::commands::{self, MinerRef};
use domain::access::{Action, Relation};
use domain::ids::{CircleId, CircleInvitationId};
use uuid::Uuid;

use super::objects::{Circle, CircleInvitation, CircleInviteeBy, MiningUserError, invitation_id};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::outcome::{outcome, payloads};
use crate::request::{Asked, authorize};

payloads!(MiningUserError:
    CircleInvitationSendPayload,
    CircleInvitationAcceptPayload,
    CircleInvitationDeclinePayload,
    CircleInvitationCancelPayload,
);

/// Commands about invitations into circles.
#[derive(Default)]
pub struct CircleInvitationMutation;

#[Object]
impl CircleInvitationMutation {
    /// Invites a miner into the caller's circle: they have 7 days to answer. At most 20 invitations of a circle wait for an
    /// answer, or are sent in 24 hours; at most 50 wait for one person. Requires: the circle's owner. Refusals, in this
    /// order: MINER_NOT_FOUND, MINER_SUSPENDED, MINER_BANNED, CIRCLE_NOT_FOUND, NOT_CIRCLE_OWNER, INVITEE_NOT_FOUND,
    /// SELF_INVITATION, INVITEE_IN_CIRCLE, ALREADY_INVITED, INVITATION_LIMIT, INVITEE_LIMIT, CIRCLE_FULL.
    async fn circle_invitation_send(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleInvitationSendInput,
    ) -> Option<Result<CircleInvitationSendPayload, ApiError>> {
        Some(send(ctx, input).await)
    }

    /// Joins a circle by an invitation; everything is checked again. Roles follow at once, rates with the next session.
    /// Requires: the invitee. Refusals, in this order: MINER_NOT_FOUND, MINER_SUSPENDED, MINER_BANNED, ALREADY_IN_CIRCLE,
    /// INVITATION_NOT_FOUND, INVITATION_NOT_PENDING, INVITATION_EXPIRED, CIRCLE_COOLDOWN, CIRCLE_FULL,
    /// CIRCLE_PLACE_COOLING.
    async fn circle_invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleInvitationAcceptInput,
    ) -> Option<Result<CircleInvitationAcceptPayload, ApiError>> {
        Some(accept(ctx, input).await)
    }

    /// Declines an invitation into a circle. Requires: the invitee. Refusals, in this order: MINER_NOT_FOUND, MINER_BANNED,
    /// INVITATION_NOT_FOUND, INVITATION_NOT_PENDING, INVITATION_EXPIRED.
    async fn circle_invitation_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleInvitationDeclineInput,
    ) -> Option<Result<CircleInvitationDeclinePayload, ApiError>> {
        Some(decline(ctx, input).await)
    }

    /// Takes an invitation into the caller's circle back. Requires: the circle's owner. Refusals, in this order:
    /// MINER_NOT_FOUND, MINER_BANNED, CIRCLE_NOT_FOUND, NOT_CIRCLE_OWNER, INVITATION_NOT_FOUND, INVITATION_NOT_PENDING,
    /// INVITATION_EXPIRED.
    async fn circle_invitation_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleInvitationCancelInput,
    ) -> Option<Result<CircleInvitationCancelPayload, ApiError>> {
        Some(cancel(ctx, input).await)
    }
}

/// What `circleInvitationSend` needs.
#[derive(InputObject)]
pub struct CircleInvitationSendInput {
    /// Whom.
    pub invitee: CircleInviteeBy,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleInvitationSend` did.
#[derive(SimpleObject, Default)]
pub struct CircleInvitationSendPayload {
    /// The invitation; null when refused.
    pub invitation: Option<Result<CircleInvitation, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn send(
    ctx: &Context<'_>,
    input: CircleInvitationSendInput,
) -> Result<CircleInvitationSendPayload, ApiError> {
    const NAME: &str = "mining.circle_invitation_send";
    let user = authorize(ctx, Relation::Own, Action::CircleInvitationSend, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let invitee = MinerRef::try_from(input.invitee)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_invitation_send(tx, &request, user, &invitee).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleInvitationSendPayload {
            invitation: invitation(ctx, done.invitation_id).await,
            ..CircleInvitationSendPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleInvitationAccept` needs.
#[derive(InputObject)]
pub struct CircleInvitationAcceptInput {
    /// Which one: global id of the invitation.
    pub invitation: ID,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleInvitationAccept` did.
#[derive(SimpleObject, Default)]
pub struct CircleInvitationAcceptPayload {
    /// The circle that was joined; null when refused.
    pub circle: Option<Result<Circle, ApiError>>,
    /// The invitation after; null when refused.
    pub invitation: Option<Result<CircleInvitation, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn accept(
    ctx: &Context<'_>,
    input: CircleInvitationAcceptInput,
) -> Result<CircleInvitationAcceptPayload, ApiError> {
    const NAME: &str = "mining.circle_invitation_accept";
    let user = authorize(ctx, Relation::Own, Action::CircleInvitationAccept, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let id = invitation_id(&input.invitation)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_invitation_accept(tx, &request, user, id).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleInvitationAcceptPayload {
            circle: Circle::load(ctx, CircleId(done.circle_id))
                .await
                .transpose(),
            invitation: invitation(ctx, done.invitation_id).await,
            ..CircleInvitationAcceptPayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleInvitationDecline` needs.
#[derive(InputObject)]
pub struct CircleInvitationDeclineInput {
    /// Which one: global id of the invitation.
    pub invitation: ID,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleInvitationDecline` did.
#[derive(SimpleObject, Default)]
pub struct CircleInvitationDeclinePayload {
    /// The invitation after; null when refused.
    pub invitation: Option<Result<CircleInvitation, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn decline(
    ctx: &Context<'_>,
    input: CircleInvitationDeclineInput,
) -> Result<CircleInvitationDeclinePayload, ApiError> {
    const NAME: &str = "mining.circle_invitation_decline";
    let user = authorize(ctx, Relation::Own, Action::CircleInvitationDecline, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let id = invitation_id(&input.invitation)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_invitation_decline(tx, &request, user, id).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleInvitationDeclinePayload {
            invitation: invitation(ctx, done.invitation_id).await,
            ..CircleInvitationDeclinePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleInvitationCancel` needs.
#[derive(InputObject)]
pub struct CircleInvitationCancelInput {
    /// Which one: global id of the invitation.
    pub invitation: ID,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleInvitationCancel` did.
#[derive(SimpleObject, Default)]
pub struct CircleInvitationCancelPayload {
    /// The invitation after; null when refused.
    pub invitation: Option<Result<CircleInvitation, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn cancel(
    ctx: &Context<'_>,
    input: CircleInvitationCancelInput,
) -> Result<CircleInvitationCancelPayload, ApiError> {
    const NAME: &str = "mining.circle_invitation_cancel";
    let user = authorize(ctx, Relation::Own, Action::CircleInvitationCancel, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let id = invitation_id(&input.invitation)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_invitation_cancel(tx, &request, user, id).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleInvitationCancelPayload {
            invitation: invitation(ctx, done.invitation_id).await,
            ..CircleInvitationCancelPayload::default()
        },
        Err(refused) => refused,
    })
}

/// The invitation after a command. It is done: what can't be shown of it is null, and takes nothing else away.
async fn invitation(ctx: &Context<'_>, id: Uuid) -> Option<Result<CircleInvitation, ApiError>> {
    CircleInvitation::load(ctx, CircleInvitationId(id))
        .await
        .transpose()
}
