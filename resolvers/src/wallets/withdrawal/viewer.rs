//! Fields of `Viewer` about withdrawals.

use super::objects::{WithdrawalConnection, WithdrawalFilter};
use super::queries::page;
use crate::inputs::Parsed;
use crate::prelude::*;

/// The person's withdrawals.
pub struct ViewerWithdrawals;

#[Object]
impl ViewerWithdrawals {
    /// Withdrawals of the caller, newest first.
    async fn withdrawals(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<WithdrawalFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<WithdrawalConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(page(ctx, filter, true, args).await)
    }
}
