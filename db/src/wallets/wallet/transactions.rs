//! Business events of the ledger.

use std::collections::HashMap;

use diesel::sql_types::{Array, Uuid as SqlUuid};

use super::rows::{EntryRow, LedgerEntry};
use crate::Db;
use crate::prelude::*;

/// Entries of a transaction that are read.
const MOST_ENTRIES: usize = 100;

/// A business event: transfers that were posted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Id.
    pub id: TransactionId,
    /// Entries of owners' wallets, by owner and sequence, at most a hundred.
    pub entries: Vec<LedgerEntry>,
}

/// Transactions by id, without those that no owner's wallet has an entry of. Reads all shards.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[TransactionId],
) -> Result<Vec<Transaction>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<EntryRow> = diesel::sql_query(
        "SELECT w.owner_kind, w.owner_id, e.sequence, e.transaction_id, e.side, e.bucket, e.currency, e.amount,
                e.balance_after, e.reason, e.reference_kind, e.reference_id, e.posted_at
         FROM entries e JOIN wallets w ON w.owner_id = e.owner_id AND w.id = e.wallet
         WHERE e.transaction_id = ANY($1) AND w.kind = 'MAIN'
         ORDER BY e.transaction_id, e.leg, e.side DESC",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    let mut entries: HashMap<Uuid, Vec<LedgerEntry>> = HashMap::new();
    for row in rows {
        let of = entries.entry(row.transaction_id).or_default();
        if of.len() < MOST_ENTRIES {
            of.push(row.into_entry(db)?);
        }
    }
    let transactions = entries.into_iter().map(|(id, entries)| Transaction {
        id: TransactionId(id),
        entries,
    });
    Ok(transactions.collect())
}
