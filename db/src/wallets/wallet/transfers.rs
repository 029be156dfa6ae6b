//! Transfers, and the entries that are their sides.

use std::sync::Arc;

use diesel::sql_types::{
    Array, BigInt, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::money::{Currency, CurrencyCode, Minor, Money};
use domain::wallets::{Bucket, TransferReason, WalletKey, WalletKind, WalletOwner};

use super::rows::currency_of;
use crate::Db;
use crate::prelude::*;
use crate::schema::transfers;

/// Owner, transaction and number of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransferKey {
    /// Home of the transfer.
    pub owner: OwnerId,
    /// Business event.
    pub transaction: TransactionId,
    /// Number within the event.
    pub leg: i16,
}

/// A transfer and the side that an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryKey {
    /// The transfer.
    pub transfer: TransferKey,
    /// Whether the side is the one that received the amount.
    pub is_credit: bool,
}

/// Movement of an amount between two wallets of one home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Key.
    pub key: TransferKey,
    /// Time of the posting.
    pub posted_at: Timestamp,
    /// Amount.
    pub amount: Money,
    /// Cause.
    pub reason: TransferReason,
    /// Kind of the event's object.
    pub reference_kind: String,
    /// Id of the event's object.
    pub reference_id: String,
    /// Whether the caller is a service.
    pub is_by_service: bool,
    /// Issuer and subject of the caller; none for jobs and demo data.
    pub caller: Option<(String, String)>,
    /// Id of the request; none for jobs and demo data.
    pub request_id: Option<String>,
    /// Side that gave the amount.
    pub debit: TransferSide,
    /// Side that received the amount.
    pub credit: TransferSide,
}

/// Side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferSide {
    /// The wallet.
    pub wallet: WalletKey,
    /// Bucket of the wallet.
    pub bucket: Bucket,
    /// Sequence number in the wallet and balance of the bucket after the transfer; none where no balance is kept.
    pub after: Option<(i64, Money)>,
}

/// Line of a wallet's statement: a transfer seen from one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The transfer.
    pub transfer: Arc<Transfer>,
    /// Whether the wallet received the amount.
    pub is_credit: bool,
}

impl LedgerEntry {
    /// Both entries of a transfer: debit, then credit.
    #[must_use]
    pub fn both(transfer: Transfer) -> [Self; 2] {
        let transfer = Arc::new(transfer);
        [false, true].map(|is_credit| Self {
            transfer: Arc::clone(&transfer),
            is_credit,
        })
    }

    /// The side that this entry is.
    #[must_use]
    pub fn side(&self) -> &TransferSide {
        if self.is_credit {
            &self.transfer.credit
        } else {
            &self.transfer.debit
        }
    }

    /// Owner of the wallet.
    #[must_use]
    pub fn owner(&self) -> WalletOwner {
        self.side().wallet.owner
    }

    /// Key.
    #[must_use]
    pub fn key(&self) -> EntryKey {
        EntryKey {
            transfer: self.transfer.key,
            is_credit: self.is_credit,
        }
    }
}

/// Columns of [`TransferRow`] of a table or view `t`, whose wallets are `d` and `c`.
macro_rules! columns {
    () => {
        "t.owner_id, t.posted_at, t.transaction_id, t.leg, t.reason, t.reference_kind, t.reference_id, t.origin,
         t.correlation_id, t.caller_issuer, t.caller, t.currency, t.amount,
         t.debit_wallet, t.debit_bucket, t.debit_sequence, t.debit_after,
         d.owner_kind AS debit_owner_kind, d.kind AS debit_kind, d.for_id AS debit_for_id,
         t.credit_wallet, t.credit_bucket, t.credit_sequence, t.credit_after,
         c.owner_kind AS credit_owner_kind, c.kind AS credit_kind, c.for_id AS credit_for_id"
    };
}
pub(super) use columns;

