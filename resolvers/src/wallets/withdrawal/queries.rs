//! Root fields of Query about withdrawals.

use db::wallets::withdrawal::queries as reads;

use super::objects::{Withdrawal, WithdrawalBy, WithdrawalConnection, WithdrawalFilter};
use crate::inputs::Parsed;
use crate::prelude::*;

/// One withdrawal.
#[derive(Default)]
pub struct WithdrawalQuery;

#[Object]
impl WithdrawalQuery {
    /// Withdrawal with this key; null when there is none or the caller may not see it.
    async fn withdrawal(&self, ctx: &Context<'_>, by: Parsed<WithdrawalBy>) -> Loaded<Withdrawal> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<WithdrawalBy>) -> Result<Option<Withdrawal>> {
    ctx.check_signed_in(Action::WithdrawalRead)?;
    match by.get()?.find(ctx).await? {
        Some(id) => Withdrawal::load(ctx, id).await,
        None => Ok(None),
    }
}

list_field! {
    /// Lists of withdrawals.
    WithdrawalsQuery;

    /// Withdrawals, newest first: the caller's own, or all for staff and services.
    withdrawals(filter: Option<Parsed<WithdrawalFilter>>) -> WithdrawalConnection = |ctx, args| {
        page(ctx, filter, false, args).await
    }
}

/// A page of the withdrawals that the caller may see, or of their own alone.
pub(super) async fn page(
    ctx: &Context<'_>,
    filter: Option<Parsed<WithdrawalFilter>>,
    is_own: bool,
    args: PageArgs,
) -> Result<WithdrawalConnection> {
    ctx.principal()
        .check(Action::WithdrawalRead, Relation::Own)?;
    let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
    let filter = filter.restricted(ctx, is_own)?;
    let page = args.page("withdrawals")?;
    let db = ctx.db().clone();
    read_list!(
        WithdrawalConnection, "withdrawals", ctx, filter;
        |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
        |withdrawals| withdrawals.map(|one| ((one.requested_at, one.id.uuid), Withdrawal::of(one)))
    )
}
