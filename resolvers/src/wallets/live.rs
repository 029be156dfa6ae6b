//! Wallets after their balance or state changed, for `walletUpdated`.

use std::collections::BTreeSet;
use std::time::Duration;

use db::Db;
use db::outbox::Event;
use db::wallets::wallet::queries::wallets_of_people;
use domain::money::CurrencyCode;
use domain::wallets::{OwnerKind, Wallet};

use crate::events::{SubscribersOf, Topic, Update, UpdatesOf};
use crate::prelude::*;

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

impl Topic for WalletTopic {
    type Subject = UserId;
    type Update = WalletUpdate;
    type Changes = Vec<UserId>;

    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<Vec<UserId>> {
        // A freeze changes wallets without a transaction.
        let is_freeze = |name: &str| ["WalletsFrozen", "WalletsUnfrozen"].contains(&name);
        let users: BTreeSet<UserId> = events
            .iter()
            .filter(|event| event.transaction_id.is_some() || is_freeze(&event.name))
            .filter_map(|event| event.audience_id.map(UserId))
            .filter(|user| of.has(user))
            .collect();
        (!users.is_empty()).then(|| users.into_iter().collect())
    }

    fn missed(&self, _: Duration, of: &SubscribersOf<Self>) -> Option<Vec<UserId>> {
        Some(of.subjects())
    }

    async fn read(&self, db: Db, users: Vec<UserId>) -> Result<UpdatesOf<Self>, DbError> {
        let currencies = db.clone();
        let wallets = db
            .read(async move |conn| wallets_of_people(&currencies, conn, &users).await)
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
