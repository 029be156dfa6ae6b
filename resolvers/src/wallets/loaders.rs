//! The ledger's edges, loaded for all parents of a level at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use db::wallets::{LedgerEntry, queries};
use db::{Db, DbError, Page, Slice};
use domain::money::CurrencyCode;
use domain::wallets::{Wallet, WalletOwner};

/// Loads the ledger's edges.
pub(crate) struct WalletLoader {
    db: Db,
}

impl WalletLoader {
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// An owner's ordinary wallet of a currency.
pub(crate) type WalletOf = (WalletOwner, CurrencyCode);

/// A page of a wallet's statement.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntriesOf(pub WalletOf, pub Page<i64>);

impl Loader<WalletOf> for WalletLoader {
    type Value = Wallet;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[WalletOf]) -> Result<HashMap<WalletOf, Wallet>, Self::Error> {
        let (db, asked) = (self.db.clone(), keys.to_vec());
        let wallets = self
            .db
            .read(async move |conn| queries::wallets_by_owner(&db, conn, &asked).await)
            .await?;
        Ok(wallets
            .into_iter()
            .map(|wallet| ((wallet.owner, wallet.currency.code), wallet))
            .collect())
    }
}

impl Loader<EntriesOf> for WalletLoader {
    type Value = Slice<LedgerEntry>;
    type Error = Arc<DbError>;

    async fn load(
        &self,
        keys: &[EntriesOf],
    ) -> Result<HashMap<EntriesOf, Slice<LedgerEntry>>, Self::Error> {
        let mut of_page: HashMap<&Page<i64>, Vec<WalletOf>> = HashMap::new();
        for EntriesOf(wallet, page) in keys {
            of_page.entry(page).or_default().push(*wallet);
        }
        let mut loaded = HashMap::new();
        // One statement for each distinct page asked for, whatever the number of wallets.
        for (page, wallets) in of_page {
            let (db, asked) = (self.db.clone(), page.clone());
            let slices = self
                .db
                .read(async move |conn| queries::entries(&db, conn, &wallets, &asked).await)
                .await?;
            loaded.extend(
                slices
                    .into_iter()
                    .map(|(wallet, slice)| (EntriesOf(wallet, page.clone()), slice)),
            );
        }
        Ok(loaded)
    }
}
