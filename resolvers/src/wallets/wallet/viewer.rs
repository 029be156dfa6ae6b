//! Fields of `Viewer` about wallets.

use db::wallets::wallet::queries::wallets_of;

use super::objects::Wallet;
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::scalars::CurrencyCode;

/// The person's wallets.
pub struct ViewerWallets(pub(crate) UserId);

impl ViewerWallets {
    async fn all(&self, ctx: &Context<'_>) -> Result<Vec<Wallet>> {
        let (db, owner) = (ctx.db().clone(), self.0.into());
        let read = ctx
            .db()
            .read(async move |conn| wallets_of(&db, conn, owner).await);
        let wallets = read.await?;
        let visible = wallets
            .iter()
            .filter_map(|wallet| Wallet::visible(ctx, wallet));
        Ok(visible.collect())
    }
}

impl ViewerWallets {
    async fn of(&self, ctx: &Context<'_>, of: Parsed<CurrencyCode>) -> Result<Option<Wallet>> {
        Wallet::of_owner(ctx, self.0.into(), of.get()?.0).await
    }
}

#[Object]
impl ViewerWallets {
    /// The caller's wallet of a currency, with zeros before its first posting; null for an unknown currency.
    async fn wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Currency of the wallet.")] currency: Parsed<CurrencyCode>,
    ) -> Loaded<Wallet> {
        self.of(ctx, currency).await.transpose()
    }

    /// The caller's wallets that have postings, by currency.
    async fn wallets(&self, ctx: &Context<'_>) -> Loaded<Vec<Wallet>> {
        Some(self.all(ctx).await)
    }
}
