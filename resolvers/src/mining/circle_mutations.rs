//! Commands about circles and their members.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use db::idempotency::{Answer, Request};
use db::mining::commands::{self, CircleDecision, CircleDone};
use domain::access::{Action, Relation};
use domain::ids::{CircleId, MinerId};
use domain::wallets::Origin;

use super::objects::{Circle, CircleBy, Miner, MiningUserError, profile_id};
use crate::errors::ApiError;
use crate::inputs::{KeyRule, command};
use crate::outcome::{outcome, payloads};
use crate::request::{Asked, authorize};

payloads!(MiningUserError:
    CircleCreatePayload,
    CircleRenamePayload,
    CircleMemberRemovePayload,
    CircleLeavePayload,
    CircleDisbandPayload,
);

/// Commands about circles and their members.
#[derive(Default)]
pub struct CircleMutation;

#[Object]
impl CircleMutation {
    /// Makes a circle, of which the caller is the owner and first member. It counts from its third member on. Requires: a
    /// signed-in user. Refusals, in this order: MINER_NOT_FOUND, MINER_SUSPENDED, MINER_BANNED, CIRCLE_NAME_INVALID,
    /// ALREADY_IN_CIRCLE, CIRCLE_COOLDOWN.
    async fn circle_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleCreateInput,
    ) -> Option<Result<CircleCreatePayload, ApiError>> {
        Some(create(ctx, input).await)
    }

    /// Gives the caller's circle another name. Requires: its owner. Refusals, in this order: MINER_NOT_FOUND, MINER_BANNED,
    /// CIRCLE_NAME_INVALID, CIRCLE_NOT_FOUND, NOT_CIRCLE_OWNER.
    async fn circle_rename(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleRenameInput,
    ) -> Option<Result<CircleRenamePayload, ApiError>> {
        Some(rename(ctx, input).await)
    }

    /// Removes a member from the caller's circle: their role follows at once, rates with the next session. The place, and
    /// whoever was removed, wait `circleCooldownHours` before the next time. Requires: the circle's owner. Refusals, in
    /// this order: MINER_NOT_FOUND, MINER_BANNED, CIRCLE_NOT_FOUND, NOT_CIRCLE_OWNER, MEMBER_NOT_FOUND,
    /// OWNER_CANNOT_BE_REMOVED.
    async fn circle_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleMemberRemoveInput,
    ) -> Option<Result<CircleMemberRemovePayload, ApiError>> {
        Some(remove(ctx, input).await)
    }

    /// Leaves the caller's circle: roles follow at once, rates with the next session. The place, and the caller, wait
    /// `circleCooldownHours` before the next time. Requires: a member. Refusals, in this order: MINER_NOT_FOUND,
    /// MINER_BANNED, CIRCLE_NOT_FOUND, OWNER_CANNOT_LEAVE.
    async fn circle_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleLeaveInput,
    ) -> Option<Result<CircleLeavePayload, ApiError>> {
        Some(leave(ctx, input).await)
    }

    /// Ends a circle for good: pending invitations are cancelled, roles follow at once, rates with the next session.
    /// Members are free at once, its owner waits `circleCooldownHours`. Requires: the circle's owner; with `circle`, role
    /// ADMIN. Refusals, in this order: MINER_NOT_FOUND, MINER_BANNED, CIRCLE_NOT_FOUND, NOT_CIRCLE_OWNER; with `circle`:
    /// REASON_INVALID, CIRCLE_NOT_FOUND, OWN_ACCOUNT, CIRCLE_DISBANDED.
    async fn circle_disband(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the command needs.")] input: CircleDisbandInput,
    ) -> Option<Result<CircleDisbandPayload, ApiError>> {
        Some(disband(ctx, input).await)
    }
}

