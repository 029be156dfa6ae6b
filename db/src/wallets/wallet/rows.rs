//! Ledger tables as structs.

use domain::money::{Currency, CurrencyCode, Minor, Money};
use domain::wallets::{Currencies, Wallet, WalletOwner};

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
    for_id: Uuid,
    available: i64,
    held: i64,
    sequence: i64,
    version: i64,
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
            for_id: self.for_id,
            available: money(self.available),
            held: money(self.held),
            sequence: self.sequence,
            version: self.version,
            is_frozen: self.is_frozen,
            last_posted_at: self.last_posted_at,
        })
    }
}

/// The currency with this number in the ledger.
pub(crate) fn currency_of(currencies: &Currencies, number: i16) -> Result<Currency> {
    currencies
        .values()
        .find(|currency| currency.number == number)
        .copied()
        .ok_or_else(|| DbError::inconsistent("currencies", "number", number))
}
