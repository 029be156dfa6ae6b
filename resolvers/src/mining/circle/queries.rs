//! Root fields of Query about circles and invitations.

use async_graphql::{Context, Object};
use db::mining::circle::queries::{self as reads, CircleFilter as Filter};
use domain::access::Action;
use domain::time::Timestamp;
use uuid::Uuid;

use super::objects::{
    Circle, CircleBy, CircleConnection, CircleFilter, CircleInvitation, CircleInvitationBy,
};
use crate::errors::{ApiError, Loaded};
use crate::inputs::Parsed;
use crate::node::NodeType;
use crate::paging::{PageArgs, Total};
use crate::request::OperationContext;

/// Circles and invitations.
#[derive(Default)]
pub struct CircleQuery;

#[Object]
impl CircleQuery {
    /// Circle with this key; null when there is none or the caller is not a member.
    async fn circle(&self, ctx: &Context<'_>, by: Parsed<CircleBy>) -> Loaded<Circle> {
        find(ctx, Action::CircleRead, by).await.transpose()
    }

    /// Circles, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn circles(
        &self,
        ctx: &Context<'_>,
        filter: Option<CircleFilter>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        offset: Option<i32>,
    ) -> Loaded<CircleConnection> {
        let args = PageArgs::new(first, last, after, before).offset(offset);
        Some(list(ctx, filter.unwrap_or_default(), args).await)
    }

    /// Invitation with this key; null when there is none or the caller neither received nor sent it.
    async fn circle_invitation(
        &self,
        ctx: &Context<'_>,
        by: Parsed<CircleInvitationBy>,
    ) -> Loaded<CircleInvitation> {
        find(ctx, Action::CircleInvitationRead, by)
            .await
            .transpose()
    }
}

async fn find<T: NodeType>(
    ctx: &Context<'_>,
    action: Action,
    by: Parsed<impl Into<T::Key>>,
) -> Result<Option<T>, ApiError> {
    ctx.check_signed_in(action)?;
    T::load(ctx, by.get()?.into()).await
}

async fn list(
    ctx: &Context<'_>,
    filter: CircleFilter,
    args: PageArgs,
) -> Result<CircleConnection, ApiError> {
    const LIST: &str = "circles";
    ctx.check_staff(Action::CirclesList)?;
    let filter = Filter::try_from(filter)?;
    let page = args.page::<(Timestamp, Uuid)>(LIST)?;
    let counted = filter.clone();
    let slice = ctx
        .db()
        .read(async move |conn| reads::list(conn, &filter, &page).await)
        .await?;
    let slice = slice.map(|circle| ((circle.created_at, circle.id.0), Circle::of(circle)));
    let total = Total::query(move |db| {
        let filter = counted.clone();
        async move {
            db.read(async move |conn| reads::count(conn, &filter).await)
                .await
        }
    });
    Ok(CircleConnection::new(LIST, slice, total))
}
