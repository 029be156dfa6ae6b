//! Root fields of Query about the audit log.

use db::platform::audit::queries::{self as reads, Entry};

use super::objects::{AuditLogEntry, AuditLogEntryConnection, AuditLogFilter};
use crate::inputs::Parsed;
use crate::prelude::*;

list_field! {
    /// The audit log.
    AuditQuery;

    /// Commands that staff and services carried out or attempted, newest first.
    audit_log(filter: Option<Parsed<AuditLogFilter>>) -> AuditLogEntryConnection = |ctx, args| {
        ctx.check_staff(Action::AuditLogRead)?;
        let filter = filter.map(Parsed::get).transpose()?.unwrap_or_default();
        let filter = filter.checked(ctx)?;
        let page = args.page("audit log")?;
        // An entry that can't be read is logged; it must not hide the others.
        let entry = |entry: Entry| Some(((entry.occurred_at, entry.id), AuditLogEntry::of(entry).ok()?));
        read_list!(
            AuditLogEntryConnection, "audit log", ctx, filter;
            |conn| reads::entries(conn, &filter, &page), reads::count(conn, &filter),
            |rows| rows.filter_map(entry)
        )
    }
}
