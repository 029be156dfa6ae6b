//! Root fields of Query about approvals.

use async_graphql::{Context, Object};
use db::platform::approval::queries::{self as reads, Place};
use domain::access::Action;

use super::objects::{Approval, ApprovalConnection, ApprovalFilter};
use crate::errors::{ApiError, Loaded};
use crate::paging::{PageArgs, Total};
use crate::request::OperationContext;

/// Approvals.
#[derive(Default)]
pub struct ApprovalQuery;

#[Object]
impl ApprovalQuery {
    /// Commands that wait or waited for a second person, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        filter: Option<ApprovalFilter>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        offset: Option<i32>,
    ) -> Loaded<ApprovalConnection> {
        let args = PageArgs::new(first, last, after, before).offset(offset);
        Some(list(ctx, filter.unwrap_or_default(), args).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: ApprovalFilter,
    args: PageArgs,
) -> Result<ApprovalConnection, ApiError> {
    const LIST: &str = "approvals";
    ctx.check_staff(Action::ApprovalsRead)?;
    let page = args.page::<Place>(LIST)?;
    let status = filter.status.map(|status| status.0);
    let slice = ctx
        .db()
        .read(async move |conn| reads::list(conn, status, &page).await)
        .await?;
    let slice = slice.map(|seen| {
        let place = (seen.approval.requested_at, seen.approval.id.0);
        (place, Approval::of(seen))
    });
    let total = Total::query(move |db| async move {
        db.read(async move |conn| reads::count(conn, status).await)
            .await
    });
    Ok(ApprovalConnection::new(LIST, slice, total))
}
