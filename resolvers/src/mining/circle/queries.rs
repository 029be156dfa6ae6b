//! Root fields of Query about circles and invitations.

use db::mining::circle::queries::{self as reads, CircleFilter as Filter};

use super::objects::{
    Circle, CircleBy, CircleConnection, CircleFilter, CircleInvitation, CircleInvitationBy,
};
use crate::inputs::Parsed;
use crate::prelude::*;

/// Circles and invitations.
#[derive(Default)]
pub struct CircleQuery;

#[Object]
impl CircleQuery {
    /// Circle with this key; null when there is none or the caller is not a member.
    async fn circle(&self, ctx: &Context<'_>, by: Parsed<CircleBy>) -> Loaded<Circle> {
        find_circle(ctx, by).await.transpose()
    }

    /// Invitation with this key; null when there is none or the caller neither received nor sent it.
    async fn circle_invitation(
        &self,
        ctx: &Context<'_>,
        by: Parsed<CircleInvitationBy>,
    ) -> Loaded<CircleInvitation> {
        find_invitation(ctx, by).await.transpose()
    }
}

async fn find_circle(ctx: &Context<'_>, by: Parsed<CircleBy>) -> Result<Option<Circle>> {
    ctx.check_signed_in(Action::CircleRead)?;
    Circle::load(ctx, by.get()?.into()).await
}

async fn find_invitation(
    ctx: &Context<'_>,
    by: Parsed<CircleInvitationBy>,
) -> Result<Option<CircleInvitation>> {
    ctx.check_signed_in(Action::CircleInvitationRead)?;
    match by.get()?.find(ctx).await? {
        Some(id) => CircleInvitation::load(ctx, id).await,
        None => Ok(None),
    }
}

list_field! {
    /// Lists of circles.
    CirclesQuery;

    /// Circles, newest first.
    circles(filter: Option<CircleFilter>) -> CircleConnection = |ctx, args| {
        ctx.check_staff(Action::CirclesList)?;
        let filter = Filter::try_from(filter.unwrap_or_default())?;
        let page = args.page("circles")?;
        read_list!(
            CircleConnection, "circles", ctx, filter;
            |conn| reads::list(conn, &filter, &page), reads::count(conn, &filter),
            |circles| circles.map(|circle| ((circle.created_at, circle.id.0), Circle::of(circle)))
        )
    }
}
