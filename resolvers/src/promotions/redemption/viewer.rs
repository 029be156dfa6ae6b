//! Fields of `Viewer` about redemptions.

use db::promotions::redemption::queries::RedemptionFilter as Filter;

use super::objects::RedemptionConnection;
use super::queries::page;
use crate::prelude::*;

/// Redemptions of the person's vouchers.
pub struct ViewerRedemptions(pub(crate) UserId);

#[Object]
impl ViewerRedemptions {
    /// Redemptions of the caller's vouchers, newest first.
    async fn redemptions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<RedemptionConnection> {
        let filter = Filter {
            user: Some(self.0),
            ..Filter::default()
        };
        let args = PageArgs::new(first, last, after, before);
        Some(page(ctx, filter, args).await)
    }
}
