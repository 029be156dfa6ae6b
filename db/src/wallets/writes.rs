//! Writes of a posting.

use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{
    Array, BigInt, Bool, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;
use domain::wallets::{Entry, Posting, WalletKey, WalletState};
use futures_util::future::try_join3;
use uuid::Uuid;

use super::posting::{WalletIds, number_of, only};
use crate::prepared::Prepared;
use crate::text::fit;
use crate::{Connection, DbError, Result, Tx};

const INSERT_WALLETS: &str = "INSERT INTO wallets (owner_id, id, owner_kind, currency, kind, for_id, available, held, sequence,
         is_frozen, last_posted_at, created_at)
     SELECT n.*, CASE WHEN n.sequence > 0 THEN ? END, ?
     FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         AS n (owner_id, id, owner_kind, currency, kind, for_id, available, held, sequence, is_frozen)
     ON CONFLICT ON CONSTRAINT wallets_owner_key DO NOTHING";
const UPDATE_WALLETS: &str = "UPDATE wallets w
     SET available = n.available, held = n.held, sequence = n.sequence, last_posted_at = ?
     FROM unnest(?, ?, ?, ?, ?) AS n (owner_id, id, available, held, sequence)
     WHERE w.owner_id = n.owner_id AND w.id = n.id AND w.owner_id = ";
const INSERT_TRANSFERS: &str = "INSERT INTO transfers (posted_at, owner_id, transaction_id, leg, reason, reference_kind, reference_id,
         origin, correlation_id, currency, amount, debit_wallet, debit_bucket, debit_sequence, debit_after,
         credit_wallet, credit_bucket, credit_sequence, credit_after)
     SELECT ?, n.* FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS n";

/// One statement per table.
static TABLES: LazyLock<[String; 3]> = LazyLock::new(|| {
    let update_wallets = format!("{UPDATE_WALLETS} ANY(?)");
    [INSERT_WALLETS, &update_wallets, INSERT_TRANSFERS].map(numbered)
});
/// All tables of one owner in one statement. With a list of owners PostgreSQL would plan it anew each time.
static AT_ONCE: LazyLock<String> = LazyLock::new(|| {
    numbered(&format!(
        "WITH made AS ({INSERT_WALLETS} RETURNING 1), changed AS ({UPDATE_WALLETS} ? RETURNING 1),
             written AS ({INSERT_TRANSFERS} RETURNING 1)
         SELECT (SELECT count(*) FROM made) AS made, (SELECT count(*) FROM changed) AS changed,
             (SELECT count(*) FROM written) AS written"
    ))
});

/// Numbers the parameters of a text.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    (1..).zip(parts).fold(first, |text, (number, part)| {
        format!("{text}${number}{part}")
    })
}

type Boxed<'a> = BoxedSqlQuery<'a, Pg, SqlQuery>;

/// Rows that a posting writes, column by column.
pub(super) struct Writes {
    posted_at: Timestamp,
    new: NewWallets,
    changed: ChangedWallets,
    transfers: Transfers,
}

#[derive(Default)]
struct NewWallets {
    owner_id: Vec<Uuid>,
    id: Vec<i64>,
    owner_kind: Vec<&'static str>,
    currency: Vec<i16>,
    kind: Vec<&'static str>,
    for_id: Vec<Uuid>,
    available: Vec<i64>,
    held: Vec<i64>,
    sequence: Vec<i64>,
    is_frozen: Vec<bool>,
}

#[derive(Default)]
struct ChangedWallets {
    owner_id: Vec<Uuid>,
    id: Vec<i64>,
    available: Vec<i64>,
    held: Vec<i64>,
    sequence: Vec<i64>,
}

#[derive(Default)]
struct Transfers {
    owner_id: Vec<Uuid>,
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

/// Numbers of written rows.
#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    made: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    written: i64,
}

impl Writes {
    /// No rows yet.
    pub fn at(posted_at: Timestamp) -> Self {
        Self {
            posted_at,
            new: NewWallets::default(),
            changed: ChangedWallets::default(),
            transfers: Transfers::default(),
        }
    }

