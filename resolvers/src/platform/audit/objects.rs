//! Types of the audit log.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use db::command::Refused;
use db::platform::audit::queries::{Entry, Filter, Outcome, Place};
use domain::access;
use domain::named::Named;
use heck::ToLowerCamelCase;

use super::Entities;
use crate::abstracts::Abstract;
use crate::describe::COMMANDS;
use crate::inputs::{DateTimeRangeInput, is_text};
use crate::node::{AnyId, KeyPart};
use crate::platform::loaders::{EntryKey, PlatformLoader};
use crate::platform::users::{Actor, Role, Scope, Service, User};
use crate::prelude::*;
use crate::scalars::Json;
use crate::user_errors::{self, AnyUserError};

/// Most characters of a text in a filter.
const LONGEST_TEXT: usize = 200;

/// Commands that the audit log records, by their name in the schema.
static RECORDED: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let recorded = COMMANDS
        .iter()
        .filter(|command| command.action.rule().is_audited());
    let recorded = recorded.map(|command| (command.operation().to_uppercase(), command.name));
    recorded.collect()
});

/// A command of the audit log, by its name in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded(&'static str);

impl EnumValue for Recorded {
    fn enum_name() -> Cow<'static, str> {
        "AuditAction".into()
    }

    fn enum_description() -> Cow<'static, str> {
        "Commands that the audit log records: those of staff, and those of services that post nothing.".into()
    }

    fn all() -> impl Iterator<Item = (Self, Cow<'static, str>)> {
        RECORDED.values().map(|command| {
            let operation = command.split_once('.').map_or(*command, |(_, name)| name);
            (
                Self(command),
                format!("`{}`.", operation.to_lower_camel_case()).into(),
            )
        })
    }

    fn value_name(&self) -> Cow<'static, str> {
        let name = RECORDED.iter().find(|(_, command)| **command == self.0);
        name.map_or("", |(name, _)| name).into()
    }
}

/// The enum of commands, built from their descriptors.
pub type AuditAction = EnumOf<Recorded>;

/// Outcomes of a command.
pub type AuditOutcome = EnumOf<Outcome>;

object! {
    /// Command that staff or a service carried out or attempted.
    #[graphql(complex)]
    AuditLogEntry(entry: Entry) -> Result<ApiError> {
        let unreadable = |what: &str| {
            tracing::error!(id = entry.id, "Unreadable {what} of an audit entry");
            ApiError::new(Code::InternalServerError, "an unreadable audit entry")
        };
        let names = entry.roles.iter().map(String::as_str);
        let (roles, scopes) = if entry.is_service {
            let scopes = names.filter_map(access::Scope::of_name).map(EnumOf);
            (Vec::new(), scopes.collect())
        } else {
            let roles = names.filter_map(access::Role::parse).map(EnumOf);
            (roles.collect(), Vec::new())
        };
        let caller = if entry.is_service {
            Caller::Service {
                issuer: entry.issuer.clone(),
                subject: entry.actor.clone(),
            }
        } else {
            let id = Uuid::try_parse(&entry.actor).map_err(|_| unreadable("actor"))?;
            Caller::Person(UserId(id))
        };
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&EntryKey(entry.id)),
        /// The command.
        action: AuditAction = recorded(&entry.action).ok_or_else(|| unreadable("action"))?,
        /// The entity after the command, under the names of this API; null when nothing changed.
        after: Option<Json> = entry.after.map(Json),
        /// Number of equal forbidden attempts within the minute that this entry stands for; 1 for other outcomes.
        attempts: i32 = entry.attempts,
        /// The entity before the command, under the names of this API; null when it was created or nothing changed.
        before: Option<Json> = entry.before.map(Json),
        /// Time of the command.
        occurred_at: DateTime = entry.occurred_at.into(),
        /// Outcome of the command.
        outcome: AuditOutcome = entry.outcome.into(),
        /// Reason the caller gave, 1 to 500 characters; null for commands that take none.
        reason: Option<String> = entry.reason,
        /// Id of the request; null for entries without one.
        request_id: Option<String> = entry.request_id,
        /// Roles of the caller at the time; empty for services.
        roles: Vec<Role> = roles,
        /// Scopes of the caller at the time; empty for people.
        scopes: Vec<Scope> = scopes,
    }
    with {
        caller: Caller = caller,
        about: Option<(String, String)> = entry.entity_kind.zip(entry.entity_id),
        refused: Option<Refused> = entry.refusal,
    }
}

