//! Locks of rows of several owners.

use std::collections::BTreeSet;

use futures_util::future::{BoxFuture, try_join_all};
use uuid::Uuid;

use crate::{Connection, Result, Tx};

/// Locks the rows of these keys and reads them.
pub(crate) type LockRows<T> =
    for<'c> fn(Vec<Uuid>, &'c Connection) -> BoxFuture<'c, Result<Vec<T>>>;

/// Locks rows in ascending order of their keys: in one statement on one database, in one per key on a cluster, where a
/// locking statement has to stay on one shard.
pub(crate) async fn lock_rows<T>(
    tx: &mut Tx,
    keys: impl IntoIterator<Item = Uuid>,
    lock: LockRows<T>,
) -> Result<Vec<T>> {
    let keys: BTreeSet<Uuid> = keys.into_iter().collect();
    let keys: Vec<Uuid> = keys.into_iter().collect();
    let size = if tx.is_cluster() {
        1
    } else {
        keys.len().max(1)
    };
    let conn: &Connection = tx.conn();
    let locked = keys.chunks(size).map(|keys| lock(keys.to_vec(), conn));
    Ok(try_join_all(locked).await?.into_iter().flatten().collect())
}
