//! Root fields of Query about wallets.

use domain::access::Denied;
use domain::wallets::WalletOwner;

use super::objects::{Currency, Wallet, WalletBy, WalletKey};
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::scalars::CurrencyCode;

/// Wallets and currencies.
#[derive(Default)]
pub struct WalletQuery;

#[Object]
impl WalletQuery {
    /// Currencies of the ledger, by code.
    async fn currencies(&self, ctx: &Context<'_>) -> Option<Vec<Currency>> {
        if !ctx.may(Action::CurrenciesRead, Relation::Others) {
            return None;
        }
        let mut currencies: Vec<_> = ctx.db().currencies().values().copied().collect();
        currencies.sort_by_key(|currency| currency.code.as_str().to_owned());
        Some(currencies.into_iter().map(Currency::of).collect())
    }

    /// Wallet with this key; balances are 0 before the first posting. Null for an unknown currency and for a wallet that
    /// the caller may not read.
    async fn wallet(&self, ctx: &Context<'_>, by: Parsed<WalletBy>) -> Loaded<Wallet> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: Parsed<WalletBy>) -> Result<Option<Wallet>> {
    ctx.check_signed_in(Action::WalletRead)?;
    let WalletKey(owner, currency) = match by.get()? {
        WalletBy::Id(id) => id.key,
        WalletBy::Currency(CurrencyCode(currency)) => {
            let person = ctx.principal().person().ok_or(Denied::Forbidden)?;
            WalletKey(person.id.into(), currency)
        }
        WalletBy::Owner(by) => {
            let owner = WalletOwner {
                kind: by.kind.0,
                id: by.uuid,
            };
            WalletKey(owner, by.currency.0)
        }
    };
    Wallet::of_owner(ctx, owner, currency).await
}
