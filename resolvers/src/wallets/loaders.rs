//! Edges of wallets, loaded for all parents of a level at once.

use db::wallets::LedgerEntry;
use db::wallets::wallet::queries;
use db::{Page, Slice};
use domain::money::CurrencyCode;
use domain::wallets::{Wallet, WalletOwner};

use crate::loading::{by_key, loader, pages};

loader! {
    /// Loads edges of wallets. A service's write for a person is not covered by the person's position.
    WalletLoader.at_primary
}

/// An owner's wallet of a currency.
pub(crate) type WalletOf = (WalletOwner, CurrencyCode);

/// Page of a wallet's entries.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntriesOf(pub WalletOf, pub Page<i64>);

by_key!(WalletLoader, WalletOf => Wallet,
    |conn, keys, db| queries::wallets_by_owner(&db, conn, &keys),
    |wallet| ((wallet.owner, wallet.currency.code), wallet));

pages!(WalletLoader, EntriesOf(WalletOf, Page<i64>) => Slice<LedgerEntry>,
    |conn, wallets, page, db| async { queries::entries(&db, conn, &wallets, &page).await });
