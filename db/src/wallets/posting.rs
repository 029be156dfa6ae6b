//! The posting core: moves points and money inside the caller's transaction.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{
    Array, BigInt, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::money::Minor;
use domain::time::Timestamp;
use domain::wallets::{
    Balances, Entry, Posted, Posting, PostingRefusal, WalletKey, WalletState, decide,
};
use uuid::Uuid;

use crate::schema::wallets;
use crate::{DbError, Result, Tx};

impl From<PostingRefusal> for DbError {
    fn from(refusal: PostingRefusal) -> Self {
        Self::inconsistent("wallets", "available", refusal)
    }
}

/// Posts business events in input order; returns one result per event. A refused event has no effect and does not count
/// against the next.
///
/// Locks the wallets whose balances may change, in ascending order. The caller holds no lock that comes after wallets
/// in the order of `docs/LEDGER.md`, and posts once per transaction.
pub async fn post(
    tx: &mut Tx,
    postings: &[Posting],
) -> Result<Vec<Result<Posted, PostingRefusal>>> {
    let keys: BTreeSet<WalletKey> = postings
        .iter()
        .flat_map(|posting| &posting.legs)
        .flat_map(|leg| [leg.debit.wallet, leg.credit.wallet])
        .collect();
    let wanted = Wanted::of(tx, &keys)?;
    let mut ids = wanted.find(tx).await?;
    let (mut balances, posted_at) = lock(tx, &ids).await?;
    // A wallet without a row has a balance of zero; the first posting creates the row.
    for key in keys.iter().filter(|key| key.kind.has_balance()) {
        balances.entry(*key).or_default();
    }
    let before = balances.clone();
    let decided: Vec<Result<Vec<Entry>, PostingRefusal>> = postings
        .iter()
        .map(|posting| decide(&mut balances, &posting.legs))
        .collect();
    let new: BTreeSet<WalletKey> = decided
        .iter()
        .flatten()
        .flatten()
        .flat_map(|entry| [entry.leg.debit.wallet, entry.leg.credit.wallet])
        .filter(|key| !ids.contains_key(key))
        .collect();
    ids.extend(Wanted::of(tx, &new)?.create(tx).await?);
    store_balances(tx, &ids, &before, &balances, posted_at).await?;
    store_transfers(tx, &ids, postings, &decided, posted_at).await?;
    Ok(postings
        .iter()
        .zip(decided)
        .map(|(posting, entries)| {
            entries.map(|entries| Posted {
                transaction_id: posting.transaction_id,
                posted_at,
                entries,
            })
        })
        .collect())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// Wallets to find or create, column by column.
struct Wanted {
    keys: Vec<WalletKey>,
    owner_kinds: Vec<&'static str>,
    owner_ids: Vec<Uuid>,
    currencies: Vec<i16>,
    kinds: Vec<&'static str>,
}

impl Wanted {
    fn of(tx: &Tx, keys: &BTreeSet<WalletKey>) -> Result<Self> {
        let number = |key: &WalletKey| {
            let currency = tx.currencies().get(&key.currency);
            currency
                .map(|currency| currency.number)
                .ok_or_else(|| DbError::inconsistent("currencies", "code", key.currency))
        };
        Ok(Self {
            keys: keys.iter().copied().collect(),
            owner_kinds: keys.iter().map(|key| key.owner.kind.name()).collect(),
            owner_ids: keys.iter().map(|key| key.owner.id).collect(),
            currencies: keys.iter().map(number).collect::<Result<_, _>>()?,
            kinds: keys.iter().map(|key| key.kind.name()).collect(),
        })
    }

    /// Finds existing wallets.
    async fn find(&self, tx: &mut Tx) -> Result<BTreeMap<WalletKey, i64>> {
        let found: Vec<Found> = diesel::sql_query(
            "SELECT x.id, w.position
             FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS w (owner_kind, owner_id, currency, kind, position)
             JOIN wallets x USING (owner_kind, owner_id, currency, kind)",
        )
        .bind::<Array<SqlText>, _>(&self.owner_kinds)
        .bind::<Array<SqlUuid>, _>(&self.owner_ids)
        .bind::<Array<SmallInt>, _>(&self.currencies)
        .bind::<Array<SqlText>, _>(&self.kinds)
        .load(tx.conn())
        .await?;
        Ok(self.by_key(found))
    }

    /// Creates all of them, in ascending order. When another transaction created one first, the transaction is retried.
    async fn create(&self, tx: &mut Tx) -> Result<BTreeMap<WalletKey, i64>> {
        if self.keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let now = tx.now();
        let made: Vec<Found> = diesel::sql_query(
            "WITH wanted AS (
                 SELECT * FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS w (owner_kind, owner_id, currency, kind, position)
             ), made AS (
                 INSERT INTO wallets (id, owner_kind, owner_id, currency, kind, created_at)
                 SELECT (nextval('wallets_serial') << 8) | currency, owner_kind, owner_id, currency, kind, $5
                 FROM wanted ORDER BY position
                 ON CONFLICT ON CONSTRAINT wallets_owner_key DO NOTHING
                 RETURNING id, owner_kind, owner_id, currency, kind
             )
             SELECT made.id, wanted.position FROM made JOIN wanted USING (owner_kind, owner_id, currency, kind)",
        )
        .bind::<Array<SqlText>, _>(&self.owner_kinds)
        .bind::<Array<SqlUuid>, _>(&self.owner_ids)
        .bind::<Array<SmallInt>, _>(&self.currencies)
        .bind::<Array<SqlText>, _>(&self.kinds)
        .bind::<Timestamptz, _>(now)
        .load(tx.conn())
        .await?;
        if made.len() == self.keys.len() {
            Ok(self.by_key(made))
        } else {
            Err(DbError::Contended(
                "wallets were created concurrently".to_owned(),
            ))
        }
    }

    fn by_key(&self, found: Vec<Found>) -> BTreeMap<WalletKey, i64> {
        let key_of = |row: &Found| {
            let index = usize::try_from(row.position - 1).ok()?;
            self.keys.get(index).copied()
        };
        found
            .into_iter()
            .filter_map(|row| Some((key_of(&row)?, row.id)))
            .collect()
    }
}

