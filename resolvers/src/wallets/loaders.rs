//! Edges of wallets, loaded for all parents of a level at once.

use db::wallets::LedgerEntry;
use db::wallets::settlement::ClearingAccount;
use db::wallets::wallet::transactions::{Transaction, TransactionKey};
use db::wallets::wallet::{freezes_of, queries, transactions};
use db::wallets::{conversion, deposit, hold, settlement, withdrawal};
use db::{Page, Slice};
use domain::ids::{ConversionId, DepositId, HoldId, OwnerId, SettlementId, WithdrawalId};
use domain::money::CurrencyCode;
use domain::wallets::conversion::{Conversion, Rate, RateKey};
use domain::wallets::deposit::Deposit;
use domain::wallets::hold::Hold;
use domain::wallets::settlement::Settlement;
use domain::wallets::wallet::Freezes;
use domain::wallets::withdrawal::Withdrawal;
use domain::wallets::{Wallet, WalletOwner};

use crate::loading::{by_key, loader, pages};

loader! {
    /// Loads edges of wallets. A service's write for a person is not covered by the person's position.
    WalletLoader.at_primary
}

/// An owner's wallet of a currency.
pub(crate) type WalletOf = (WalletOwner, CurrencyCode);

/// A clearing account of a currency.
pub(crate) type ClearingOf = (OwnerId, CurrencyCode);

/// Page of a wallet's entries.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntriesOf(pub WalletOf, pub Page<i64>);

by_key!(WalletLoader, WalletOf => Wallet,
    |conn, keys, db| queries::wallets_by_owner(&db, conn, &keys),
    |wallet| ((wallet.owner, wallet.currency.code), wallet));

pages!(WalletLoader, EntriesOf(WalletOf, Page<i64>) => Slice<LedgerEntry>,
    |conn, wallets, page, db| async { queries::entries(&db, conn, &wallets, &page).await });

by_key!(WalletLoader, ConversionId => Conversion,
    |conn, ids, db| conversion::queries::by_id(&db, conn, &ids),
    |conversion| (conversion.id, conversion));

by_key!(WalletLoader, RateKey => Rate,
    |conn, keys, db| conversion::rates::by_key(&db, conn, &keys),
    |rate| (rate.key, rate));

by_key!(WalletLoader, DepositId => Deposit,
    |conn, ids, db| deposit::queries::by_id(&db, conn, &ids),
    |deposit| (deposit.id, deposit));

by_key!(WalletLoader, HoldId => Hold,
    |conn, ids, db| hold::queries::by_id(&db, conn, &ids),
    |hold| (hold.id, hold));

by_key!(WalletLoader, SettlementId => Settlement,
    |conn, ids, db| settlement::queries::by_id(&db, conn, &ids),
    |settlement| (settlement.id, settlement));

by_key!(WalletLoader, WithdrawalId => Withdrawal,
    |conn, ids, db| withdrawal::queries::by_id(&db, conn, &ids),
    |withdrawal| (withdrawal.id, withdrawal));

by_key!(WalletLoader, ClearingOf => ClearingAccount,
    |conn, ids, db| settlement::queries::clearing_by_id(&db, conn, &ids),
    |account| ((account.owner, account.balance.currency.code), account));

by_key!(WalletLoader, TransactionKey => Transaction,
    |conn, keys, db| transactions::by_key(&db, conn, &keys),
    |transaction| (transaction.key.clone(), transaction));

by_key!(WalletLoader, WalletOwner => Freezes,
    |conn, owners| freezes_of(conn, &owners),
    |freezes| freezes);

/// The transaction that reversed another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ReversalOf(pub TransactionKey);

by_key!(WalletLoader, ReversalOf => TransactionKey,
    |conn, of| async {
        let keys: Vec<_> = of.into_iter().map(|ReversalOf(key)| key).collect();
        transactions::reversals_of(conn, &keys).await
    },
    |(key, reversal)| (ReversalOf(key), reversal));
