//! Constants of the ledger: currencies, and the accounts of the house.

use std::collections::HashMap;

use domain::money::{Currency, CurrencyCode};
use domain::wallets::{WalletConfiguration, WalletKind, WalletOwner};
use parking_lot::RwLock;

use super::wallet::rows::CurrencyRow;
use crate::Db;
use crate::platform::configuration::Section;
use crate::prelude::*;
use crate::schema::{currencies, wallets};

/// Currencies and accounts, which only a new version of the section `wallet` changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Constants {
    /// Currencies by code.
    pub currencies: HashMap<CurrencyCode, Currency>,
    /// Ids of the accounts of nil.
    pub house: HashMap<(WalletKind, CurrencyCode), i64>,
}

impl Constants {
    /// Highest number of a currency. Numbers only rise, also when the scale of a currency changes.
    fn newest(&self) -> i16 {
        let numbers = self.currencies.values().map(|currency| currency.number);
        numbers.max().unwrap_or(0)
    }
}

/// The constants as this instance knows them: read at start, and again when a currency is new.
#[derive(Debug)]
pub(crate) struct CurrentConstants(RwLock<&'static Constants>);

impl CurrentConstants {
    /// The constants read at start.
    pub fn new(constants: Constants) -> Self {
        Self(RwLock::new(Box::leak(Box::new(constants))))
    }

    /// The constants.
    pub fn get(&self) -> &'static Constants {
        *self.0.read()
    }

    /// Takes over constants that were read again, unless newer ones are known. The former ones are never freed: they have a
    /// few kilobytes, and at most a few hundred changes are possible.
    pub fn replace(&self, constants: Constants) {
        let mut known = self.0.write();
        if constants.newest() >= known.newest() && constants != **known {
            *known = Box::leak(Box::new(constants));
        }
    }
}

impl Db {
    /// Reads the constants of the ledger again.
    pub(crate) async fn reload_constants(&self, conn: &mut Connection) -> Result<()> {
        self.replace_constants(constants(conn).await?);
        Ok(())
    }

    /// Reads the constants again when one of these currencies is not among them.
    pub(crate) async fn know_currencies(
        &self,
        conn: &mut Connection,
        codes: impl IntoIterator<Item = CurrencyCode>,
    ) -> Result<()> {
        let known = self.currencies();
        if codes.into_iter().all(|code| known.contains_key(&code)) {
            return Ok(());
        }
        self.reload_constants(conn).await
    }
}

/// Subject of the events after which the constants may have changed.
pub(crate) fn constants_subject() -> uuid::Uuid {
    WalletConfiguration::INFO.subject
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
