//! Reads of approvals.

use domain::platform::ApprovalStatus;

use super::rows::{ApprovalRow, ApprovalSeen};
use crate::clock::ReadAt;
use crate::paging::{count_rows, keyset};
use crate::prelude::*;
use crate::schema::approvals;

/// Position of an approval in the list, newest first.
pub type Place = (Timestamp, Uuid);

/// Approvals by id.
pub async fn by_id(conn: &mut Connection, ids: &[ApprovalId]) -> Result<Vec<ApprovalSeen>> {
    let rows: Vec<(ApprovalRow, Timestamp)> = approvals::table
        .filter(approvals::id.eq_any(ids.iter().map(|id| id.0)))
        .select((ApprovalRow::as_select(), ReadAt))
        .load(conn)
        .await?;
    rows.into_iter().map(ApprovalSeen::try_from).collect()
}

/// Selects approvals of a state: a pending one expires by time alone.
macro_rules! filter_approvals {
    ($query:ident, $status:expr) => {
        $query = match $status {
            None => $query,
            Some(ApprovalStatus::Pending) => $query
                .filter(approvals::status.eq(ApprovalStatus::Pending.name()))
                .filter(approvals::expires_at.ge(ReadAt)),
            Some(ApprovalStatus::Expired) => $query
                .filter(approvals::status.eq(ApprovalStatus::Pending.name()))
                .filter(approvals::expires_at.lt(ReadAt)),
            Some(decided) => $query.filter(approvals::status.eq(decided.name())),
        };
    };
}

/// A page of approvals, newest first.
pub async fn list(
    conn: &mut Connection,
    status: Option<ApprovalStatus>,
    page: &Page<Place>,
) -> Result<Slice<ApprovalSeen>> {
    let mut query = approvals::table
        .select((ApprovalRow::as_select(), ReadAt))
        .into_boxed::<Pg>();
    filter_approvals!(query, status);
    let query = keyset!(query, page, [approvals::requested_at desc, approvals::id desc]);
    let rows: Vec<(ApprovalRow, Timestamp)> = query.load(conn).await?;
    page.slice(rows).try_map(ApprovalSeen::try_from)
}

/// Number of approvals of a state.
pub async fn count(conn: &mut Connection, status: Option<ApprovalStatus>) -> Result<Count> {
    let mut query = approvals::table.select(approvals::id).into_boxed::<Pg>();
    filter_approvals!(query, status);
    count_rows(conn, query).await
}
