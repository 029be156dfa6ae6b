//! Business events of the ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use diesel::sql_types::{Array, Uuid as SqlUuid};

use super::transfers::{LedgerEntry, Transfer, TransferRow, columns, into_transfers, with_wallets};
use crate::Db;
use crate::prelude::*;
use crate::schema::{reversals, transfers};

/// Entries of a transaction that are read.
const MOST_ENTRIES: usize = 100;

/// A business event to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransactionKey {
    /// Id of the event.
    pub id: TransactionId,
    /// Owners whose entries are read, at most 11; empty for all, which is a read over all shards.
    pub owners: Vec<OwnerId>,
}

/// Owners of one transaction: that of a hold and those of the payouts of its settlement, or of an account of the platform
/// and a payee.
const MOST_OWNERS: usize = 11;

impl TransactionKey {
    /// The event with these owners, each once.
    #[must_use]
    pub fn new(id: TransactionId, owners: impl IntoIterator<Item = OwnerId>) -> Self {
        let owners: BTreeSet<_> = owners.into_iter().collect();
        let owners = owners.into_iter().take(MOST_OWNERS).collect();
        Self { id, owners }
    }

    /// The event with all owners.
    #[must_use]
    pub fn whole(id: TransactionId) -> Self {
        Self::new(id, [])
    }

    /// Whether an owner's entries are read.
    fn includes(&self, owner: OwnerId) -> bool {
        self.owners.is_empty() || self.owners.contains(&owner)
    }
}

/// A business event: transfers that were posted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Key.
    pub key: TransactionKey,
    /// The first transfer that was read.
    pub first: Arc<Transfer>,
    /// Entries of the owners' wallets that keep a balance, in the order of the transfers, at most a hundred.
    pub entries: Vec<LedgerEntry>,
}

/// Transactions that have entries of their owners.
pub async fn by_key(
    db: &Db,
    conn: &mut Connection,
    keys: &[TransactionKey],
) -> Result<Vec<Transaction>> {
    let (whole, keyed): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.owners.is_empty());
    let mut transfers = Vec::new();
    if !keyed.is_empty() {
        let owners: BTreeSet<Uuid> = keyed
            .iter()
            .flat_map(|key| &key.owners)
            .map(|owner| owner.0)
            .collect();
        let query = diesel::sql_query(concat!(
            "SELECT ",
            columns!(),
            " FROM transfers t ",
            with_wallets!(),
            " WHERE t.owner_id = ANY($1) AND t.transaction_id = ANY($2) ORDER BY t.transaction_id, t.leg"
        ));
        let rows: Vec<TransferRow> = query
            .bind::<Array<SqlUuid>, _>(Vec::from_iter(owners))
            .bind::<Array<SqlUuid>, _>(ids_of(&keyed))
            .load(conn)
            .await?;
        transfers.extend(into_transfers(db, conn, rows).await?);
    }
    if !whole.is_empty() {
        let query = diesel::sql_query(concat!(
            "SELECT ",
            columns!(),
            " FROM transfers t ",
            with_wallets!(),
            " WHERE t.transaction_id = ANY($1) ORDER BY t.transaction_id, t.leg"
        ));
        let rows: Vec<TransferRow> = query
            .bind::<Array<SqlUuid>, _>(ids_of(&whole))
            .load(conn)
            .await?;
        transfers.extend(into_transfers(db, conn, rows).await?);
    }
    let entries: Vec<LedgerEntry> = transfers.into_iter().flat_map(LedgerEntry::both).collect();
    let transactions = keys.iter().filter_map(|key| {
        let of_key = entries.iter().filter(|entry| {
            let transfer = entry.transfer.key;
            transfer.transaction == key.id && key.includes(transfer.owner)
        });
        let first = Arc::clone(&of_key.clone().next()?.transfer);
        let kept = of_key.filter(|entry| entry.side().after.is_some());
        Some(Transaction {
            key: key.clone(),
            first,
            entries: kept.take(MOST_ENTRIES).cloned().collect(),
        })
    });
    Ok(transactions.collect())
}

fn ids_of(keys: &[&TransactionKey]) -> Vec<Uuid> {
    keys.iter().map(|key| key.id.0).collect()
}

/// Transactions that reversed others, after the others; a read over all shards.
pub async fn reversals_of(
    conn: &mut Connection,
    ids: &[TransactionId],
) -> Result<Vec<(TransactionId, TransactionId)>> {
    let homes: Vec<(Uuid, Uuid)> = transfers::table
        .filter(transfers::transaction_id.eq_any(ids.iter().map(|id| id.0)))
        .filter(transfers::leg.eq(0))
        .select((transfers::owner_id, transfers::transaction_id))
        .load(conn)
        .await?;
    let rows: Vec<(Uuid, Uuid)> = reversals::table
        .filter(reversals::owner_id.eq_any(homes.iter().map(|(home, _)| *home)))
        .filter(reversals::transaction_id.eq_any(homes.iter().map(|(_, id)| *id)))
        .select((reversals::transaction_id, reversals::reversal_id))
        .load(conn)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(id, reversal)| (TransactionId(id), TransactionId(reversal)))
        .collect())
}
