//! The audit log, as staff see it.

use async_graphql::{Context, Enum, InputObject, SimpleObject};
use chrono::Datelike;
use db::audit_log::{self, Entity, Filter, Outcome, Place};
use domain::access::{Action, Relation};

use crate::errors::ApiError;
use crate::paging::{PageArgs, Total, connection};
use crate::plain::plain;
use crate::platform::loaders::AuditLogOf;
use crate::request::Asked;
use crate::scalars::{DateTime, Json};

/// Characters of what is looked for, at most.
const LONGEST_TEXT: usize = 200;

/// How a command ended.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Outcome")]
pub enum AuditOutcome {
    /// It was carried out.
    Applied,
    /// A rule refused it.
    Refused,
    /// Its caller may not.
    Forbidden,
}

/// One command that staff or a service carried out or tried.
#[derive(SimpleObject)]
pub struct AuditLogEntry {
    /// Who: the subject of their token.
    pub actor: String,
    /// Who vouched for them: the issuer of their token.
    pub issuer: String,
    /// Roles of a person or scopes of a service, as they were.
    pub roles: Vec<String>,
    /// Name of the command, such as `configuration.mining_update`.
    pub action: String,
    /// What kind of thing it was about; null where nothing came of it.
    pub entity_kind: Option<String>,
    /// Which one; null where nothing came of it.
    pub entity_id: Option<String>,
    /// Why, in their words; null where they gave none.
    pub reason: Option<String>,
    /// The thing before, under the API's names; null where nothing changed.
    pub before: Option<Json>,
    /// The thing after, under the API's names; null where nothing changed.
    pub after: Option<Json>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The code of the refusal; null unless it was refused.
    pub refusal: Option<String>,
    /// The request it came with.
    pub request_id: Option<String>,
    /// When.
    pub occurred_at: DateTime,
}

plain!(
    AuditLogEntry,
    actor,
    issuer,
    roles,
    action,
    entity_kind,
    entity_id,
    reason,
    before,
    after,
    outcome,
    refusal,
    request_id,
    occurred_at
);

impl From<audit_log::Entry> for AuditLogEntry {
    fn from(entry: audit_log::Entry) -> Self {
        Self {
            actor: entry.actor,
            issuer: entry.issuer,
            roles: entry.roles,
            action: entry.action,
            entity_kind: entry.entity_kind,
            entity_id: entry.entity_id,
            reason: entry.reason,
            before: entry.before.map(Json),
            after: entry.after.map(Json),
            outcome: entry.outcome.into(),
            refusal: entry.refusal,
            request_id: entry.request_id,
            occurred_at: entry.occurred_at.into(),
        }
    }
}

connection! {
    /// A page of the audit log.
    AuditLogConnection,
    /// One entry on a page of the audit log.
    AuditLogEdge,
    AuditLogEntry, by Place
}

/// Which entries of the audit log to list.
#[derive(InputObject, Default)]
pub struct AuditLogFilter {
    /// Only of this actor: the subject of their token.
    pub actor: Option<String>,
    /// Only of this command.
    pub action: Option<String>,
    /// Only about this thing.
    pub entity: Option<AuditedEntityInput>,
    /// Only with this end.
    pub outcome: Option<AuditOutcome>,
    /// Only of this request.
    pub request_id: Option<String>,
    /// Only from this moment on.
    pub since_at: Option<DateTime>,
    /// Only before this moment.
    pub until_at: Option<DateTime>,
}

/// Names what a command was about.
#[derive(InputObject)]
pub struct AuditedEntityInput {
    /// What kind of thing, such as `configuration`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

impl TryFrom<AuditLogFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: AuditLogFilter) -> Result<Self, ApiError> {
        let entity = filter.entity.map(|entity| (entity.kind, entity.id));
        let texts = [&filter.actor, &filter.action, &filter.request_id];
        let texts = texts.into_iter().flatten();
        let is_text = |text: &String| text.chars().count() <= LONGEST_TEXT && !text.contains('\0');
        if !texts
            .chain(entity.iter().flat_map(|(kind, id)| [kind, id]))
            .all(is_text)
        {
            return Err(ApiError::bad_input(
                "what the filter names has at most 200 characters and no NUL",
            ));
        }
        // PostgreSQL doesn't know every year chrono does.
        let moments = [filter.since_at, filter.until_at].into_iter().flatten();
        if !moments
            .map(|at| at.0.year())
            .all(|year| (1970..=9999).contains(&year))
        {
            return Err(ApiError::bad_input(
                "`sinceAt` and `untilAt` are from 1970 to 9999",
            ));
        }
        Ok(Self {
            actor: filter.actor,
            action: filter.action,
            entity,
            outcome: filter.outcome.map(Into::into),
            request_id: filter.request_id,
            since: filter.since_at.map(|at| at.0),
            until: filter.until_at.map(|at| at.0),
        })
    }
}

/// A page of the audit log, if the caller may see it.
pub(super) async fn list(
    ctx: &Context<'_>,
    filter: AuditLogFilter,
    args: PageArgs,
) -> Result<AuditLogConnection, ApiError> {
    const LIST: &str = "audit log";
    ctx.principal()
        .check(Action::AuditLogRead, Relation::Others)?;
    let filter = Filter::try_from(filter)?;
    let page = args.page::<Place>(LIST)?;
    let asked = filter.clone();
    let slice = ctx
        .db()
        .read(async move |conn| audit_log::entries(conn, &asked, &page).await)
        .await?;
    let slice = slice.map(|entry| ((entry.occurred_at, entry.id), entry.into()));
    Ok(AuditLogConnection::new(
        LIST,
        slice,
        Total::AuditLog(filter),
    ))
}

/// A page of what was done or tried about one thing, if the caller may see it; nothing for anybody else.
pub(crate) async fn about(
    ctx: &Context<'_>,
    entity: Entity,
    args: PageArgs,
) -> Option<Result<AuditLogConnection, ApiError>> {
    if !ctx.may(Action::AuditLogRead, Relation::Others) {
        return None;
    }
    Some(page_about(ctx, entity, args).await)
}

async fn page_about(
    ctx: &Context<'_>,
    entity: Entity,
    args: PageArgs,
) -> Result<AuditLogConnection, ApiError> {
    const LIST: &str = "audit log of one";
    let page = args.page(LIST)?;
    let slice = ctx
        .operation()
        .platform
        .load_one(AuditLogOf(entity, page))
        .await?
        .unwrap_or_default();
    let slice = slice.map(|entry| ((entry.occurred_at, entry.id), entry.into()));
    Ok(AuditLogConnection::new(
        LIST,
        slice,
        Total::AuditLogOf(entity),
    ))
}
