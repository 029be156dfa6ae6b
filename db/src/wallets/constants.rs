//! Constants of the ledger: currencies, and the accounts of the house.

use std::collections::HashMap;

use domain::money::{Currency, CurrencyCode};
use domain::wallets::{WalletKind, WalletOwner};

use super::wallet::rows::CurrencyRow;
use crate::prelude::*;
use crate::schema::{currencies, wallets};

/// Read once at start.
#[derive(Clone)]
pub(crate) struct Constants {
    /// Currencies by code.
    pub currencies: HashMap<CurrencyCode, Currency>,
    /// Ids of the accounts of nil.
    pub house: HashMap<(WalletKind, CurrencyCode), i64>,
}

/// Reads the constants.
pub(crate) async fn constants(conn: &mut Connection) -> Result<Constants> {
    let query = CurrencyRow::query().order(currencies::number);
    let currencies: Vec<Currency> = values(query.load(conn).await?)?;
    let accounts: Vec<(i64, String, i16)> = wallets::table
        .filter(wallets::owner_id.eq(WalletOwner::SYSTEM.id))
        .select((wallets::id, wallets::kind, wallets::currency))
        .load(conn)
        .await?;
    let account = |(id, kind, number): &(i64, String, i16)| {
        let kind = read_name("wallets", "kind", kind)?;
        let currency = currencies.iter().find(|one| one.number == *number);
        let unknown = || DbError::inconsistent("wallets", "currency", number);
        Ok(((kind, currency.ok_or_else(unknown)?.code), *id))
    };
    Ok(Constants {
        house: accounts.iter().map(account).collect::<Result<_>>()?,
        currencies: currencies.into_iter().map(|one| (one.code, one)).collect(),
    })
}
