//! Root fields of Query about deposits.

use db::wallets::deposit::queries as reads;

use super::objects::{Deposit, DepositBy, DepositConnection, DepositFilter};
use crate::inputs::Parsed;
use crate::prelude::*;

/// One deposit.
#[derive(Default)]
pub struct DepositQuery;

#[Object]
impl DepositQuery {
    /// Deposit with this key; null when there is none or the caller may not see it.
    async fn deposit(&self, ctx: &Context<'_>, by: Parsed<DepositBy>) -> Loaded<Deposit> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<DepositBy>) -> Result<Option<Deposit>> {
    ctx.principal()
        .check(Action::DepositRead, Relation::Others)?;
    match by.get()?.find(ctx).await? {
        Some(id) => Deposit::load(ctx, id).await,
        None => Ok(None),
    }
}

list_field! {
    /// Lists of deposits.
    DepositsQuery;

    /// Deposits, newest first.
    deposits(filter: Option<Parsed<DepositFilter>>) -> DepositConnection = |ctx, args| {
        ctx.check_staff(Action::DepositsList)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = reads::DepositFilter::try_from(filter)?;
        let page = args.page("deposits")?;
        let db = ctx.db().clone();
        read_list!(
            DepositConnection, "deposits", ctx, filter;
            |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
            |deposits| deposits.map(|one| ((one.received_at, one.id.uuid), Deposit::of(one)))
        )
    }
}
