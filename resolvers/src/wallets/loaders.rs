//! Edges of wallets, loaded for all parents of a level at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use db::wallets::LedgerEntry;
use db::wallets::wallet::queries;
use db::{Db, DbError, Page, Slice};
use domain::money::CurrencyCode;
use domain::wallets::{Wallet, WalletOwner};

use crate::loading::ContextLoader;

/// Loads edges of wallets.
pub(crate) struct WalletLoader {
    db: Db,
}

impl ContextLoader for WalletLoader {
    fn new(db: Db) -> Self {
        Self { db }
    }
}

/// An owner's wallet of a currency.
pub(crate) type WalletOf = (WalletOwner, CurrencyCode);

/// Page of a wallet's entries.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntriesOf(pub WalletOf, pub Page<i64>);

impl Loader<WalletOf> for WalletLoader {
    type Value = Wallet;
    type Error = Arc<DbError>;

    async fn load(&self, keys: &[WalletOf]) -> Result<HashMap<WalletOf, Wallet>, Arc<DbError>> {
        let (db, keys) = (self.db.clone(), keys.to_vec());
        let read = self
            .db
            .read(async move |conn| queries::wallets_by_owner(&db, conn, &keys).await);
        let wallets = read.await?.into_iter();
        Ok(wallets
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
    ) -> Result<HashMap<EntriesOf, Slice<LedgerEntry>>, Arc<DbError>> {
        let mut of_page: HashMap<&Page<i64>, Vec<WalletOf>> = HashMap::new();
        for EntriesOf(wallet, page) in keys {
            of_page.entry(page).or_default().push(*wallet);
        }
        let mut loaded = HashMap::new();
        for (page, wallets) in of_page {
            let (db, read_page) = (self.db.clone(), page.clone());
            let slices = self
                .db
                .read(async move |conn| queries::entries(&db, conn, &wallets, &read_page).await)
                .await?;
            let slices = slices.into_iter();
            loaded.extend(slices.map(|(wallet, slice)| (EntriesOf(wallet, page.clone()), slice)));
        }
        Ok(loaded)
    }
}
