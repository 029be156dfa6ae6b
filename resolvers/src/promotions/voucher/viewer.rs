//! Fields of `Viewer` about vouchers.

use db::promotions::voucher::queries as reads;

use super::objects::{Voucher, VoucherConnection, VoucherStatus};
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::promotions::loaders::PromotionLoader;

/// The person's vouchers.
pub struct ViewerVouchers(pub(crate) UserId);

#[Object]
impl ViewerVouchers {
    /// Vouchers the caller owns, most recently acquired first.
    async fn vouchers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "State of the vouchers; without it, all.")] status: Option<
            Parsed<VoucherStatus>,
        >,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<VoucherConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(self.page(ctx, status, args).await)
    }
}

impl ViewerVouchers {
    /// A page of the person's directory, with the vouchers that it names.
    async fn page(
        &self,
        ctx: &Context<'_>,
        status: Option<Parsed<VoucherStatus>>,
        args: PageArgs,
    ) -> Result<VoucherConnection> {
        let user = self.0;
        let status = status.map(Parsed::get).transpose()?;
        let status = status.map(|status| status.0);
        let page = args.page::<(Timestamp, Uuid)>("viewer.vouchers")?;
        let total = crate::paging::Total::query(move |db| async move {
            db.read_replicated(async move |conn| reads::count_of_user(conn, user, status).await)
                .await
        });
        let read =
            async move |conn: &mut db::Connection| reads::of_user(conn, user, status, &page).await;
        let found = ctx.db().read_replicated(read).await?;
        let ids: Vec<VoucherId> = found.items.iter().map(|(id, _)| *id).collect();
        let mut seen = ctx.loader::<PromotionLoader>().load_many(ids).await?;
        let vouchers = db::Slice {
            has_previous: found.has_previous,
            has_next: found.has_next,
            items: found
                .items
                .into_iter()
                .filter_map(|(id, at)| Some(((at, id.uuid), Voucher::of(seen.remove(&id)?))))
                .collect(),
        };
        Ok(VoucherConnection::new("viewer.vouchers", vouchers, total))
    }
}
