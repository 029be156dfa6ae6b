//! Ledger tables as structs.

use diesel::sql_types::{
    BigInt, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::money::{Currency, CurrencyCode, Minor, Money};
use domain::wallets::{Bucket, Currencies, TransferReason, Wallet, WalletOwner};

use crate::Db;
use crate::prelude::*;
use crate::schema::{currencies, wallets};

#[derive(HasQuery)]
#[diesel(table_name = currencies, check_for_backend(diesel::pg::Pg))]
pub(crate) struct CurrencyRow {
    number: i16,
    code: String,
    scale: i16,
    display_decimals: i16,
}

impl TryFrom<CurrencyRow> for Currency {
    type Error = DbError;

    fn try_from(row: CurrencyRow) -> Result<Self> {
        let bad = |column, value: &dyn ToString| {
            DbError::inconsistent("currencies", column, value.to_string())
        };
        Ok(Self {
            number: row.number,
            code: CurrencyCode::parse(&row.code).ok_or_else(|| bad("code", &row.code))?,
            scale: u8::try_from(row.scale).map_err(|_| bad("scale", &row.scale))?,
            display_decimals: u8::try_from(row.display_decimals)
                .map_err(|_| bad("display_decimals", &row.display_decimals))?,
        })
    }
}

#[derive(HasQuery)]
#[diesel(table_name = wallets, check_for_backend(diesel::pg::Pg))]
pub(super) struct WalletRow {
    owner_kind: String,
    owner_id: Uuid,
    kind: String,
    currency: i16,
    available: i64,
    held: i64,
    sequence: i64,
    is_frozen: bool,
    last_posted_at: Option<Timestamp>,
}

impl WalletRow {
    pub(super) fn has_known_currency(&self, db: &Db) -> bool {
        currency_of(db.currencies(), self.currency).is_ok()
    }

    pub(super) fn into_wallet(self, db: &Db) -> Result<Wallet> {
        let currency = currency_of(db.currencies(), self.currency)?;
        let money = |amount| Money {
            amount: Minor(amount),
            currency,
        };
        Ok(Wallet {
            owner: WalletOwner {
                kind: read_name("wallets", "owner_kind", &self.owner_kind)?,
                id: self.owner_id,
            },
            kind: read_name("wallets", "kind", &self.kind)?,
            currency,
            available: money(self.available),
            held: money(self.held),
            sequence: self.sequence,
            is_frozen: self.is_frozen,
            last_posted_at: self.last_posted_at,
        })
    }
}

/// The currency with this number in the ledger.
pub(in crate::wallets) fn currency_of(currencies: &Currencies, number: i16) -> Result<Currency> {
    currencies
        .values()
        .find(|currency| currency.number == number)
        .copied()
        .ok_or_else(|| DbError::inconsistent("currencies", "number", number))
}

/// An entry of a wallet's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Owner of the wallet.
    pub owner: WalletOwner,
    /// Sequence number in the wallet.
    pub sequence: i64,
    /// Id of the business event.
    pub transaction_id: Uuid,
    /// Whether the entry is a credit.
    pub is_credit: bool,
    /// Bucket of the wallet.
    pub bucket: Bucket,
    /// Amount.
    pub amount: Money,
    /// Balance of the bucket after the entry.
    pub balance_after: Money,
    /// Reason.
    pub reason: TransferReason,
    /// Kind of the event's object.
    pub reference_kind: String,
    /// Id of the event's object.
    pub reference_id: String,
    /// Time of the posting.
    pub posted_at: Timestamp,
}

#[derive(QueryableByName)]
pub(super) struct EntryRow {
    #[diesel(sql_type = SqlText)]
    pub owner_kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub owner_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub sequence: i64,
    #[diesel(sql_type = SqlUuid)]
    pub transaction_id: Uuid,
    #[diesel(sql_type = SqlText)]
    pub side: String,
    #[diesel(sql_type = SqlText)]
    pub bucket: String,
    #[diesel(sql_type = SmallInt)]
    pub currency: i16,
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub balance_after: Option<i64>,
    #[diesel(sql_type = SqlText)]
    pub reason: String,
    #[diesel(sql_type = SqlText)]
    pub reference_kind: String,
    #[diesel(sql_type = SqlText)]
    pub reference_id: String,
    #[diesel(sql_type = Timestamptz)]
    pub posted_at: Timestamp,
}

impl EntryRow {
    pub(super) fn into_entry(self, db: &Db) -> Result<LedgerEntry> {
        let currency = currency_of(db.currencies(), self.currency)?;
        let money = |amount| Money {
            amount: Minor(amount),
            currency,
        };
        Ok(LedgerEntry {
            owner: WalletOwner {
                kind: read_name("wallets", "owner_kind", &self.owner_kind)?,
                id: self.owner_id,
            },
            sequence: self.sequence,
            transaction_id: self.transaction_id,
            is_credit: self.side == "CREDIT",
            bucket: read_name("transfers", "bucket", &self.bucket)?,
            amount: money(self.amount),
            balance_after: money(self.balance_after.unwrap_or_default()),
            reason: read_name("transfers", "reason", &self.reason)?,
            reference_kind: self.reference_kind,
            reference_id: self.reference_id,
            posted_at: self.posted_at,
        })
    }
}
