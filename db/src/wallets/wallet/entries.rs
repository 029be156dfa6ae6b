//! Pages of wallets' entries.

use diesel::sql_types::{
    Array, BigInt, Bool, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::wallets::{Bucket, TransferReason, WalletKey};

use super::transfers::{Counted, LedgerEntry, TransferRow, columns, into_transfers, with_wallets};
use crate::Db;
use crate::prelude::*;

/// Conditions on entries, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EntryFilter {
    /// Bucket of the wallet.
    pub bucket: Option<Bucket>,
    /// Whether the wallet received the amount.
    pub is_credit: Option<bool>,
    /// Cause of the transfer.
    pub reason: Option<TransferReason>,
    /// Kind and id of the object.
    pub reference: Option<(String, String)>,
    /// Start of the time, included.
    pub from: Option<Timestamp>,
    /// End of the time, excluded.
    pub until: Option<Timestamp>,
    /// Smallest amount, included.
    pub at_least: Option<i64>,
    /// Largest amount, included.
    pub at_most: Option<i64>,
}

/// The wallets of these keys; PostgreSQL plans with the values, and drops conditions without one.
const WALLETS: &str = "unnest($1, $2, $3, $4, $5) AS k (owner_kind, owner_id, currency, kind, for_id)
    JOIN wallets w ON w.owner_id = k.owner_id AND w.owner_kind = k.owner_kind AND w.currency = k.currency
        AND w.kind = k.kind AND w.for_id = k.for_id";

/// Conditions of a filter on the view of entries.
const CONDITIONS: &str = "owner_id = w.owner_id AND wallet = w.id AND sequence IS NOT NULL
    AND ($6 IS NULL OR bucket = $6)
    AND ($7 IS NULL OR (side = 'CREDIT') = $7)
    AND ($8 IS NULL OR reason = $8)
    AND ($9 IS NULL OR (reference_kind = $9 AND reference_id = $10))
    AND ($11 IS NULL OR posted_at >= $11)
    AND ($12 IS NULL OR posted_at < $12)
    AND ($13 IS NULL OR amount >= $13)
    AND ($14 IS NULL OR amount <= $14)";

/// Binds the keys and the values of [`CONDITIONS`] to a query.
macro_rules! bind_conditions {
    ($query:expr, $db:expr, $keys:expr, $filter:expr) => {{
        let (keys, filter): (&[WalletKey], &EntryFilter) = ($keys, $filter);
        let numbers = keys.iter().map(|key| {
            let currency = $db.currencies().get(&key.currency);
            currency.map_or(0, |currency| currency.number)
        });
        let (kind, id) = filter.reference.clone().unzip();
        $query
            .bind::<Array<SqlText>, _>(
                keys.iter()
                    .map(|key| key.owner.kind.name())
                    .collect::<Vec<_>>(),
            )
            .bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.owner.id).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(numbers.collect::<Vec<_>>())
            .bind::<Array<SqlText>, _>(keys.iter().map(|key| key.kind.name()).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.for_id).collect::<Vec<_>>())
            .bind::<Nullable<SqlText>, _>(filter.bucket.map(|bucket| bucket.name()))
            .bind::<Nullable<Bool>, _>(filter.is_credit)
            .bind::<Nullable<SqlText>, _>(filter.reason.map(|reason| reason.name()))
            .bind::<Nullable<SqlText>, _>(kind)
            .bind::<Nullable<SqlText>, _>(id)
            .bind::<Nullable<Timestamptz>, _>(filter.from)
            .bind::<Nullable<Timestamptz>, _>(filter.until)
            .bind::<Nullable<BigInt>, _>(filter.at_least)
            .bind::<Nullable<BigInt>, _>(filter.at_most)
    }};
}

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(embed)]
    transfer: TransferRow,
    #[diesel(sql_type = Bool)]
    is_credit: bool,
}

/// One page of each wallet's entries, newest first, in one statement for all of them. The key of a page is the entry's
/// sequence. Accounts that keep no balance have no sequence, and therefore none here.
pub async fn pages(
    db: &Db,
    conn: &mut Connection,
    keys: &[WalletKey],
    filter: &EntryFilter,
    page: &Page<i64>,
) -> Result<Vec<(WalletKey, Slice<LedgerEntry>)>> {
    db.know_currencies(conn, keys.iter().map(|key| key.currency))
        .await?;
    let direction = if page.from_end { "ASC" } else { "DESC" };
    let text = format!(
        "SELECT {}, t.side = 'CREDIT' AS is_credit FROM {WALLETS}
         CROSS JOIN LATERAL (
             SELECT * FROM entries WHERE {CONDITIONS} AND sequence < $15 AND sequence > $16
             ORDER BY sequence {direction} LIMIT $17
         ) t {} WHERE w.owner_id = ANY($2)",
        columns!(),
        with_wallets!(),
    );
    let rows: Vec<EntryRow> =
        bind_conditions!(diesel::sql_query(text).into_boxed::<Pg>(), db, keys, filter)
            .bind::<BigInt, _>(page.after.unwrap_or(i64::MAX))
            .bind::<BigInt, _>(page.before.unwrap_or(0))
            .bind::<BigInt, _>(page.fetch())
            .load(conn)
            .await?;
    let (sides, rows): (Vec<bool>, Vec<TransferRow>) = rows
        .into_iter()
        .map(|row| (row.is_credit, row.transfer))
        .unzip();
    let transfers = into_transfers(db, conn, rows).await?;
    let mut entries: Vec<LedgerEntry> = transfers
        .into_iter()
        .zip(sides)
        .map(|(transfer, is_credit)| LedgerEntry {
            transfer: transfer.into(),
            is_credit,
        })
        .collect();
    // The joins keep no order.
    entries.sort_by_key(|entry| entry.side().after.map(|(sequence, _)| sequence));
    if !page.from_end {
        entries.reverse();
    }
    page.slices(keys, entries.into_iter().map(Ok), |entry| {
        entry.side().wallet
    })
}

/// Number of a wallet's entries that meet the conditions.
pub async fn count(
    db: &Db,
    conn: &mut Connection,
    key: WalletKey,
    filter: &EntryFilter,
) -> Result<Count> {
    let text = format!(
        "SELECT count(*) AS number FROM (
             SELECT FROM {WALLETS} CROSS JOIN LATERAL (SELECT FROM entries WHERE {CONDITIONS} LIMIT $15) e
             WHERE w.owner_id = ANY($2)
         ) counted"
    );
    let query = bind_conditions!(
        diesel::sql_query(text).into_boxed::<Pg>(),
        db,
        &[key],
        filter
    );
    let counted: Counted = query
        .bind::<BigInt, _>(Count::EXACT_TO + 1)
        .get_result(conn)
        .await?;
    Ok(Count::of(counted.number))
}
