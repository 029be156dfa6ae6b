//! Edges of wallets, loaded for all parents of a level at once.

use std::sync::Arc;

use db::wallets::LedgerEntry;
use db::wallets::reconciliation::{self, ReconciliationRun};
use db::wallets::settlement::ClearingAccount;
use db::wallets::wallet::balances::{self, Balance, NoBalance, WalletAt};
use db::wallets::wallet::entries::{self, EntryFilter};
use db::wallets::wallet::transactions::{Transaction, TransactionKey};
use db::wallets::wallet::transfers::{self, Transfer, TransferKey};
use db::wallets::wallet::{freezes_of, queries, transactions};
use db::wallets::{conversion, deposit, hold, settlement, withdrawal};
use db::{Page, Slice};
use domain::ids::{
    ConversionId, DepositId, HoldId, OwnerId, ReconciliationRunId, SettlementId, TransactionId,
    WithdrawalId,
};
use domain::money::{CurrencyCode, Money};
use domain::wallets::conversion::{Conversion, Rate, RateKey};
use domain::wallets::deposit::Deposit;
use domain::wallets::hold::Hold;
use domain::wallets::settlement::Settlement;
use domain::wallets::wallet::Freezes;
use domain::wallets::withdrawal::Withdrawal;
use domain::wallets::{Wallet, WalletKey, WalletOwner};

use uuid::Uuid;

use crate::loading::{by_key, loader, pages};

loader! {
    /// Loads edges of wallets. A service's write for a person is not covered by the person's position.
    WalletLoader.at_primary
}

/// A clearing account of a currency.
pub(crate) type ClearingOf = (OwnerId, CurrencyCode);

/// Page of a wallet's entries that meet the conditions.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EntriesOf(pub WalletKey, pub (EntryFilter, Page<i64>));

/// Balance of a wallet at a time in the past.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BalanceAt(pub WalletAt);

/// Balance of an account that keeps none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SumOf(pub WalletKey);

by_key!(WalletLoader, WalletKey => Wallet,
    |conn, keys, db| queries::by_key(&db, conn, &keys),
    |wallet| (wallet.key(), wallet));

pages!(WalletLoader, EntriesOf(WalletKey, (EntryFilter, Page<i64>)) => Slice<LedgerEntry>,
    |conn, wallets, args, db| async { entries::pages(&db, conn, &wallets, &args.0, &args.1).await });

by_key!(WalletLoader, BalanceAt => Result<Balance, NoBalance>,
    |conn, keys, db| async {
        let keys: Vec<_> = keys.into_iter().map(|BalanceAt(key)| key).collect();
        balances::balances_at(&db, conn, &keys).await
    },
    |(key, balance)| (BalanceAt(key), balance));

/// Owner and id of a wallet's row.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WalletRowOf(pub Uuid, pub i64);

by_key!(WalletLoader, WalletRowOf => Wallet,
    |conn, rows, db| async {
        let ids: Vec<_> = rows.into_iter().map(|WalletRowOf(owner, id)| (owner, id)).collect();
        queries::by_id(&db, conn, &ids).await
    },
    |((owner, id), wallet)| (WalletRowOf(owner, id), wallet));

by_key!(WalletLoader, ReconciliationRunId => ReconciliationRun,
    |conn, ids| async {
        let ids: Vec<_> = ids.into_iter().map(|ReconciliationRunId(id)| id).collect();
        reconciliation::queries::by_id(conn, &ids).await
    },
    |run| (ReconciliationRunId(run.id), run));

by_key!(WalletLoader, SumOf => Money,
    |conn, keys, db| async {
        let keys: Vec<_> = keys.into_iter().map(|SumOf(key)| key).collect();
        balances::sums(&db, conn, &keys).await
    },
    |(key, sum)| (SumOf(key), sum));

by_key!(WalletLoader, TransferKey => Arc<Transfer>,
    |conn, keys, db| transfers::by_key(&db, conn, &keys),
    |transfer| (transfer.key, Arc::new(transfer)));

by_key!(WalletLoader, ConversionId => Conversion,
    |conn, ids, db| conversion::queries::by_id(&db, conn, &ids),
    |conversion| (conversion.id, conversion));

by_key!(WalletLoader, RateKey => Rate,
    |conn, keys, db| conversion::rates::by_key(&db, conn, &keys),
    |rate| (rate.key, rate));

by_key!(WalletLoader, DepositId => Deposit,
    |conn, ids, db| deposit::queries::by_id(&db, conn, &ids),
    |deposit| (deposit.id, deposit));

/// A deposit by its uuid alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DepositOf(pub Uuid);

by_key!(WalletLoader, DepositOf => DepositId,
    |conn, of| async {
        let uuids: Vec<_> = of.into_iter().map(|DepositOf(uuid)| uuid).collect();
        deposit::queries::by_uuids(conn, &uuids).await
    },
    |id| (DepositOf(id.uuid), id));

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
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ReversalOf(pub TransactionId);

by_key!(WalletLoader, ReversalOf => TransactionId,
    |conn, of| async {
        let ids: Vec<_> = of.into_iter().map(|ReversalOf(id)| id).collect();
        transactions::reversals_of(conn, &ids).await
    },
    |(id, reversal)| (ReversalOf(id), reversal));
