//! Reading the audit log.

use diesel::SelectableHelper;
use diesel::pg::Pg;
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, Selectable};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;
use serde_json::Value;

use crate::paging::Counted;
use crate::schema::audit_log;
use crate::text::{Text as _, texts};
use crate::{Connection, Count, DbError, Page, Slice};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was carried out.
    Applied,
    /// A rule refused it.
    Refused,
    /// Its caller may not.
    Forbidden,
}
texts!(Outcome { Applied = "APPLIED", Refused = "REFUSED", Forbidden = "FORBIDDEN" });

/// One command that staff or a service carried out or tried.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Order of writing.
    pub id: i64,
    /// When.
    pub occurred_at: Timestamp,
    /// Who vouched for the actor.
    pub issuer: String,
    /// Who: the subject of the token.
    pub actor: String,
    /// Roles or scopes they had.
    pub roles: Vec<String>,
    /// Name of the command.
    pub action: String,
    /// What kind of thing it was about.
    pub entity_kind: Option<String>,
    /// Which one.
    pub entity_id: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The thing before.
    pub before: Option<Value>,
    /// The thing after.
    pub after: Option<Value>,
    /// How it ended.
    pub outcome: Outcome,
    /// The refusal's code.
    pub refusal: Option<String>,
    /// The request it came with.
    pub request_id: Option<String>,
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only of this actor.
    pub actor: Option<String>,
    /// Only of this command.
    pub action: Option<String>,
    /// Only about this thing: its kind, and which one.
    pub entity: Option<(String, String)>,
    /// Only with this end.
    pub outcome: Option<Outcome>,
    /// Only of this request.
    pub request_id: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The place of an entry: newest first, by when and by the order of writing.
pub type Place = (Timestamp, i64);

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log, check_for_backend(Pg))]
struct Row {
    id: i64,
    occurred_at: Timestamp,
    issuer: String,
    actor: String,
    roles: Vec<String>,
    action: String,
    entity_kind: Option<String>,
    entity_id: Option<String>,
    reason: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    outcome: String,
    refusal: Option<String>,
    request_id: Option<String>,
}

impl TryFrom<Row> for Entry {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            outcome: Outcome::read("audit_log", "outcome", &row.outcome)?,
            id: row.id,
            occurred_at: row.occurred_at,
            issuer: row.issuer,
            actor: row.actor,
            roles: row.roles,
            action: row.action,
            entity_kind: row.entity_kind,
            entity_id: row.entity_id,
            reason: row.reason,
            before: row.before,
            after: row.after,
            refusal: row.refusal,
            request_id: row.request_id,
        })
    }
}

macro_rules! filter_entries {
    ($query:ident, $filter:expr) => {
        let filter: &Filter = $filter;
        if let Some(actor) = &filter.actor {
            $query = $query.filter(audit_log::actor.eq(actor));
        }
        if let Some(action) = &filter.action {
            $query = $query.filter(audit_log::action.eq(action));
        }
        if let Some((kind, id)) = &filter.entity {
            $query = $query
                .filter(audit_log::entity_kind.eq(kind))
                .filter(audit_log::entity_id.eq(id));
        }
        if let Some(outcome) = filter.outcome {
            $query = $query.filter(audit_log::outcome.eq(outcome.text()));
        }
        if let Some(request_id) = &filter.request_id {
            $query = $query.filter(audit_log::request_id.eq(request_id));
        }
        if let Some(since) = filter.since {
            $query = $query.filter(audit_log::occurred_at.ge(since));
        }
        if let Some(until) = filter.until {
            $query = $query.filter(audit_log::occurred_at.lt(until));
        }
    };
}

/// A page of entries, newest first.
pub async fn entries(
    conn: &mut Connection,
    filter: &Filter,
    page: &Page<Place>,
) -> Result<Slice<Entry>, DbError> {
    let mut query = audit_log::table.select(Row::as_select()).into_boxed::<Pg>();
    filter_entries!(query, filter);
    // `column <= key AND (column < key OR id < key's)` lets the index find where to start.
    if let Some((at, id)) = page.after {
        query = query
            .filter(audit_log::occurred_at.le(at))
            .filter(audit_log::occurred_at.lt(at).or(audit_log::id.lt(id)));
    }
    if let Some((at, id)) = page.before {
        query = query
            .filter(audit_log::occurred_at.ge(at))
            .filter(audit_log::occurred_at.gt(at).or(audit_log::id.gt(id)));
    }
    query = if page.from_end {
        query.order((audit_log::occurred_at.asc(), audit_log::id.asc()))
    } else {
        query.order((audit_log::occurred_at.desc(), audit_log::id.desc()))
    };
    let rows: Vec<Row> = page.cut(query).load(conn).await?;
    page.slice(rows).try_map(Entry::try_from)
}

/// How many entries a filter lets through.
pub async fn count(conn: &mut Connection, filter: &Filter) -> Result<Count, DbError> {
    let mut query = audit_log::table.select(audit_log::id).into_boxed::<Pg>();
    filter_entries!(query, filter);
    let found: i64 = Counted(query).get_result(conn).await?;
    Ok(Count::of(found))
}
