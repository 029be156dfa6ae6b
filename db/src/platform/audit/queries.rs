//! Reads of the audit log.

use domain::named::named;
use serde_json::Value;

use crate::command::Refused;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::audit_log;

named! {
    /// Outcomes of a command.
    Outcome, "AuditOutcome";

    /// The command took effect.
    Applied = "APPLIED";

    /// A rule refused the command.
    Refused = "REFUSED";

    /// The caller lacked the role or scope.
    Forbidden = "FORBIDDEN";
}

impl TryFrom<String> for Outcome {
    type Error = DbError;

    fn try_from(name: String) -> Result<Self> {
        read_name("audit_log", "outcome", &name)
    }
}

/// A command that staff or a service carried out or attempted.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = audit_log, check_for_backend(Pg))]
pub struct Entry {
    /// Order of insertion.
    pub id: i64,
    /// Time of the command.
    pub occurred_at: Timestamp,
    /// Issuer of the caller's token.
    pub issuer: String,
    /// Subject of the caller's token.
    pub actor: String,
    /// Whether the caller is a service.
    pub is_service: bool,
    /// Roles or scopes of the caller.
    pub roles: Vec<String>,
    /// Name of the command.
    pub action: String,
    /// Kind of the object.
    pub entity_kind: Option<String>,
    /// Key of the object.
    pub entity_id: Option<String>,
    /// Reason of the caller.
    pub reason: Option<String>,
    /// The object before.
    pub before: Option<Value>,
    /// The object after.
    pub after: Option<Value>,
    /// Outcome.
    #[diesel(deserialize_as = String)]
    pub outcome: Outcome,
    /// The refusal.
    pub refusal: Option<Refused>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// Number of equal denied commands within the minute; 1 for other outcomes.
    pub attempts: i32,
}

/// Conditions on entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Subject of the caller's token.
    pub actor: Option<String>,
    /// Name of the command.
    pub action: Option<String>,
    /// Kind and key of the object.
    pub entity: Option<(String, String)>,
    /// Outcome.
    pub outcome: Option<Outcome>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// Start, included.
    pub since: Option<Timestamp>,
    /// End, excluded.
    pub until: Option<Timestamp>,
}

/// Position of an entry, newest first: time and order of insertion.
pub type Place = (Timestamp, i64);

macro_rules! filter_entries {
    ($query:ident, $filter:expr) => {
        let filter: &Filter = $filter;
        narrow!($query,
            actor = &filter.actor => audit_log::actor.eq(actor),
            action = &filter.action => audit_log::action.eq(action),
            entity = &filter.entity => audit_log::entity_kind.eq(&entity.0).and(audit_log::entity_id.eq(&entity.1)),
            outcome = filter.outcome => audit_log::outcome.eq(outcome.name()),
            request_id = &filter.request_id => audit_log::request_id.eq(request_id),
            since = filter.since => audit_log::occurred_at.ge(since),
            until = filter.until => audit_log::occurred_at.lt(until),
        );
    };
}

/// A page of entries, newest first.
pub async fn entries(
    conn: &mut Connection,
    filter: &Filter,
    page: &Page<Place>,
) -> Result<Slice<Entry>> {
    let mut query = Entry::query().into_boxed::<Pg>();
    filter_entries!(query, filter);
    let query = keyset!(query, page, [audit_log::occurred_at desc, audit_log::id desc]);
    Ok(page.slice(query.load(conn).await?))
}

/// Number of entries that a filter selects.
pub async fn count(conn: &mut Connection, filter: &Filter) -> Result<Count> {
    let mut query = audit_log::table.select(audit_log::id).into_boxed::<Pg>();
    filter_entries!(query, filter);
    count_rows(conn, query).await
}

/// Entries by id.
pub async fn by_id(conn: &mut Connection, ids: &[i64]) -> Result<Vec<Entry>> {
    let query = Entry::query().filter(audit_log::id.eq_any(ids));
    Ok(query.load(conn).await?)
}
