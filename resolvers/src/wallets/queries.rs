//! The ledger's root fields of Query.

use async_graphql::{Context, Object};
use domain::access::{Action, Denied, Relation};
use domain::wallets::{OwnerKind, WalletOwner};

use super::objects::{Currency, Wallet, WalletBy};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::request::Asked;
use crate::scalars::CurrencyCode;

/// The ledger's reads.
#[derive(Default)]
pub struct WalletsQuery;

#[Object]
impl WalletsQuery {
    /// What the ledger counts. Public.
    async fn currencies(&self, ctx: &Context<'_>) -> Option<Vec<Currency>> {
        if !ctx.may(Action::CurrenciesRead, Relation::Others) {
            return None;
        }
        let mut currencies: Vec<_> = ctx.db().currencies().values().copied().collect();
        currencies.sort_by_key(|currency| currency.number);
        Some(currencies.into_iter().map(Currency::from).collect())
    }

    /// A wallet; null when it is not the caller's. Who has nothing of a currency has a wallet of zeros. Requires: its
    /// owner, staff, or `wallet:read`.
    async fn wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: WalletBy,
    ) -> Option<Result<Wallet, ApiError>> {
        find(ctx, by).await.transpose()
    }
}

async fn find(ctx: &Context<'_>, by: WalletBy) -> Result<Option<Wallet>, ApiError> {
    if let Err(denied @ Denied::Unauthenticated) =
        ctx.principal().check(Action::WalletRead, Relation::Own)
    {
        return Err(denied.into());
    }
    let (owner, CurrencyCode(currency)) = match by {
        WalletBy::Id(id) => match GlobalId::decode(&id)? {
            GlobalId::Wallet(owner, currency) => (owner, CurrencyCode(currency)),
            _ => {
                return Err(ApiError::bad_input(
                    "this is the id of something else than a wallet",
                ));
            }
        },
        WalletBy::Currency(currency) => {
            let person = ctx.principal().person();
            (person.ok_or(Denied::Forbidden)?.id.into(), currency)
        }
        WalletBy::Owner(named) => {
            let owner = WalletOwner {
                kind: named.kind.into(),
                id: named.uuid,
            };
            (owner, named.currency)
        }
    };
    if owner.kind == OwnerKind::System {
        return Err(ApiError::bad_input(
            "the platform's own accounts keep no running balance and are no wallets",
        ));
    }
    if !ctx.db().currencies().contains_key(&currency) {
        return Err(ApiError::bad_input(format!(
            "there is no currency {currency}: see `currencies`"
        )));
    }
    Wallet::load(ctx, owner, currency).await
}