    /// Adds a wallet that does not exist yet.
    pub fn new_wallet(
        &mut self,
        tx: &Tx,
        key: &WalletKey,
        id: i64,
        is_frozen: bool,
        state: WalletState,
    ) -> Result<()> {
        let new = &mut self.new;
        new.owner_id.push(key.owner.id);
        new.id.push(id);
        new.owner_kind.push(key.owner.kind.name());
        new.currency.push(number_of(tx, key.currency)?);
        new.kind.push(key.kind.name());
        new.for_id.push(key.for_id);
        new.available.push(state.available.0);
        new.held.push(state.held.0);
        new.sequence.push(state.sequence);
        new.is_frozen.push(is_frozen);
        Ok(())
    }

    /// Adds a change of a locked wallet.
    pub fn changed_wallet(&mut self, key: &WalletKey, id: i64, state: WalletState) {
        let changed = &mut self.changed;
        changed.owner_id.push(key.owner.id);
        changed.id.push(id);
        changed.available.push(state.available.0);
        changed.held.push(state.held.0);
        changed.sequence.push(state.sequence);
    }

    /// Adds a transfer.
    pub fn transfer(
        &mut self,
        tx: &Tx,
        ids: &WalletIds,
        posting: &Posting,
        leg: usize,
        home: Uuid,
        row: &Entry,
    ) -> Result<()> {
        let transfers = &mut self.transfers;
        transfers.owner_id.push(home);
        transfers.transaction.push(posting.transaction_id.0);
        transfers.leg.push(fit("transfers", "leg", leg)?);
        transfers.reason.push(row.leg.reason.name());
        transfers.reference_kind.push(posting.reference.kind);
        transfers.reference_id.push(posting.reference.id.clone());
        transfers.origin.push(posting.origin.name());
        transfers.correlation.push(posting.correlation_id.clone());
        transfers
            .currency
            .push(number_of(tx, row.leg.debit.wallet.currency)?);
        transfers.amount.push(row.leg.amount.0);
        for (sides, side, written) in [
            (&mut transfers.debit, row.leg.debit, row.debit),
            (&mut transfers.credit, row.leg.credit, row.credit),
        ] {
            let key = side.wallet;
            let id = match key.home() {
                Some(_) => ids.get(&key).copied(),
                None => {
                    let house = &tx.constants().house;
                    house.get(&(key.kind, key.currency)).copied()
                }
            };
            let missing = || DbError::inconsistent("wallets", "kind", key.kind.name());
            sides.wallet.push(id.ok_or_else(missing)?);
            sides.bucket.push(side.bucket.name());
            sides.sequence.push(written.map(|written| written.sequence));
            sides.after.push(written.map(|written| written.after.0));
        }
        Ok(())
    }

    /// Stores all rows in one round trip: in one statement when they belong to one owner, else in one per table. A cluster
    /// has no data-modifying WITH, so it takes the latter always.
    pub async fn store(self, tx: &mut Tx) -> Result<()> {
        if self.transfers.leg.is_empty() {
            return Ok(());
        }
        let only_owner = only(&self.transfers.owner_id).filter(|_| !tx.is_cluster());
        let created_at = tx.now();
        let conn: &Connection = tx.conn();
        let counts = match only_owner {
            Some(owner) => self.store_at_once(owner, created_at, conn).await?,
            None => self.store_by_table(created_at, conn).await?,
        };
        if counts.made != count(&self.new.id)? {
            let what = "wallets were created concurrently";
            return Err(DbError::Contended(what.to_owned()));
        }
        for (table, written, decided) in [
            ("wallets", counts.changed, count(&self.changed.id)?),
            ("transfers", counts.written, count(&self.transfers.leg)?),
        ] {
            if written != decided {
                let what = format!("{written} written, {decided} decided");
                return Err(DbError::inconsistent(table, "rows", what));
            }
        }
        Ok(())
    }

    async fn store_at_once(
        &self,
        owner: Uuid,
        created_at: Timestamp,
        mut conn: &Connection,
    ) -> Result<Counts> {
        let query = diesel::sql_query(AT_ONCE.as_str()).into_boxed();
        let query = self.bind_new(query, created_at);
        let query = self.bind_changed(query).bind::<SqlUuid, _>(owner);
        let query = self.bind_transfers(query);
        Ok(Prepared::new(query).get_result(&mut conn).await?)
    }

