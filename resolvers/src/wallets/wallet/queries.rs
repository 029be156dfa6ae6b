//! Root fields of Query about wallets.

use db::platform::configuration::Section;
use db::wallets::wallet::queries::wallets_of;
use domain::access::Denied;
use domain::wallets::WalletConfiguration;

use super::objects::{Currency, Wallet, WalletBy};
use super::trail::LedgerTrail;
use super::transactions::{Transaction, TransactionBy};
use super::transfers::{TransferConnection, TransferFilter, list};
use crate::inputs::Parsed;
use crate::platform::configuration::objects::stored_in_force;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::inputs::{AnyOwner, LedgerReferenceBy};

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

    /// Wallets of an owner that have postings, by currency, without the accounts of campaigns; of the platform its accounts.
    async fn wallets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Owner of the wallets.")] owner: Parsed<AnyOwner>,
    ) -> Loaded<Vec<Wallet>> {
        Some(of_owner(ctx, owner).await)
    }

    /// Business event of the ledger with this key; null when there is none or the caller sees none of its entries.
    async fn transaction(
        &self,
        ctx: &Context<'_>,
        by: Parsed<TransactionBy>,
    ) -> Loaded<Transaction> {
        transaction(ctx, by).await.transpose()
    }

    /// Everything the ledger knows about a reference, for services only their own; null when there is nothing.
    async fn reference(
        &self,
        ctx: &Context<'_>,
        by: Parsed<LedgerReferenceBy>,
    ) -> Loaded<LedgerTrail> {
        LedgerTrail::find(ctx, by).await.transpose()
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
    match by.get()? {
        WalletBy::Id(id) => Wallet::load(ctx, id.key).await,
        WalletBy::Currency(CurrencyCode(currency)) => {
            let person = ctx.principal().person().ok_or(Denied::Forbidden)?;
            Wallet::of_owner(ctx, person.id.into(), currency).await
        }
        WalletBy::Owner(by) => Wallet::of_owner(ctx, by.owner.0, by.currency.0).await,
    }
}

async fn of_owner(ctx: &Context<'_>, owner: Parsed<AnyOwner>) -> Result<Vec<Wallet>> {
    let owner = owner.get()?.0;
    ctx.principal()
        .check(Action::WalletsList, Relation::Others)?;
    let db = ctx.db().at_primary();
    let of = db.clone();
    let wallets = db.read(async move |conn| wallets_of(&of, conn, owner).await);
    let wallets = wallets.await?;
    let visible = wallets
        .iter()
        .filter_map(|wallet| Wallet::visible(ctx, wallet));
    Ok(visible.collect())
}

async fn transaction(ctx: &Context<'_>, by: Parsed<TransactionBy>) -> Result<Option<Transaction>> {
    ctx.check_signed_in(Action::TransactionRead)?;
    Transaction::load(ctx, by.get()?.id()).await
}

list_field! {
    /// Lists of transfers.
    TransfersQuery;

    /// Transfers of the ledger, newest first.
    transfers(filter: Option<Parsed<TransferFilter>>) -> TransferConnection = |ctx, args| {
        ctx.principal().check(Action::TransfersList, Relation::Others)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.of_list(ctx).await?;
        list(ctx, "transfers", filter, args).await
    }
}
