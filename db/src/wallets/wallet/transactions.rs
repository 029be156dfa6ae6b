//! Business events of the ledger.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Uuid as SqlUuid};

use super::rows::{EntryRow, LedgerEntry};
use crate::Db;
use crate::prelude::*;
use crate::schema::reversals;

/// Entries of a transaction that are read.
const MOST_ENTRIES: usize = 100;

/// A business event, with the owners whose entries are read: they are the keys of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransactionKey {
    /// Id of the event.
    pub id: TransactionId,
    /// Owners of wallets, at most [`MOST_OWNERS`].
    pub owners: Vec<OwnerId>,
}

/// Owners of one transaction: that of a hold and those of the payouts of its settlement, or of an account of the platform
/// and a payee.
pub const MOST_OWNERS: usize = 11;

impl TransactionKey {
    /// The event with these owners, each once.
    #[must_use]
    pub fn new(id: TransactionId, owners: impl IntoIterator<Item = OwnerId>) -> Self {
        let owners: BTreeSet<_> = owners.into_iter().collect();
        let owners = owners.into_iter().take(MOST_OWNERS).collect();
        Self { id, owners }
    }
}

/// A business event: transfers that were posted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Key.
    pub key: TransactionKey,
    /// Entries of the owners' wallets in the order of the transfers, at most a hundred.
    pub entries: Vec<LedgerEntry>,
}

/// Transactions that have entries of their owners.
pub async fn by_key(
    db: &Db,
    conn: &mut Connection,
    keys: &[TransactionKey],
) -> Result<Vec<Transaction>> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.id.0).collect();
    let owners: BTreeSet<Uuid> = keys
        .iter()
        .flat_map(|key| &key.owners)
        .map(|owner| owner.0)
        .collect();
    let owners: Vec<Uuid> = owners.into_iter().collect();
    let rows: Vec<EntryRow> = diesel::sql_query(
        "SELECT w.owner_kind, w.owner_id, e.sequence, e.transaction_id, e.side, e.bucket, e.currency, e.amount,
                e.balance_after, e.reason, e.reference_kind, e.reference_id, e.posted_at
         FROM entries e JOIN wallets w ON w.owner_id = e.owner_id AND w.id = e.wallet
         WHERE e.owner_id = ANY($1) AND w.owner_id = ANY($1) AND e.transaction_id = ANY($2) AND e.sequence IS NOT NULL
         ORDER BY e.transaction_id, e.leg, e.side DESC",
    )
    .bind::<Array<SqlUuid>, _>(owners)
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    let entries = rows.into_iter().map(|row| row.into_entry(db));
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let transactions = keys.iter().map(|key| {
        let is_of_key = |entry: &&LedgerEntry| {
            entry.transaction_id == key.id.0 && key.owners.contains(&OwnerId(entry.owner.id))
        };
        Transaction {
            key: key.clone(),
            entries: entries
                .iter()
                .filter(is_of_key)
                .take(MOST_ENTRIES)
                .cloned()
                .collect(),
        }
    });
    Ok(transactions
        .filter(|transaction| !transaction.entries.is_empty())
        .collect())
}

/// Transactions that reversed others, each with the key of the other.
pub async fn reversals_of(
    conn: &mut Connection,
    keys: &[TransactionKey],
) -> Result<Vec<(TransactionKey, TransactionKey)>> {
    let owners: BTreeSet<Uuid> = keys
        .iter()
        .flat_map(|key| &key.owners)
        .map(|owner| owner.0)
        .collect();
    let rows: Vec<(Uuid, Uuid)> = reversals::table
        .filter(reversals::owner_id.eq_any(owners))
        .filter(reversals::transaction_id.eq_any(keys.iter().map(|key| key.id.0)))
        .select((reversals::transaction_id, reversals::reversal_id))
        .load(conn)
        .await?;
    let found = keys.iter().filter_map(|key| {
        let (_, reversal) = rows.iter().find(|(id, _)| *id == key.id.0)?;
        let reversal = TransactionKey {
            id: TransactionId(*reversal),
            owners: key.owners.clone(),
        };
        Some((key.clone(), reversal))
    });
    Ok(found.collect())
}
