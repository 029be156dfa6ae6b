//! Freezing of owners: a frozen owner's wallets refuse debits and accept credits.

use domain::wallets::WalletOwner;

use crate::prelude::*;
use crate::schema::{owners, wallets};

/// Freezes an owner and all their wallets, locked in ascending order. The owner's row is changed first: a transaction that
/// creates a wallet meanwhile either commits before or sees the freeze.
pub(crate) async fn freeze_all_of(conn: &mut Connection, owner: WalletOwner) -> Result<()> {
    let of_owner = owners::table
        .filter(owners::owner_id.eq(owner.id))
        .filter(owners::owner_kind.eq(owner.kind.name()));
    let frozen = diesel::update(of_owner).set(owners::is_frozen.eq(true));
    if frozen.execute(conn).await? == 0 {
        return Err(DbError::UnknownOwners(vec![owner.into()]));
    }
    let ids: Vec<i64> = wallets::table
        .filter(wallets::owner_id.eq(owner.id))
        .filter(wallets::owner_kind.eq(owner.kind.name()))
        .filter(wallets::is_frozen.eq(false))
        .order(wallets::id)
        .select(wallets::id)
        .for_no_key_update()
        .load(conn)
        .await?;
    let found = wallets::table
        .filter(wallets::owner_id.eq(owner.id))
        .filter(wallets::id.eq_any(ids));
    diesel::update(found)
        .set(wallets::is_frozen.eq(true))
        .execute(conn)
        .await?;
    Ok(())
}