/// A locked wallet: id, available, held, sequence, frozen, last posting, and the time it was read.
type Locked = (i64, i64, i64, i64, bool, Option<Timestamp>, Timestamp);

/// Locks the wallets that keep a balance and reads them in the next statement: waiting inside a statement does not
/// refresh its snapshot.
async fn lock(tx: &mut Tx, ids: &BTreeMap<WalletKey, i64>) -> Result<(Balances, Timestamp)> {
    let kept: Vec<i64> = ids
        .iter()
        .filter(|(key, _)| key.kind.has_balance())
        .map(|(_, id)| *id)
        .collect();
    wallets::table
        .filter(wallets::id.eq_any(&kept))
        .order(wallets::id)
        .select(wallets::id)
        .for_no_key_update()
        .load::<i64>(tx.conn())
        .await?;
    let rows: Vec<Locked> = wallets::table
        .filter(wallets::id.eq_any(&kept))
        .select((
            wallets::id,
            wallets::available,
            wallets::held,
            wallets::sequence,
            wallets::is_frozen,
            wallets::last_posted_at,
            diesel::dsl::sql::<Timestamptz>("(SELECT app_now())"),
        ))
        .load(tx.conn())
        .await?;
    let posted_at = rows
        .iter()
        .map(|row| row.5.map_or(row.6, |last| last.max(row.6)))
        .max()
        .unwrap_or(tx.now());
    let balances = ids
        .iter()
        .filter_map(|(key, id)| {
            let row = rows.iter().find(|row| row.0 == *id)?;
            Some((
                *key,
                WalletState {
                    available: Minor(row.1),
                    held: Minor(row.2),
                    sequence: row.3,
                    is_frozen: row.4,
                },
            ))
        })
        .collect();
    Ok((balances, posted_at))
}

/// Updates the changed balances in one statement.
async fn store_balances(
    tx: &mut Tx,
    ids: &BTreeMap<WalletKey, i64>,
    before: &Balances,
    after: &Balances,
    posted_at: Timestamp,
) -> Result<()> {
    let changed: Vec<(i64, WalletState)> = after
        .iter()
        .filter(|(key, state)| before.get(key) != Some(state))
        .filter_map(|(key, state)| Some((*ids.get(key)?, *state)))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&WalletState) -> i64| {
        changed
            .iter()
            .map(|(_, state)| of(state))
            .collect::<Vec<_>>()
    };
    let written = diesel::sql_query(
        "UPDATE wallets w SET available = n.available, held = n.held, sequence = n.sequence, last_posted_at = $5
         FROM unnest($1, $2, $3, $4) AS n (id, available, held, sequence) WHERE w.id = n.id",
    )
    .bind::<Array<BigInt>, _>(changed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(column(|state| state.available.0))
    .bind::<Array<BigInt>, _>(column(|state| state.held.0))
    .bind::<Array<BigInt>, _>(column(|state| state.sequence))
    .bind::<Timestamptz, _>(posted_at)
    .execute(tx.conn())
    .await?;
    expect_rows("wallets", written, changed.len())
}