/// What `circleCreate` needs.
#[derive(InputObject)]
pub struct CircleCreateInput {
    /// Its name: 1 to 100 characters that can be shown; blanks around it go.
    pub name: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleCreate` did.
#[derive(SimpleObject, Default)]
pub struct CircleCreatePayload {
    /// The circle; null when refused.
    pub circle: Option<Result<Circle, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn create(
    ctx: &Context<'_>,
    input: CircleCreateInput,
) -> Result<CircleCreatePayload, ApiError> {
    const NAME: &str = "mining.circle_create";
    let user = authorize(ctx, Relation::Own, Action::CircleCreate, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let name = input.name;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_create(tx, &request, user, &name).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleCreatePayload {
            circle: Circle::load(ctx, CircleId(done.circle_id))
                .await
                .transpose(),
            ..CircleCreatePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleRename` needs.
#[derive(InputObject)]
pub struct CircleRenameInput {
    /// Its name: 1 to 100 characters that can be shown; blanks around it go.
    pub name: String,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleRename` did.
#[derive(SimpleObject, Default)]
pub struct CircleRenamePayload {
    /// The circle after; null when refused.
    pub circle: Option<Result<Circle, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn rename(
    ctx: &Context<'_>,
    input: CircleRenameInput,
) -> Result<CircleRenamePayload, ApiError> {
    const NAME: &str = "mining.circle_rename";
    let user = authorize(ctx, Relation::Own, Action::CircleRename, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let name = input.name;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_rename(tx, &request, user, &name).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleRenamePayload {
            circle: Circle::load(ctx, CircleId(done.circle_id))
                .await
                .transpose(),
            ..CircleRenamePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleMemberRemove` needs.
#[derive(InputObject)]
pub struct CircleMemberRemoveInput {
    /// Whom: global id of their profile.
    pub member: ID,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleMemberRemove` did.
#[derive(SimpleObject, Default)]
pub struct CircleMemberRemovePayload {
    /// The circle after; null when refused.
    pub circle: Option<Result<Circle, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn remove(
    ctx: &Context<'_>,
    input: CircleMemberRemoveInput,
) -> Result<CircleMemberRemovePayload, ApiError> {
    const NAME: &str = "mining.circle_member_remove";
    let user = authorize(ctx, Relation::Own, Action::CircleMemberRemove, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let member = profile_id(&input.member)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_member_remove(tx, &request, user, member).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleMemberRemovePayload {
            circle: Circle::load(ctx, CircleId(done.circle_id))
                .await
                .transpose(),
            ..CircleMemberRemovePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleLeave` needs.
#[derive(InputObject)]
pub struct CircleLeaveInput {
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleLeave` did.
#[derive(SimpleObject, Default)]
pub struct CircleLeavePayload {
    /// The caller's miner after; null when refused.
    pub miner: Option<Result<Miner, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn leave(ctx: &Context<'_>, input: CircleLeaveInput) -> Result<CircleLeavePayload, ApiError> {
    const NAME: &str = "mining.circle_leave";
    let user = authorize(ctx, Relation::Own, Action::CircleLeave, NAME)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, &input, key, KeyRule::Optional)?;
    let answer = ctx
        .db()
        .write(NAME, async move |tx| {
            commands::circle_leave(tx, &request, user).await
        })
        .await?;
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleLeavePayload {
            miner: Miner::load(ctx, MinerId(done.miner_id)).await.transpose(),
            ..CircleLeavePayload::default()
        },
        Err(refused) => refused,
    })
}

/// What `circleDisband` needs.
#[derive(InputObject)]
pub struct CircleDisbandInput {
    /// Whose circle; without it, the caller's own. Requires role: ADMIN.
    pub circle: Option<CircleBy>,
    /// Why, for the audit log: 1 to 500 characters. Needed with `circle`, and taken with nothing else.
    pub reason: Option<String>,
    /// Names this intent: retries with the same key answer the first result. 1 to 128 characters.
    pub idempotency_key: Option<String>,
}

/// What `circleDisband` did.
#[derive(SimpleObject, Default)]
pub struct CircleDisbandPayload {
    /// The circle, disbanded; null when refused.
    pub circle: Option<Result<Circle, ApiError>>,
    /// Why it was refused; empty on success.
    pub user_errors: Vec<MiningUserError>,
}

async fn disband(
    ctx: &Context<'_>,
    input: CircleDisbandInput,
) -> Result<CircleDisbandPayload, ApiError> {
    let answer = if input.circle.is_some() {
        disband_for(ctx, input).await?
    } else {
        disband_own(ctx, &input).await?
    };
    Ok(match outcome(ctx, answer)? {
        Ok(done) => CircleDisbandPayload {
            circle: Circle::ended(ctx, CircleId(done.circle_id))
                .await
                .transpose(),
            ..CircleDisbandPayload::default()
        },
        Err(refused) => refused,
    })
}

const DISBAND: &str = "mining.circle_disband";

async fn disband_own(
    ctx: &Context<'_>,
    input: &CircleDisbandInput,
) -> Result<Answer<CircleDone>, ApiError> {
    let user = authorize(ctx, Relation::Own, Action::CircleDisband, DISBAND)
        .await?
        .id;
    if input.reason.is_some() {
        return Err(ApiError::bad_input(
            "`reason` goes with `circle`: nobody has to say why they disband their own",
        ));
    }
    let key = input.idempotency_key.as_deref();
    let request = command(ctx, input, key, KeyRule::Optional)?;
    Ok(ctx
        .db()
        .write(DISBAND, async move |tx| {
            commands::circle_disband(tx, &request, user).await
        })
        .await?)
}

async fn disband_for(
    ctx: &Context<'_>,
    input: CircleDisbandInput,
) -> Result<Answer<CircleDone>, ApiError> {
    let by = authorize(ctx, Relation::Others, Action::CircleDisband, DISBAND)
        .await?
        .id;
    let key = input.idempotency_key.as_deref();
    let request = Request {
        origin: Origin::Staff,
        ..command(ctx, &input, key, KeyRule::Optional)?
    };
    let Some(circle) = input.circle else {
        return Err(ApiError::bad_input("`circle` names a circle"));
    };
    let decision = CircleDecision {
        circle: circle.try_into()?,
        by,
        reason: input.reason.unwrap_or_default(),
    };
    Ok(ctx
        .db()
        .write(DISBAND, async move |tx| {
            commands::circle_disband_for(tx, &request, &decision).await
        })
        .await?)
}