/// The wallets of both sides of `t`; null for accounts of the house, whose ids are constants.
macro_rules! with_wallets {
    () => {
        "LEFT JOIN wallets d ON d.owner_id = t.owner_id AND d.id = t.debit_wallet
         LEFT JOIN wallets c ON c.owner_id = t.owner_id AND c.id = t.credit_wallet"
    };
}
pub(super) use with_wallets;

#[derive(QueryableByName)]
pub(super) struct TransferRow {
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    posted_at: Timestamp,
    #[diesel(sql_type = SqlUuid)]
    transaction_id: Uuid,
    #[diesel(sql_type = SmallInt)]
    leg: i16,
    #[diesel(sql_type = SqlText)]
    reason: String,
    #[diesel(sql_type = SqlText)]
    reference_kind: String,
    #[diesel(sql_type = SqlText)]
    reference_id: String,
    #[diesel(sql_type = SqlText)]
    origin: String,
    #[diesel(sql_type = Nullable<SqlText>)]
    correlation_id: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    caller_issuer: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    caller: Option<String>,
    #[diesel(sql_type = SmallInt)]
    currency: i16,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(embed)]
    debit: DebitRow,
    #[diesel(embed)]
    credit: CreditRow,
}

/// Declares the columns of a side.
macro_rules! side_row {
    ($name:ident, $wallet:literal, $bucket:literal, $sequence:literal, $after:literal, $owner_kind:literal, $kind:literal, $for_id:literal) => {
        #[derive(QueryableByName)]
        struct $name {
            #[diesel(sql_type = BigInt, column_name = $wallet)]
            wallet: i64,
            #[diesel(sql_type = SqlText, column_name = $bucket)]
            bucket: String,
            #[diesel(sql_type = Nullable<BigInt>, column_name = $sequence)]
            sequence: Option<i64>,
            #[diesel(sql_type = Nullable<BigInt>, column_name = $after)]
            after: Option<i64>,
            #[diesel(sql_type = Nullable<SqlText>, column_name = $owner_kind)]
            owner_kind: Option<String>,
            #[diesel(sql_type = Nullable<SqlText>, column_name = $kind)]
            kind: Option<String>,
            #[diesel(sql_type = Nullable<SqlUuid>, column_name = $for_id)]
            for_id: Option<Uuid>,
        }

        impl $name {
            fn into_side(
                self,
                db: &Db,
                owner_id: Uuid,
                currency: Currency,
            ) -> Result<TransferSide> {
                let wallet = match (self.owner_kind, self.kind) {
                    (Some(owner_kind), Some(kind)) => WalletKey {
                        owner: WalletOwner {
                            kind: read_name("wallets", "owner_kind", &owner_kind)?,
                            id: owner_id,
                        },
                        kind: read_name("wallets", "kind", &kind)?,
                        currency: currency.code,
                        for_id: self.for_id.unwrap_or_default(),
                    },
                    _ => WalletKey {
                        owner: WalletOwner::SYSTEM,
                        kind: house_kind(db, self.wallet, currency.code)?,
                        currency: currency.code,
                        for_id: Uuid::nil(),
                    },
                };
                let after = self.sequence.zip(self.after).map(|(sequence, after)| {
                    let amount = Minor(after);
                    (sequence, Money { amount, currency })
                });
                Ok(TransferSide {
                    wallet,
                    bucket: read_name("transfers", "bucket", &self.bucket)?,
                    after,
                })
            }
        }
    };
}

side_row!(
    DebitRow,
    "debit_wallet",
    "debit_bucket",
    "debit_sequence",
    "debit_after",
    "debit_owner_kind",
    "debit_kind",
    "debit_for_id"
);
side_row!(
    CreditRow,
    "credit_wallet",
    "credit_bucket",
    "credit_sequence",
    "credit_after",
    "credit_owner_kind",
    "credit_kind",
    "credit_for_id"
);

