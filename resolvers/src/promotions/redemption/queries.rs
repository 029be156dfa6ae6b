//! Root fields of Query about redemptions.

use db::promotions::redemption::queries::{self as reads, RedemptionFilter as Filter};

use super::objects::{Redemption, RedemptionBy, RedemptionConnection, RedemptionFilter};
use crate::inputs::Parsed;
use crate::prelude::*;

/// One redemption.
#[derive(Default)]
pub struct RedemptionQuery;

#[Object]
impl RedemptionQuery {
    /// Redemption with this key; null when there is none or the caller is neither holder nor merchant.
    async fn redemption(&self, ctx: &Context<'_>, by: Parsed<RedemptionBy>) -> Loaded<Redemption> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<RedemptionBy>) -> Result<Option<Redemption>> {
    ctx.check_signed_in(Action::RedemptionRead)?;
    match by.get()?.find(ctx).await? {
        Some(id) => Redemption::load(ctx, id).await,
        None => Ok(None),
    }
}

list_field! {
    /// Lists of redemptions.
    RedemptionsQuery;

    /// Redemptions, newest first.
    redemptions(filter: Option<Parsed<RedemptionFilter>>) -> RedemptionConnection = |ctx, args| {
        ctx.principal().check(Action::RedemptionsList, Relation::Others)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default().read()?;
        page(ctx, filter, args).await
    }
}

/// A page of the redemptions that meet the conditions. The caller may see them.
pub(in crate::promotions) async fn page(
    ctx: &Context<'_>,
    filter: Filter,
    args: PageArgs,
) -> Result<RedemptionConnection> {
    let page = args.page("redemptions")?;
    let db = ctx.db().clone();
    read_list!(
        RedemptionConnection, "redemptions", ctx, filter;
        |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
        |redemptions| redemptions.map(|one| ((one.redeemed_at, one.id.uuid), Redemption::of(one)))
    )
}