/// Columns of the transfers to insert.
#[derive(Default)]
struct Columns {
    transaction: Vec<Uuid>,
    leg: Vec<i16>,
    reason: Vec<&'static str>,
    reference_kind: Vec<&'static str>,
    reference_id: Vec<String>,
    origin: Vec<&'static str>,
    correlation: Vec<Option<String>>,
    currency: Vec<i16>,
    amount: Vec<i64>,
    debit: Sides,
    credit: Sides,
}

/// Columns of one side.
#[derive(Default)]
struct Sides {
    wallet: Vec<i64>,
    bucket: Vec<&'static str>,
    sequence: Vec<Option<i64>>,
    after: Vec<Option<i64>>,
}

/// Inserts all transfers in one statement.
async fn store_transfers(
    tx: &mut Tx,
    ids: &BTreeMap<WalletKey, i64>,
    postings: &[Posting],
    decided: &[Result<Vec<Entry>, PostingRefusal>],
    posted_at: Timestamp,
) -> Result<()> {
    let mut columns = Columns::default();
    for (posting, entries) in postings.iter().zip(decided) {
        for (leg, entry) in entries.iter().flatten().enumerate() {
            columns.push(tx, ids, posting, leg, entry)?;
        }
    }
    let count = columns.leg.len();
    if count == 0 {
        return Ok(());
    }
    let written = diesel::sql_query(
        "INSERT INTO transfers (transaction_id, leg, reason, reference_kind, reference_id, origin, correlation_id, currency, amount,
             debit_wallet, debit_bucket, debit_sequence, debit_after, credit_wallet, credit_bucket, credit_sequence, credit_after, posted_at)
         SELECT *, $18 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind::<Array<SqlUuid>, _>(columns.transaction)
    .bind::<Array<SmallInt>, _>(columns.leg)
    .bind::<Array<SqlText>, _>(columns.reason)
    .bind::<Array<SqlText>, _>(columns.reference_kind)
    .bind::<Array<SqlText>, _>(columns.reference_id)
    .bind::<Array<SqlText>, _>(columns.origin)
    .bind::<Array<Nullable<SqlText>>, _>(columns.correlation)
    .bind::<Array<SmallInt>, _>(columns.currency)
    .bind::<Array<BigInt>, _>(columns.amount)
    .bind::<Array<BigInt>, _>(columns.debit.wallet)
    .bind::<Array<SqlText>, _>(columns.debit.bucket)
    .bind::<Array<Nullable<BigInt>>, _>(columns.debit.sequence)
    .bind::<Array<Nullable<BigInt>>, _>(columns.debit.after)
    .bind::<Array<BigInt>, _>(columns.credit.wallet)
    .bind::<Array<SqlText>, _>(columns.credit.bucket)
    .bind::<Array<Nullable<BigInt>>, _>(columns.credit.sequence)
    .bind::<Array<Nullable<BigInt>>, _>(columns.credit.after)
    .bind::<Timestamptz, _>(posted_at)
    .execute(tx.conn())
    .await?;
    expect_rows("transfers", written, count)
}

impl Columns {
    fn push(
        &mut self,
        tx: &Tx,
        ids: &BTreeMap<WalletKey, i64>,
        posting: &Posting,
        leg: usize,
        entry: &Entry,
    ) -> Result<()> {
        let code = entry.leg.debit.wallet.currency;
        let currency = tx
            .currencies()
            .get(&code)
            .ok_or_else(|| DbError::inconsistent("currencies", "code", code))?;
        self.transaction.push(posting.transaction_id.0);
        self.leg
            .push(i16::try_from(leg).map_err(|_| DbError::inconsistent("transfers", "leg", leg))?);
        self.reason.push(entry.leg.reason.name());
        self.reference_kind.push(posting.reference.kind);
        self.reference_id.push(posting.reference.id.clone());
        self.origin.push(posting.origin.name());
        self.correlation.push(posting.correlation_id.clone());
        self.currency.push(currency.number);
        self.amount.push(entry.leg.amount.0);
        for (sides, side, written) in [
            (&mut self.debit, entry.leg.debit, entry.debit),
            (&mut self.credit, entry.leg.credit, entry.credit),
        ] {
            sides
                .wallet
                .push(ids.get(&side.wallet).copied().unwrap_or_default());
            sides.bucket.push(side.bucket.name());
            sides.sequence.push(written.map(|written| written.sequence));
            sides.after.push(written.map(|written| written.after.0));
        }
        Ok(())
    }
}

/// Checks that the number of written rows equals the number of decided ones.
fn expect_rows(table: &'static str, written: usize, decided: usize) -> Result<()> {
    if written == decided {
        Ok(())
    } else {
        Err(DbError::inconsistent(
            table,
            "rows",
            format!("{written} written, {decided} decided"),
        ))
    }
}