/// Kind of an account of the house.
fn house_kind(db: &Db, id: i64, currency: CurrencyCode) -> Result<WalletKind> {
    let house = &db.constants().house;
    let found = house
        .iter()
        .find(|((_, code), of)| **of == id && *code == currency);
    let missing = || DbError::inconsistent("transfers", "wallet", id);
    found.map(|((kind, _), _)| *kind).ok_or_else(missing)
}

impl TransferRow {
    pub(super) fn into_transfer(self, db: &Db) -> Result<Transfer> {
        let currency = currency_of(db.currencies(), self.currency)?;
        Ok(Transfer {
            key: TransferKey {
                owner: OwnerId(self.owner_id),
                transaction: TransactionId(self.transaction_id),
                leg: self.leg,
            },
            posted_at: self.posted_at,
            amount: Money {
                amount: Minor(self.amount),
                currency,
            },
            reason: read_name("transfers", "reason", &self.reason)?,
            reference_kind: self.reference_kind,
            reference_id: self.reference_id,
            is_by_service: self.origin == "SERVICE",
            caller: self.caller_issuer.zip(self.caller),
            request_id: self.correlation_id,
            debit: self.debit.into_side(db, self.owner_id, currency)?,
            credit: self.credit.into_side(db, self.owner_id, currency)?,
        })
    }
}

/// Rows as transfers; also of a currency that another instance has just added.
pub(super) async fn into_transfers(
    db: &Db,
    conn: &mut Connection,
    rows: Vec<TransferRow>,
) -> Result<Vec<Transfer>> {
    let is_known = |row: &TransferRow| currency_of(db.currencies(), row.currency).is_ok();
    if !rows.iter().all(is_known) {
        db.reload_constants(conn).await?;
    }
    rows.into_iter().map(|row| row.into_transfer(db)).collect()
}

/// Transfers by key.
pub async fn by_key(db: &Db, conn: &mut Connection, keys: &[TransferKey]) -> Result<Vec<Transfer>> {
    let rows: Vec<TransferRow> = diesel::sql_query(concat!(
        "SELECT ",
        columns!(),
        " FROM transfers t ",
        with_wallets!(),
        " WHERE t.owner_id = ANY($1) AND t.transaction_id = ANY($2) AND t.leg = ANY($3)"
    ))
    .bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.owner.0).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(keys.iter().map(|key| key.transaction.0).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(keys.iter().map(|key| key.leg).collect::<Vec<_>>())
    .load(conn)
    .await?;
    into_transfers(db, conn, rows).await
}

/// Home of a transfer about a reference, given as kind and id; none when the ledger knows nothing about it.
pub async fn home_of(
    conn: &mut Connection,
    (kind, id): &(String, String),
) -> Result<Option<OwnerId>> {
    let home: Option<Uuid> = transfers::table
        .filter(transfers::reference_kind.eq(kind))
        .filter(transfers::reference_id.eq(id))
        .select(transfers::owner_id)
        .first(conn)
        .await
        .optional()?;
    Ok(home.map(OwnerId))
}

/// Position in the list of transfers.
pub type TransferPosition = (Timestamp, Uuid, i16);

/// Conditions on transfers, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransferFilter {
    /// Owner of either side.
    pub owner: Option<WalletOwner>,
    /// Kind of either side's wallet.
    pub kind: Option<WalletKind>,
    /// Number of the currency.
    pub currency: Option<i16>,
    /// Cause.
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

/// The conditions of a filter. Without a prepared statement PostgreSQL plans with the values, and drops those without one.
const CONDITIONS: &str = "
    ($1 IS NULL OR t.owner_id = $1)
    AND ($2 IS NULL OR d.owner_kind = $2 OR c.owner_kind = $2)
    AND ($3 IS NULL OR t.currency = $3)
    AND ($4 IS NULL OR t.reason = $4)
    AND ($5 IS NULL OR (t.reference_kind = $5 AND t.reference_id = $6))
    AND ($7 IS NULL OR t.posted_at >= $7)
    AND ($8 IS NULL OR t.posted_at < $8)
    AND ($9 IS NULL OR t.amount >= $9)
    AND ($10 IS NULL OR t.amount <= $10)
    AND ($11 IS NULL OR d.kind = $11 OR c.kind = $11 OR t.debit_wallet = ANY($12) OR t.credit_wallet = ANY($12))";

