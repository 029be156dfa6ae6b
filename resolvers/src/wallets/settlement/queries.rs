//! Root fields of Query about settlements and clearing accounts.

use db::wallets::settlement::queries as reads;

use super::objects::{
    ClearingAccount, ClearingAccountConnection, ClearingAccountFilter, Settlement,
    SettlementConnection, SettlementFilter, overdue_before,
};
use crate::inputs::Parsed;
use crate::prelude::*;

list_field! {
    /// Lists of settlements.
    SettlementsQuery;

    /// Settlements, newest first: of the caller's holds, of the calling service, or all for staff.
    settlements(filter: Option<Parsed<SettlementFilter>>) -> SettlementConnection = |ctx, args| {
        ctx.principal().check(Action::SettlementRead, Relation::Own)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.restricted(ctx).await?;
        let page = args.page("settlements")?;
        let db = ctx.db().clone();
        read_list!(
            SettlementConnection, "settlements", ctx, filter;
            |conn| reads::list(&db, conn, &filter, &page), reads::count(conn, &filter),
            |settlements| settlements.map(|one| ((one.created_at, one.id.uuid), Settlement::of(one)))
        )
    }
}

list_field! {
    /// Lists of clearing accounts.
    ClearingAccountsQuery;

    /// Clearing accounts, newest first: of the calling service, or all for staff.
    clearing_accounts(filter: Option<Parsed<ClearingAccountFilter>>) -> ClearingAccountConnection = |ctx, args| {
        ctx.check_staff(Action::ClearingRead)?;
        let overdue_before = overdue_before(ctx).await?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.restricted(ctx, overdue_before).await?;
        let page = args.page("clearingAccounts")?;
        let db = ctx.db().clone();
        read_list!(
            ClearingAccountConnection, "clearingAccounts", ctx, filter;
            |conn| reads::clearing_list(&db, conn, &filter, &page), reads::clearing_count(conn, &filter),
            |accounts| accounts.map(|one| {
                ((one.opened_at, one.owner.0), ClearingAccount::of(one, overdue_before))
            })
        )
    }
}