enum Caller {
    Person(UserId),
    Service { issuer: String, subject: String },
}

#[ComplexObject]
impl AuditLogEntry {
    /// Caller of the command. Null only on error.
    async fn actor(&self, ctx: &Context<'_>) -> Loaded<Actor> {
        match &self.caller {
            Caller::Service { issuer, subject } => Some(Ok(Actor::Service(Service {
                issuer: issuer.clone(),
                subject: subject.clone(),
            }))),
            Caller::Person(id) => {
                let user = User::load(ctx, *id).await.transpose()?;
                Some(user.map(Actor::User))
            }
        }
    }

    /// Object the command was about, as it is now; null when the attempt named none.
    async fn entity(&self, ctx: &Context<'_>) -> Loaded<Node> {
        let (kind, key) = self.about.as_ref()?;
        let entities: &Entities = ctx.registered();
        entities.load(ctx, kind, key).await.transpose()
    }

    /// Refusal the command answered; null unless `outcome` is REFUSED.
    async fn refusal(&self, ctx: &Context<'_>) -> Loaded<Abstract<AnyUserError>> {
        let refused = self.refused.as_ref()?;
        Some(user_errors::any(ctx, refused))
    }
}

/// The action of a stored command.
fn recorded(name: &str) -> Option<AuditAction> {
    let command = RECORDED.values().find(|command| **command == name)?;
    Some(EnumOf(Recorded(command)))
}

impl NodeKey for EntryKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(self.0.to_string())
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

node!(AuditLogEntry: EntryKey, |ctx, key| {
    if !ctx.may(Action::AuditLogRead, false) {
        return Ok(None);
    }
    let entry = ctx.loader::<PlatformLoader>().load_one(key).await?;
    entry.map(Self::of).transpose()
});

connection!(
    AuditLogEntryConnection, AuditLogEntryEdge, AuditLogEntry, "audit log entries", by Place
);

/// Conditions on audit log entries.
#[derive(InputObject, Default)]
pub struct AuditLogFilter {
    /// Command that was carried out.
    pub action: Option<AuditAction>,
    /// Subject of the caller's token.
    pub actor_id: Option<Uuid>,
    /// Global id of the object the command was about.
    pub entity_id: Option<AnyId>,
    /// Time of the command.
    pub occurred_at: Option<DateTimeRangeInput>,
    /// Outcome of the command.
    pub outcome: Option<AuditOutcome>,
    /// Id of the request.
    pub request_id: Option<String>,
}

impl AuditLogFilter {
    /// The filter of the database.
    pub(crate) fn checked(self, ctx: &Context<'_>) -> Result<Filter> {
        let request_id = self.request_id.as_ref();
        if request_id.is_some_and(|text| !is_text(text, LONGEST_TEXT)) {
            return Err(ApiError::bad_input(
                "`requestId` has at most 200 characters and no NUL",
            ));
        }
        let entities: &Entities = ctx.registered();
        let entity = self.entity_id.map(|id| {
            let problem = "no command is about objects of this type";
            entities
                .names(&id)
                .ok_or_else(|| ApiError::bad_input(problem))
        });
        let (since, until) = match self.occurred_at {
            Some(range) => range.ends()?,
            None => (None, None),
        };
        Ok(Filter {
            actor: self.actor_id.map(|id| id.to_string()),
            action: self.action.map(|action| action.0.0.to_owned()),
            entity: entity.transpose()?,
            outcome: self.outcome.map(|outcome| outcome.0),
            request_id: self.request_id,
            since,
            until,
        })
    }
}
