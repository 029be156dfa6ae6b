//! Root fields of Query about wallets.

use db::platform::configuration::Section;
use domain::access::Denied;
use domain::wallets::{WalletConfiguration, WalletOwner};

use super::objects::{Currency, Wallet, WalletBy, WalletKey};
use crate::inputs::Parsed;
use crate::platform::configuration::objects::stored_in_force;
use crate::prelude::*;
use crate::scalars::CurrencyCode;

/// Wallets and currencies.
#[derive(Default)]
pub struct WalletQuery;

#[Object]
impl WalletQuery {
    /// Currencies of the ledger, by code.
    async fn currencies(&self, ctx: &Context<'_>) -> Loaded<Vec<Currency>> {
        if !ctx.may(Action::CurrenciesRead, Relation::Others) {
            return None;
        }
        Some(currencies(ctx).await)
    }

    /// Wallet with this key; balances are 0 before the first posting. Null for an unknown currency and for a wallet that
    /// the caller may not read.
    async fn wallet(&self, ctx: &Context<'_>, by: Parsed<WalletBy>) -> Loaded<Wallet> {
        find(ctx, by).await.transpose()
    }
}

/// The currencies of the section in force.
async fn currencies(ctx: &Context<'_>) -> Result<Vec<Currency>> {
    let stored = stored_in_force(ctx, WalletConfiguration::INFO.name).await?;
    let mut settings = stored.read::<WalletConfiguration>()?.settings.currencies;
    settings.sort_by_key(|currency| currency.code);
    Ok(settings.iter().map(Currency::of).collect())
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
