//! Reading the audit log.

use std::collections::HashMap;

use diesel::SelectableHelper;
use diesel::pg::Pg;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, Selectable};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::paging::Counted;
use crate::schema::audit_log;
use crate::text::{Text as _, texts};
use crate::{Connection, Count, DbError, Page, Slice};

/// A thing that commands of staff and services are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entity {
    /// What kind of thing.
    pub kind: &'static str,
    /// Which one.
    pub id: Uuid,
}

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

#[derive(Queryable, Selectable, diesel::QueryableByName)]
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

/// A page of the entries about each of several things, newest first, in one statement.
pub async fn pages(
    conn: &mut Connection,
    entities: &[Entity],
    page: &Page<Place>,
) -> Result<Vec<(Entity, Slice<Entry>)>, DbError> {
    let direction = if page.from_end { "ASC" } else { "DESC" };
    let (kinds, ids) = named(entities);
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT a.* FROM unnest($1, $2) AS e (kind, id) CROSS JOIN LATERAL (
             SELECT * FROM audit_log
             WHERE entity_kind = e.kind AND entity_id = e.id
               AND ($3 IS NULL OR (occurred_at, id) < ($3, $4)) AND ($5 IS NULL OR (occurred_at, id) > ($5, $6))
             ORDER BY occurred_at {direction}, id {direction} LIMIT $7
         ) a"
    ))
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(ids)
    .bind::<Nullable<Timestamptz>, _>(page.after.map(|place| place.0))
    .bind::<Nullable<BigInt>, _>(page.after.map(|place| place.1))
    .bind::<Nullable<Timestamptz>, _>(page.before.map(|place| place.0))
    .bind::<Nullable<BigInt>, _>(page.before.map(|place| place.1))
    .bind::<BigInt, _>(page.fetch())
    .load(conn)
    .await?;
    let mut of_entity: HashMap<(String, String), Vec<Row>> = HashMap::new();
    for row in rows {
        if let (Some(kind), Some(id)) = (row.entity_kind.clone(), row.entity_id.clone()) {
            of_entity.entry((kind, id)).or_default().push(row);
        }
    }
    entities
        .iter()
        .map(|entity| {
            let name = (entity.kind.to_owned(), entity.id.to_string());
            let rows = of_entity.remove(&name).unwrap_or_default();
            Ok((*entity, page.slice(rows).try_map(Entry::try_from)?))
        })
        .collect()
}

/// How many entries there are about each of several things, in one statement.
pub async fn counts(
    conn: &mut Connection,
    entities: &[Entity],
) -> Result<Vec<(Entity, Count)>, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        entries: i64,
    }
    let (kinds, ids) = named(entities);
    let rows: Vec<Counted> = diesel::sql_query(
        "SELECT (SELECT count(*) FROM (
             SELECT 1 FROM audit_log WHERE entity_kind = e.kind AND entity_id = e.id LIMIT $3
         ) a) AS entries
         FROM unnest($1, $2) WITH ORDINALITY AS e (kind, id, place) ORDER BY place",
    )
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(ids)
    .bind::<BigInt, _>(Count::EXACT_TO + 1)
    .load(conn)
    .await?;
    let counts = rows.into_iter().map(|row| Count::of(row.entries));
    Ok(entities.iter().copied().zip(counts).collect())
}

/// Kinds and ids as commands write them.
fn named(entities: &[Entity]) -> (Vec<&'static str>, Vec<String>) {
    entities
        .iter()
        .map(|entity| (entity.kind, entity.id.to_string()))
        .unzip()
}
