//! Root fields of Query about the audit log.

use async_graphql::{Context, Object};
use db::platform::audit::queries::{self as reads, Place};
use domain::access::Action;

use super::objects::{AuditLogEntry, AuditLogEntryConnection, AuditLogFilter};
use crate::errors::{ApiError, Loaded};
use crate::inputs::Parsed;
use crate::paging::{PageArgs, Total};
use crate::request::OperationContext;

/// The audit log.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Commands that staff and services carried out or attempted, newest first.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        filter: Option<Parsed<AuditLogFilter>>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        offset: Option<i32>,
    ) -> Loaded<AuditLogEntryConnection> {
        let args = PageArgs::new(first, last, after, before).offset(offset);
        Some(list(ctx, filter, args).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: Option<Parsed<AuditLogFilter>>,
    args: PageArgs,
) -> Result<AuditLogEntryConnection, ApiError> {
    const LIST: &str = "audit log";
    ctx.check_staff(Action::AuditLogRead)?;
    let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
    let filter = filter.checked(ctx)?;
    let page = args.page::<Place>(LIST)?;
    let counted = filter.clone();
    let slice = ctx
        .db()
        .read(async move |conn| reads::entries(conn, &filter, &page).await)
        .await?;
    // An entry that can't be read is logged; it must not hide the others.
    let slice = slice.filter_map(|entry| {
        let place = (entry.occurred_at, entry.id);
        let entry = AuditLogEntry::of(entry).ok()?;
        Some((place, entry))
    });
    let total = Total::query(move |db| {
        let filter = counted.clone();
        async move {
            db.read(async move |conn| reads::count(conn, &filter).await)
                .await
        }
    });
    Ok(AuditLogEntryConnection::new(LIST, slice, total))
}
