//! Root fields of Query about approvals.

use db::platform::approval::queries as reads;

use super::objects::{Approval, ApprovalConnection, ApprovalFilter};

use crate::prelude::*;

list_field! {
    /// Approvals.
    ApprovalQuery;

    /// Commands that wait or waited for a second person, newest first.
    approvals(filter: Option<ApprovalFilter>) -> ApprovalConnection = |ctx, args| {
        ctx.check_staff(Action::ApprovalsRead)?;
        let status = filter.and_then(|filter| filter.status).map(|status| status.0);
        let page = args.page("approvals")?;
        read_list!(
            ApprovalConnection, "approvals", ctx, status;
            |conn| reads::list(conn, status, &page), reads::count(conn, status),
            |rows| rows.map(|seen| ((seen.approval.requested_at, seen.approval.id.0), Approval::of(seen)))
        )
    }
}