    async fn store_by_table(&self, created_at: Timestamp, conn: &Connection) -> Result<Counts> {
        let [new, changed, transfers] = TABLES
            .each_ref()
            .map(|text| diesel::sql_query(text).into_boxed());
        let new = self.bind_new(new, created_at);
        let changed = self.bind_changed(changed);
        let changed = changed.bind::<Array<SqlUuid>, _>(&self.changed.owner_id);
        let (made, changed, written) = try_join3(
            execute(&self.new.id, new, conn),
            execute(&self.changed.id, changed, conn),
            execute(&self.transfers.leg, self.bind_transfers(transfers), conn),
        )
        .await?;
        Ok(Counts {
            made,
            changed,
            written,
        })
    }

    fn bind_new<'a>(&'a self, query: Boxed<'a>, created_at: Timestamp) -> Boxed<'a> {
        let new = &self.new;
        query
            .bind::<Timestamptz, _>(self.posted_at)
            .bind::<Timestamptz, _>(created_at)
            .bind::<Array<SqlUuid>, _>(&new.owner_id)
            .bind::<Array<BigInt>, _>(&new.id)
            .bind::<Array<SqlText>, _>(&new.owner_kind)
            .bind::<Array<SmallInt>, _>(&new.currency)
            .bind::<Array<SqlText>, _>(&new.kind)
            .bind::<Array<SqlUuid>, _>(&new.for_id)
            .bind::<Array<BigInt>, _>(&new.available)
            .bind::<Array<BigInt>, _>(&new.held)
            .bind::<Array<BigInt>, _>(&new.sequence)
            .bind::<Array<Bool>, _>(&new.is_frozen)
    }

    fn bind_changed<'a>(&'a self, query: Boxed<'a>) -> Boxed<'a> {
        let changed = &self.changed;
        query
            .bind::<Timestamptz, _>(self.posted_at)
            .bind::<Array<SqlUuid>, _>(&changed.owner_id)
            .bind::<Array<BigInt>, _>(&changed.id)
            .bind::<Array<BigInt>, _>(&changed.available)
            .bind::<Array<BigInt>, _>(&changed.held)
            .bind::<Array<BigInt>, _>(&changed.sequence)
    }

    fn bind_transfers<'a>(&'a self, query: Boxed<'a>) -> Boxed<'a> {
        let Transfers { debit, credit, .. } = &self.transfers;
        query
            .bind::<Timestamptz, _>(self.posted_at)
            .bind::<Array<SqlUuid>, _>(&self.transfers.owner_id)
            .bind::<Array<SqlUuid>, _>(&self.transfers.transaction)
            .bind::<Array<SmallInt>, _>(&self.transfers.leg)
            .bind::<Array<SqlText>, _>(&self.transfers.reason)
            .bind::<Array<SqlText>, _>(&self.transfers.reference_kind)
            .bind::<Array<SqlText>, _>(&self.transfers.reference_id)
            .bind::<Array<SqlText>, _>(&self.transfers.origin)
            .bind::<Array<Nullable<SqlText>>, _>(&self.transfers.correlation)
            .bind::<Array<SmallInt>, _>(&self.transfers.currency)
            .bind::<Array<BigInt>, _>(&self.transfers.amount)
            .bind::<Array<BigInt>, _>(&debit.wallet)
            .bind::<Array<SqlText>, _>(&debit.bucket)
            .bind::<Array<Nullable<BigInt>>, _>(&debit.sequence)
            .bind::<Array<Nullable<BigInt>>, _>(&debit.after)
            .bind::<Array<BigInt>, _>(&credit.wallet)
            .bind::<Array<SqlText>, _>(&credit.bucket)
            .bind::<Array<Nullable<BigInt>>, _>(&credit.sequence)
            .bind::<Array<Nullable<BigInt>>, _>(&credit.after)
    }
}

/// Executes the statement of a table that has rows; returns their number.
async fn execute<T>(rows: &[T], query: Boxed<'_>, mut conn: &Connection) -> Result<i64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let written = Prepared::new(query).execute(&mut conn).await?;
    fit("transfers", "rows", written)
}

fn count<T>(rows: &[T]) -> Result<i64> {
    fit("transfers", "rows", rows.len())
}
