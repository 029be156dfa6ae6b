//! The trail of a reference.

use db::wallets::hold::queries::{self as holds, HoldFilter};
use db::wallets::settlement::queries as clearing;
use db::wallets::wallet::transfers::{TransferFilter, home_of};
use domain::wallets::ServiceReference as Reference;

use super::transfers::{TransferConnection, list};
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::wallets::hold::objects::{Hold, HoldConnection};
use crate::wallets::inputs::{LedgerReferenceBy, own_issuer};
use crate::wallets::references::{LedgerReference, load_reference};
use crate::wallets::settlement::objects::{ClearingAccount, overdue_before};

/// Everything the ledger knows about a reference.
pub struct LedgerTrail {
    kind: String,
    id: String,
    /// Home of a transfer about it.
    home: OwnerId,
}

impl LedgerTrail {
    /// The trail of a reference that the caller may follow; none when the ledger knows nothing about it.
    pub(super) async fn find(
        ctx: &Context<'_>,
        by: Parsed<LedgerReferenceBy>,
    ) -> Result<Option<Self>> {
        ctx.principal()
            .check(Action::ReferenceRead, Relation::Others)?;
        let (kind, id) = by.get()?.stored(ctx).await?;
        if let Principal::Service(_) = ctx.principal() {
            let about = Reference::of(&kind, &id).map(|about| about.issuer);
            if about.is_none() || about != own_issuer(ctx).await? {
                return Ok(None);
            }
        }
        let wanted = (kind.clone(), id.clone());
        let home = ctx
            .db()
            .read_replicated(async move |conn| home_of(conn, &wanted).await);
        let home = home.await?;
        Ok(home.map(|home| Self { kind, id, home }))
    }

    fn stored(&self) -> (String, String) {
        (self.kind.clone(), self.id.clone())
    }
}

/// Everything the ledger knows about a reference.
#[Object]
impl LedgerTrail {
    /// Clearing accounts of the reference, one per currency.
    async fn clearing(&self, ctx: &Context<'_>) -> Loaded<Vec<ClearingAccount>> {
        Some(self.load_clearing(ctx).await)
    }

    /// Holds with the reference, newest first.
    async fn holds(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<HoldConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(self.load_holds(ctx, args).await)
    }

    /// The reference; null for callers without access to the object.
    async fn reference(&self, ctx: &Context<'_>) -> Loaded<LedgerReference> {
        let found = load_reference(ctx, self.home, &self.kind, &self.id).await;
        found.transpose()
    }

    /// Transfers with the reference, newest first.
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<TransferConnection> {
        let args = PageArgs::new(first, last, after, before);
        let filter = TransferFilter {
            reference: Some(self.stored()),
            ..Default::default()
        };
        Some(list(ctx, "reference_transfers", filter, args).await)
    }
}

impl LedgerTrail {
    async fn load_clearing(&self, ctx: &Context<'_>) -> Result<Vec<ClearingAccount>> {
        let Some(about) = Reference::of(&self.kind, &self.id) else {
            return Ok(Vec::new());
        };
        let owner = OwnerId(about.clearing_owner().id);
        let (before, db) = (overdue_before(ctx).await?, ctx.db().clone());
        let found = ctx
            .db()
            .read_replicated(async move |conn| clearing::clearing_of(&db, conn, owner).await);
        let found = found.await?.into_iter();
        Ok(found
            .map(|account| ClearingAccount::of(account, before))
            .collect())
    }

    async fn load_holds(&self, ctx: &Context<'_>, args: PageArgs) -> Result<HoldConnection> {
        const LIST: &str = "reference_holds";
        let filter = HoldFilter {
            reference: Some(self.stored()),
            ..Default::default()
        };
        let page = args.page(LIST)?;
        let db = ctx.db().clone();
        read_list!(
            HoldConnection, LIST, ctx, filter;
            |conn| holds::list(&db, conn, &filter, &page), holds::count(conn, &filter),
            |holds| holds.map(|hold| ((hold.created_at, hold.id.uuid), Hold::of(hold)))
        )
    }
}
