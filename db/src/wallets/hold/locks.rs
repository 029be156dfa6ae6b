//! Holds inside a transaction: found, then locked behind their wallets.

use diesel::dsl::{Eq, Filter, Find};
use domain::wallets::hold::{Hold, HoldStatus};
use domain::wallets::{Posted, Posting, PostingRefusal, WalletConfiguration};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join, try_join_all};

use super::queries;
use super::rows::HoldRow;
use crate::prelude::*;
use crate::schema::holds;
use crate::wallets::{configuration, posting};

/// Rows of holds without a lock, in the order of their ids: owner, amount and reference never change.
async fn find_rows(mut conn: &Connection, ids: &[HoldId]) -> Result<Vec<HoldRow>> {
    let rows = HoldRow::query()
        .filter(holds::owner_id.eq_any(ids.iter().map(|id| id.owner.0)))
        .filter(holds::id.eq_any(ids.iter().map(|id| id.uuid)))
        .order((holds::owner_id, holds::id))
        .load(&mut conn)
        .await?;
    Ok(rows)
}

/// Rows of holds without a lock, and the configuration in force: what the commands on holds begin with.
pub(in crate::wallets) fn find_in_force(
    conn: &Connection,
    ids: Vec<HoldId>,
) -> BoxFuture<'_, Result<(Vec<HoldRow>, WalletConfiguration)>> {
    async move { try_join(find_rows(conn, &ids), configuration::pipelined(conn)).await }.boxed()
}

/// Locks a hold and reads it again. The caller holds the lock of its wallet, or changes only its expiry.
pub(in crate::wallets) async fn lock(tx: &mut Tx, id: HoldId) -> Result<Hold> {
    let locked = lock_all(tx, &[id]).await?.pop();
    locked.ok_or_else(|| DbError::inconsistent("holds", "id", id))
}

/// Locks holds and reads them again, in the order of their owners and ids. The caller holds the locks of their wallets.
/// On a cluster a locking statement has to stay on one shard.
pub(in crate::wallets) async fn lock_all(tx: &mut Tx, ids: &[HoldId]) -> Result<Vec<Hold>> {
    let is_cluster = tx.is_cluster();
    let rows = lock_rows(tx.conn(), is_cluster, ids.to_vec()).await?;
    read(tx, rows, ids)
}

/// The rows of [`lock_all`].
fn lock_rows(
    conn: &Connection,
    is_cluster: bool,
    mut ids: Vec<HoldId>,
) -> BoxFuture<'_, Result<Vec<HoldRow>>> {
    ids.sort_unstable();
    async move {
        let groups = ids.chunk_by(|one, next| !is_cluster || one.owner == next.owner);
        let locked = groups.map(|group| {
            let query = HoldRow::query()
                .filter(holds::owner_id.eq_any(group.iter().map(|id| id.owner.0)))
                .filter(holds::id.eq_any(group.iter().map(|id| id.uuid)))
                .order((holds::owner_id, holds::id))
                .for_no_key_update();
            let mut conn = conn;
            async move { query.load(&mut conn).await }
        });
        let rows: Vec<Vec<HoldRow>> = try_join_all(locked).await?;
        Ok(rows.into_iter().flatten().collect())
    }
    .boxed()
}

/// Posts, and locks holds behind their wallets in the same round trip; returns the results and the locked holds.
pub(in crate::wallets) async fn post_and_lock(
    tx: &mut Tx,
    postings: &[Posting],
    ids: &[HoldId],
) -> Result<(Vec<Result<Posted, PostingRefusal>>, Vec<Hold>)> {
    let (is_cluster, all) = (tx.is_cluster(), ids.to_vec());
    let locking = posting::post_reading(tx, postings, |conn| lock_rows(conn, is_cluster, all));
    let (posted, rows) = locking.await?;
    Ok((posted, read(tx, rows, ids)?))
}

/// Expired holds that are still held, oldest expiry first.
pub(super) async fn overdue(tx: &mut Tx, limit: i64) -> Result<Vec<Hold>> {
    let now = tx.now();
    let rows: Vec<HoldRow> = HoldRow::query()
        .filter(holds::status.eq(HoldStatus::Held.name()))
        .filter(holds::expires_at.le(now))
        .order(holds::expires_at)
        .limit(limit)
        .load(tx.conn())
        .await?;
    let currencies = tx.currencies();
    let holds = rows.into_iter().map(|row| row.into_hold(currencies, None));
    holds.collect()
}

/// The hold with the same external id.
pub(super) async fn by_external_id(conn: &Connection, hold: &Hold) -> Result<Option<Uuid>> {
    let Some(external_id) = &hold.external_id else {
        return Ok(None);
    };
    let found = queries::by_external_id(conn, hold.owner, &hold.issuer, external_id).await?;
    Ok(found.map(|id| id.uuid))
}

type Held = Filter<Find<holds::table, (Uuid, Uuid)>, Eq<holds::status, &'static str>>;

/// The row of a hold, while it is held.
pub(in crate::wallets) fn held(id: HoldId) -> Held {
    holds::table
        .find((id.owner.0, id.uuid))
        .filter(holds::status.eq(HoldStatus::Held.name()))
}

/// Reads rows; those of other ids are left out.
pub(in crate::wallets) fn read(
    tx: &Tx,
    rows: impl IntoIterator<Item = HoldRow>,
    ids: &[HoldId],
) -> Result<Vec<Hold>> {
    let currencies = tx.currencies();
    let holds = rows.into_iter().map(|row| row.into_hold(currencies, None));
    let mut holds = holds.collect::<Result<Vec<_>>>()?;
    holds.retain(|hold| ids.contains(&hold.id));
    Ok(holds)
}
