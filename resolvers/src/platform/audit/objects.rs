//! Types of the audit log.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{EnumBuilder, MetaEnumValue, MetaType, MetaTypeId, Registry};
use async_graphql::{
    ComplexObject, Context, ContextSelectionSet, Enum, InputObject, InputType, InputValueError,
    InputValueResult, Name, OutputType, Positioned, ServerResult, SimpleObject, Value,
};
use db::command::Refused;
use db::platform::audit::queries::{Entry, Filter, Outcome, Place};
use domain::access::{self, Action};
use domain::ids::UserId;
use uuid::Uuid;

use super::Entities;
use crate::abstracts::Abstract;
use crate::describe::{COMMANDS, camel_case};
use crate::eager::eager;
use crate::errors::{ApiError, Code};
use crate::inputs::{DateTimeRangeInput, is_text};
use crate::node::{AnyId, GlobalId, KeyPart, Node, NodeKey, NodeType};
use crate::paging::connection;
use crate::platform::loaders::{EntryKey, PlatformLoader};
use crate::platform::users::{Actor, Role, Scope, Service, User};
use crate::request::OperationContext;
use crate::scalars::{DateTime, Json};
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

/// A command of the audit log: the enum `AuditAction`, built from the descriptors of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditAction(&'static str);

impl AuditAction {
    fn stored(name: &str) -> Option<Self> {
        let mut recorded = RECORDED.values();
        recorded
            .find(|known| **known == name)
            .map(|name| Self(name))
    }

    fn name(self) -> &'static str {
        let mut recorded = RECORDED.iter();
        let name = recorded.find(|(_, name)| **name == self.0);
        name.map_or("", |(name, _)| name)
    }

    fn register(_: &mut Registry) -> MetaType {
        let values = RECORDED.iter().map(|(name, command)| {
            let operation = command.split_once('.').map_or(*command, |(_, name)| name);
            let mut value = MetaEnumValue::new(name);
            value.description = Some(format!("`{}`.", camel_case(operation)));
            (name.clone(), value)
        });
        let values: IndexMap<_, _> = values.collect();
        EnumBuilder::new("AuditAction", values)
            .description(Some(
                "Commands that the audit log records: those of staff, and those of services that post nothing.".to_owned(),
            ))
            .build()
    }
}

impl OutputType for AuditAction {
    fn type_name() -> Cow<'static, str> {
        "AuditAction".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, Self::register)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(InputType::to_value(self))
    }
}

impl InputType for AuditAction {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Self as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, Self::register)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let name = match &value {
            Value::Enum(name) => name.as_str(),
            Value::String(name) => name.as_str(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        let known = RECORDED.get(name).copied();
        known
            .map(Self)
            .ok_or_else(|| InputValueError::custom("this is not a value of AuditAction"))
    }

    fn to_value(&self) -> Value {
        Value::Enum(Name::new(self.name()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Outcomes of a command.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "Outcome")]
pub enum AuditOutcome {
    /// The command took effect.
    Applied,
    /// A rule refused the command.
    Refused,
    /// The caller lacked the role or scope.
    Forbidden,
}

/// Command that staff or a service carried out or attempted.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct AuditLogEntry {
    /// Global id, opaque and stable.
    pub id: GlobalId,
    /// The command.
    pub action: AuditAction,
    /// The entity after the command, under the names of this API; null when nothing changed.
    pub after: Option<Json>,
    /// Number of equal forbidden attempts within the minute that this entry stands for; 1 for other outcomes.
    pub attempts: i32,
    /// The entity before the command, under the names of this API; null when it was created or nothing changed.
    pub before: Option<Json>,
    /// Time of the command.
    pub occurred_at: DateTime,
    /// Outcome of the command.
    pub outcome: AuditOutcome,
    /// Reason the caller gave, 1 to 500 characters; null for commands that take none.
    pub reason: Option<String>,
    /// Id of the request; null for entries without one.
    pub request_id: Option<String>,
    /// Roles of the caller at the time; empty for services.
    pub roles: Vec<Role>,
    /// Scopes of the caller at the time; empty for people.
    pub scopes: Vec<Scope>,
    #[graphql(skip)]
    caller: Caller,
    #[graphql(skip)]
    about: Option<(String, String)>,
    #[graphql(skip)]
    refused: Option<Refused>,
}

enum Caller {
    Person(UserId),
    Service { issuer: String, subject: String },
}

eager! { AuditLogEntry, id, action, after, attempts, before, occurred_at, outcome, reason, request_id }

#[ComplexObject]
impl AuditLogEntry {
    /// Caller of the command. Null only on error.
    async fn actor(&self, ctx: &Context<'_>) -> Option<Result<Actor, ApiError>> {
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
    async fn entity(&self, ctx: &Context<'_>) -> Option<Result<Node, ApiError>> {
        let (kind, key) = self.about.as_ref()?;
        let entities: &Entities = ctx.registered();
        entities.load(ctx, kind, key).await.transpose()
    }

    /// Refusal the command answered; null unless `outcome` is REFUSED.
    async fn refusal(&self, ctx: &Context<'_>) -> Option<Result<Abstract<AnyUserError>, ApiError>> {
        let refused = self.refused.as_ref()?;
        Some(user_errors::any(ctx, refused))
    }
}

impl TryFrom<Entry> for AuditLogEntry {
    type Error = ApiError;

    fn try_from(entry: Entry) -> Result<Self, ApiError> {
        let unreadable = |what: &str| {
            tracing::error!(id = entry.id, "Unreadable {what} of an audit entry");
            ApiError::new(Code::InternalServerError, "an unreadable audit entry")
        };
        let names = entry.roles.iter().map(String::as_str);
        let (roles, scopes) = if entry.is_service {
            let scopes = names.filter_map(access::Scope::parse).map(Scope::from);
            (Vec::new(), scopes.collect())
        } else {
            let roles = names.filter_map(access::Role::parse).map(Role::from);
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
        Ok(Self {
            id: GlobalId::of::<Self>(&EntryKey(entry.id)),
            action: AuditAction::stored(&entry.action).ok_or_else(|| unreadable("action"))?,
            after: entry.after.map(Json),
            before: entry.before.map(Json),
            occurred_at: entry.occurred_at.into(),
            outcome: entry.outcome.into(),
            reason: entry.reason,
            request_id: entry.request_id,
            attempts: entry.attempts,
            roles,
            scopes,
            caller,
            about: entry.entity_kind.zip(entry.entity_id),
            refused: entry.refusal,
        })
    }
}

impl NodeKey for EntryKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(self.0.to_string())
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl NodeType for AuditLogEntry {
    const KIND: &'static str = "AuditLogEntry";
    type Key = EntryKey;

    async fn load(ctx: &Context<'_>, key: EntryKey) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::AuditLogRead, false) {
            return Ok(None);
        }
        let entry = ctx.loader::<PlatformLoader>().load_one(key).await?;
        entry.map(Self::try_from).transpose()
    }
}

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
    pub(crate) fn checked(self, ctx: &Context<'_>) -> Result<Filter, ApiError> {
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
            action: self.action.map(|action| action.0.to_owned()),
            entity: entity.transpose()?,
            outcome: self.outcome.map(Into::into),
            request_id: self.request_id,
            since,
            until,
        })
    }
}
