//! Freezing of wallets: a frozen wallet refuses debits and accepts credits.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::wallets::WalletOwner;

use crate::schema::wallets;
use crate::{Connection, Result};

/// Freezes all existing wallets of an owner, locked in ascending order of their ids.
pub(crate) async fn freeze_all_of(conn: &mut Connection, owner: WalletOwner) -> Result<()> {
    let ids: Vec<i64> = wallets::table
        .filter(wallets::owner_kind.eq(owner.kind.name()))
        .filter(wallets::owner_id.eq(owner.id))
        .filter(wallets::is_frozen.eq(false))
        .order(wallets::id)
        .select(wallets::id)
        .for_no_key_update()
        .load(conn)
        .await?;
    diesel::update(wallets::table.filter(wallets::id.eq_any(ids)))
        .set(wallets::is_frozen.eq(true))
        .execute(conn)
        .await?;
    Ok(())
}
