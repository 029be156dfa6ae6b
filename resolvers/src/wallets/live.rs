//! Wallets after their balance or state changed, for `walletUpdated`.

use std::time::Duration;

use db::outbox::Event;
use db::wallets::wallet::queries::{wallets_moved_by, wallets_of_people};
use db::{Db, DbError};
use domain::ids::UserId;
use domain::money::CurrencyCode;
use domain::time::Timestamp;
use domain::wallets::{OwnerKind, Wallet};
use uuid::Uuid;

use crate::events::{SubscribersOf, Topic, Update, UpdatesOf};

/// The wallets of users, by user.
#[derive(Debug, Default)]
pub struct WalletTopic;

/// A wallet after a change.
#[derive(Clone, Debug)]
pub struct WalletUpdate {
    /// The wallet.
    pub wallet: Wallet,
    /// Time of its last posting.
    pub occurred_at: Timestamp,
}

impl Update for WalletUpdate {
    type Kind = CurrencyCode;
    const TOPIC: &'static str = "wallet";

    fn kind(&self) -> CurrencyCode {
        self.wallet.currency.code
    }
}

/// Wallets to read: those moved by transactions, and all of some users.
#[derive(Clone, Debug)]
pub struct WalletChanges {
    transactions: Vec<Uuid>,
    users: Vec<UserId>,
}

impl Topic for WalletTopic {
    type Subject = UserId;
    type Update = WalletUpdate;
    type Changes = WalletChanges;

    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<WalletChanges> {
        let mut transactions: Vec<_> = events
            .iter()
            .filter_map(|event| event.transaction_id)
            .collect();
        transactions.sort_unstable();
        transactions.dedup();
        // A ban freezes wallets without a transaction.
        let users: Vec<UserId> = events
            .iter()
            .filter(|event| event.name == "MinerBanned")
            .filter_map(|event| event.audience_id.map(UserId))
            .filter(|user| of.has(user))
            .collect();
        let is_changed = !transactions.is_empty() || !users.is_empty();
        is_changed.then_some(WalletChanges {
            transactions,
            users,
        })
    }

    fn missed(&self, _: Duration, of: &SubscribersOf<Self>) -> Option<WalletChanges> {
        Some(WalletChanges {
            transactions: Vec::new(),
            users: of.subjects(),
        })
    }

    async fn read(&self, db: Db, changes: WalletChanges) -> Result<UpdatesOf<Self>, DbError> {
        let currencies = db.clone();
        let wallets = db
            .read(async move |conn| {
                let WalletChanges {
                    transactions,
                    users,
                } = &changes;
                let mut wallets = Vec::new();
                if !transactions.is_empty() {
                    wallets = wallets_moved_by(&currencies, conn, transactions).await?;
                }
                if !users.is_empty() {
                    wallets.extend(wallets_of_people(&currencies, conn, users).await?);
                }
                Ok(wallets)
            })
            .await?;
        let updates = wallets.into_iter().filter_map(|wallet| {
            let occurred_at = wallet.last_posted_at?;
            let owner = wallet.owner;
            let update = WalletUpdate {
                wallet,
                occurred_at,
            };
            (owner.kind == OwnerKind::User).then_some((UserId(owner.id), update))
        });
        Ok(updates.collect())
    }
}
