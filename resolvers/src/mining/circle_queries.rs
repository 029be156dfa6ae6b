//! Root fields of Query about circles.

use async_graphql::{Context, Object};
use db::mining::circles;
use domain::access::{Action, Denied, Relation};
use domain::ids::UserId;
use domain::time::Timestamp;
use uuid::Uuid;

use super::objects::{
    Circle, CircleBy, CircleConnection, CircleFilter, CircleInvitation, CircleInvitationBy,
    CircleInvitationConnection, CircleInvitationStatus,
};
use crate::errors::ApiError;
use crate::paging::{PageArgs, Total};
use crate::request::Asked;

/// Reads of circles.
#[derive(Default)]
pub struct CircleQuery;

#[Object]
impl CircleQuery {
    /// A circle; null when there is none, or it is not the caller's. Requires: a member, or role SUPPORT, FINANCE or
    /// ADMIN.
    async fn circle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: CircleBy,
    ) -> Option<Result<Circle, ApiError>> {
        find(ctx, by).await.transpose()
    }

    /// All circles, newest first: filter, search. Requires role: SUPPORT, FINANCE or ADMIN.
    #[expect(clippy::too_many_arguments, reason = "a connection's arguments")]
    async fn circles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all without it.")] filter: Option<CircleFilter>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Items to skip, 0 to 10000; slower than a cursor, and not beside one.")]
        offset: Option<i32>,
    ) -> Option<Result<CircleConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset,
        };
        Some(list(ctx, filter.unwrap_or_default(), args).await)
    }

    /// An invitation into a circle; null when there is none, or it is not for the caller. Requires: the invitee, the
    /// circle's owner, or role SUPPORT, FINANCE or ADMIN.
    async fn circle_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: CircleInvitationBy,
    ) -> Option<Result<CircleInvitation, ApiError>> {
        find_invitation(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: CircleBy) -> Result<Option<Circle>, ApiError> {
    signed_in(ctx, Action::CircleRead)?;
    Circle::load(ctx, by.try_into()?).await
}

async fn find_invitation(
    ctx: &Context<'_>,
    by: CircleInvitationBy,
) -> Result<Option<CircleInvitation>, ApiError> {
    signed_in(ctx, Action::CircleInvitationRead)?;
    CircleInvitation::load(ctx, by.try_into()?).await
}

/// Anonymous callers hear that they have to sign in; the others that there is nothing of theirs.
fn signed_in(ctx: &Context<'_>, action: Action) -> Result<(), ApiError> {
    match ctx.principal().check(action, Relation::Own) {
        Err(denied @ Denied::Unauthenticated) => Err(denied.into()),
        Ok(()) | Err(Denied::Forbidden) => Ok(()),
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: CircleFilter,
    args: PageArgs,
) -> Result<CircleConnection, ApiError> {
    const LIST: &str = "circles";
    ctx.principal()
        .check(Action::CirclesList, Relation::Others)?;
    let filter = circles::CircleFilter::try_from(filter)?;
    let page = args.page::<(Timestamp, Uuid)>(LIST)?;
    let asked = filter.clone();
    let slice = ctx
        .db()
        .read(async move |conn| circles::list(conn, &asked, &page).await)
        .await?;
    // Whoever may list them may see each.
    let slice = slice.map(|circle| ((circle.created_at, circle.id.0), Circle::shown(circle)));
    Ok(CircleConnection::new(LIST, slice, Total::Circles(filter)))
}

/// The invitations a person received.
pub(crate) async fn received(
    ctx: &Context<'_>,
    user: UserId,
    status: Option<CircleInvitationStatus>,
    args: PageArgs,
) -> Result<CircleInvitationConnection, ApiError> {
    const LIST: &str = "circle invitations";
    let page = args.page::<(Timestamp, Uuid)>(LIST)?;
    let Some(seen) = ctx.operation().mining.load_one(user).await? else {
        // Nobody invites who has no miner.
        let none = db::Slice {
            items: Vec::new(),
            has_previous: false,
            has_next: false,
        };
        return Ok(CircleInvitationConnection::new(LIST, none, Total::Known(0)));
    };
    let (invitee, status) = (seen.miner.id, status.map(Into::into));
    let slice = ctx
        .db()
        .read(async move |conn| circles::received(conn, invitee, status, &page).await)
        .await?;
    let slice = slice.map(|seen| {
        let place = (seen.invitation.created_at, seen.invitation.id.0);
        (place, CircleInvitation::shown(seen))
    });
    let total = Total::Received(invitee, status);
    Ok(CircleInvitationConnection::new(LIST, slice, total))
}