/// Binds the values of [`CONDITIONS`] to a query.
macro_rules! bind_conditions {
    ($query:expr, $db:expr, $filter:expr) => {{
        let filter: &TransferFilter = $filter;
        let (kind, id) = filter.reference.clone().unzip();
        let accounts: Vec<i64> = $db
            .constants()
            .house
            .iter()
            .filter(|((of, _), _)| Some(*of) == filter.kind)
            .map(|(_, id)| *id)
            .collect();
        $query
            .bind::<Nullable<SqlUuid>, _>(filter.owner.map(|owner| owner.id))
            .bind::<Nullable<SqlText>, _>(filter.owner.map(|owner| owner.kind.name()))
            .bind::<Nullable<SmallInt>, _>(filter.currency)
            .bind::<Nullable<SqlText>, _>(filter.reason.map(|reason| reason.name()))
            .bind::<Nullable<SqlText>, _>(kind)
            .bind::<Nullable<SqlText>, _>(id)
            .bind::<Nullable<Timestamptz>, _>(filter.from)
            .bind::<Nullable<Timestamptz>, _>(filter.until)
            .bind::<Nullable<BigInt>, _>(filter.at_least)
            .bind::<Nullable<BigInt>, _>(filter.at_most)
            .bind::<Nullable<SqlText>, _>(filter.kind.map(|kind| kind.name()))
            .bind::<Array<BigInt>, _>(accounts)
    }};
}

/// One page of the transfers that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &TransferFilter,
    page: &Page<TransferPosition>,
) -> Result<Slice<Transfer>> {
    let order = if page.from_end { "ASC" } else { "DESC" };
    let text = format!(
        "SELECT {} FROM transfers t {} WHERE {CONDITIONS}
         AND ($13 IS NULL OR (t.posted_at, t.transaction_id, t.leg) < ($13, $14, $15))
         AND ($16 IS NULL OR (t.posted_at, t.transaction_id, t.leg) > ($16, $17, $18))
         ORDER BY t.posted_at {order}, t.transaction_id {order}, t.leg {order} LIMIT $19 OFFSET $20",
        columns!(),
        with_wallets!(),
    );
    let mut query = bind_conditions!(diesel::sql_query(text).into_boxed::<Pg>(), db, filter);
    for position in [page.after, page.before] {
        query = query
            .bind::<Nullable<Timestamptz>, _>(position.map(|(at, ..)| at))
            .bind::<Nullable<SqlUuid>, _>(position.map(|(_, id, _)| id))
            .bind::<Nullable<SmallInt>, _>(position.map(|(.., leg)| leg));
    }
    let rows: Vec<TransferRow> = query
        .bind::<BigInt, _>(page.fetch())
        .bind::<BigInt, _>(i64::from(page.offset))
        .load(conn)
        .await?;
    Ok(page.slice(into_transfers(db, conn, rows).await?))
}

/// Number of transfers that meet the conditions.
pub async fn count(db: &Db, conn: &mut Connection, filter: &TransferFilter) -> Result<Count> {
    let text = format!(
        "SELECT count(*) AS number FROM (SELECT FROM transfers t {} WHERE {CONDITIONS} LIMIT $13) counted",
        with_wallets!(),
    );
    let query = bind_conditions!(diesel::sql_query(text).into_boxed::<Pg>(), db, filter);
    let counted: Counted = query
        .bind::<BigInt, _>(Count::EXACT_TO + 1)
        .get_result(conn)
        .await?;
    Ok(Count::of(counted.number))
}

#[derive(QueryableByName)]
pub(super) struct Counted {
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}
