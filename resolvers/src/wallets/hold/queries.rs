//! Root fields of Query about holds.

use db::wallets::hold::queries as reads;

use super::objects::{Hold, HoldBy, HoldConnection, HoldFilter};
use crate::inputs::Parsed;
use crate::prelude::*;

/// One hold.
#[derive(Default)]
pub struct HoldQuery;

#[Object]
impl HoldQuery {
    /// Hold with this key, for services only their own; null when there is none or the caller may not see it.
    async fn hold(&self, ctx: &Context<'_>, by: Parsed<HoldBy>) -> Loaded<Hold> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<HoldBy>) -> Result<Option<Hold>> {
    ctx.check_signed_in(Action::HoldRead)?;
    match by.get()?.find(ctx).await? {
        Some(id) => Hold::load(ctx, id).await,
        None => Ok(None),
    }
}

list_field! {
    /// Lists of holds.
    HoldsQuery;

    /// Holds, newest first: of the caller's wallets, of the calling service, or all for staff.
    holds(filter: Option<Parsed<HoldFilter>>) -> HoldConnection = |ctx, args| {
        ctx.principal().check(Action::HoldRead, Relation::Own)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.restricted(ctx).await?;
        let page = args.page("holds")?;
        let db = ctx.db().clone();
        read_list!(
            HoldConnection, "holds", ctx, filter;
            |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
            |holds| holds.map(|hold| ((hold.created_at, hold.id.uuid), Hold::of(hold)))
        )
    }
}
