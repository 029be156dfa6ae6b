//! Commands: descriptors, requests, and the ways in which a body stops.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Jsonb;
use domain::access::{Action, Person, Principal};
use domain::ids::OwnerId;
use domain::refusal::{Declaration, Fact, Refusal as Declared, Rejection, declaration};
use domain::wallets::{Origin, PostingCause};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{DbError, Owner, Result};

/// Whether a command needs an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// Optional: the command moves neither points nor money.
    Optional,
    /// Required: a retry without a key could move points or money twice.
    Required,
}

/// Descriptor of a command. `db` and `resolvers` use the same constant, so that no name is written twice.
#[derive(Debug)]
pub struct Command<R: Refusal> {
    /// Context and operation, such as `mining.circle_rename`; the mutation is the operation in camelCase.
    pub name: &'static str,
    /// Action that the policy allows or denies.
    pub action: Action,
    /// Whether it needs an idempotency key.
    pub key: KeyRule,
    /// Refusals in the order in which they are checked.
    pub refusals: &'static [R::Kind],
}

/// A descriptor without its refusal type, for registries.
#[derive(Clone, Copy)]
pub struct Described {
    /// See [`Command::name`].
    pub name: &'static str,
    /// See [`Command::action`].
    pub action: Action,
    /// See [`Command::key`].
    pub key: KeyRule,
    codes: fn() -> Vec<&'static str>,
}

impl Described {
    /// The name of the operation, such as `circle_rename`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.name
            .split_once('.')
            .map_or(self.name, |(_, operation)| operation)
    }

    /// Codes of its refusals in the order in which they are checked, each once.
    #[must_use]
    pub fn codes(&self) -> Vec<&'static str> {
        (self.codes)()
    }
}

impl<R: Refusal> Command<R> {
    /// The descriptor without its refusal type. `codes` must call [`Command::codes`] of the same constant.
    #[must_use]
    pub const fn described(&self, codes: fn() -> Vec<&'static str>) -> Described {
        Described {
            name: self.name,
            action: self.action,
            key: self.key,
            codes,
        }
    }

    /// Codes of its refusals in the order in which they are checked, each once.
    #[must_use]
    pub fn codes(&self) -> Vec<&'static str> {
        let mut codes = Vec::new();
        for kind in self.refusals {
            let code = declaration::<R>(*kind).texts.code;
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }
}

/// Declares the descriptors of a file's commands, and `COMMANDS`, the list of them for the registry. A descriptor has
/// name, action, key rule, and refusals in the order in which they are checked.
///
/// ```text
/// commands! {
///     CircleRefusal;
///     CIRCLE_RENAME = "mining.circle_rename", CircleRename, Optional:
///         MinerNotFound, MinerBanned, NameInvalid, NotInCircle, NotOwner;
/// }
/// ```
macro_rules! commands {
    (
        $refusal:ty;
        $($command:ident = $name:literal, $action:ident, $key:ident: $($kind:ident),+;)+
    ) => {
        $(
            #[doc = concat!("Descriptor of the command `", $name, "`.")]
            pub const $command: $crate::command::Command<$refusal> = $crate::command::Command {
                name: $name,
                action: domain::access::Action::$action,
                key: $crate::command::KeyRule::$key,
                refusals: {
                    type Kind = <$refusal as domain::refusal::Refusal>::Kind;
                    &[$(Kind::$kind),+]
                },
            };
        )+

        /// Descriptors of these commands.
        pub(crate) const COMMANDS: &[$crate::command::Described] =
            &[$($command.described(|| $command.codes())),+];
    };
}
pub(crate) use commands;

/// A refusal that can be stored. `refusable!` implements it for the enums of `domain`.
///
/// Rust's coherence rules let [`Stop`] convert both from this trait and from [`DbError`] only if the trait is of this crate.
pub trait Refusal: Declared {
    /// The stored form.
    fn stored(&self) -> Refused {
        let declared = declaration::<Self>(self.kind());
        let facts = self.facts().into_iter();
        Refused {
            aggregate: Self::AGGREGATE.to_owned(),
            name: declared.name.to_owned(),
            field: self.field(),
            facts: facts
                .map(|(name, fact)| (name.to_owned(), value_of(&fact)))
                .collect(),
            cause: None,
            items: Vec::new(),
        }
    }
}

/// Implements [`Refusal`] for enums of `domain`.
macro_rules! refusable {
    ($($refusal:ty),+ $(,)?) => {
        $(impl $crate::command::Refusal for $refusal {})+
    };
}
pub(crate) use refusable;

fn value_of(fact: &Fact) -> Value {
    match fact {
        Fact::Count(count) => (*count).into(),
        Fact::Decimal(decimal) => decimal.to_string().into(),
        Fact::Time(at) => at.to_rfc3339().into(),
        Fact::Id(id) => id.to_string().into(),
        Fact::Text(text) => text.clone().into(),
        Fact::Null => Value::Null,
    }
}

/// A refusal as it is stored with its idempotency key and in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromSqlRow)]
pub struct Refused {
    /// Aggregate whose refusal it is, such as `Circle`.
    pub aggregate: String,
    /// Name in the aggregate's declaration.
    pub name: String,
    /// Path of the input's field at fault; empty when no single field is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field: Vec<String>,
    /// Values that the text mentions.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map<String, Value>,
    /// Refusal of the command that an approval carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<Refused>>,
    /// Refusals of the items of a batch, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Refused>,
}

impl FromSql<Jsonb, Pg> for Refused {
    fn from_sql(stored: PgValue<'_>) -> deserialize::Result<Self> {
        let stored = <Value as FromSql<Jsonb, Pg>>::from_sql(stored)?;
        Ok(serde_json::from_value(stored)?)
    }
}

impl Refused {
    /// The declaration of this refusal in its aggregate.
    #[must_use]
    pub fn declaration<R: Declared>(&self) -> Option<&'static Declaration> {
        let mut declared = R::DECLARED.iter().map(|(_, declaration)| declaration);
        declared.find(|declaration| declaration.name == self.name)
    }
}

/// Reason why the body of a command stops.
#[derive(Debug)]
pub enum Stop<R> {
    /// A refusal: data, stored with the key.
    Refused(R),
    /// A refusal caused by the refusal of another command.
    Because(R, Box<Refused>),
    /// A refusal of a batch, with the refusals of its items.
    Each(R, Vec<Refused>),
    /// A fault: the transaction is rolled back.
    Fault(DbError),
}

impl<R: Refusal> Stop<R> {
    /// The refusal and its stored form, or the fault.
    pub(crate) fn stored(self) -> Result<(R, Refused)> {
        let (refusal, cause, items) = match self {
            Self::Refused(refusal) => (refusal, None, Vec::new()),
            Self::Because(refusal, cause) => (refusal, Some(cause), Vec::new()),
            Self::Each(refusal, items) => (refusal, None, items),
            Self::Fault(fault) => return Err(fault),
        };
        let stored = Refused {
            cause,
            items,
            ..refusal.stored()
        };
        Ok((refusal, stored))
    }
}

impl<R> From<DbError> for Stop<R> {
    fn from(fault: DbError) -> Self {
        Self::Fault(fault)
    }
}

impl<R> From<diesel::result::Error> for Stop<R> {
    fn from(fault: diesel::result::Error) -> Self {
        Self::Fault(fault.into())
    }
}

impl<R: Refusal> From<R> for Stop<R> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R: Refusal> From<Rejection<R>> for Stop<R> {
    fn from(rejection: Rejection<R>) -> Self {
        match rejection {
            Rejection::Refused(refusal) => Self::Refused(refusal),
            Rejection::Overflow(overflow) => Self::Fault(overflow.into()),
        }
    }
}

/// A command as it was sent: caller, idempotency key, input hash.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller.
    pub principal: Principal,
    /// Capacity in which the caller acts; decides whether the audit log records the command.
    pub origin: Origin,
    /// Idempotency key; a command without one is carried out each time it is sent.
    pub key: Option<String>,
    /// SHA-256 of the input.
    pub hash: [u8; 32],
    /// Id of the HTTP request or socket operation.
    pub request_id: String,
    /// Owner that the input of a service's command names; the idempotency key is stored on that owner's shard. Ignored for
    /// other callers.
    pub subject: Option<Home>,
}

/// Owner whose shard stores an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// An owner, whose row is created when it is missing.
    Owner(Owner),
    /// Id of the owner of an object that the request names. The owner's row is not created: without it the object does not
    /// exist, and the refusal is not stored.
    OfObject(Uuid),
}

impl Home {
    /// The owner's id.
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Owner(owner) => owner.id,
            Self::OfObject(id) => id,
        }
    }
}

impl Request {
    /// The hash of an input, given as its canonical text.
    #[must_use]
    pub fn hash_of(input: &str) -> [u8; 32] {
        Sha256::digest(input.as_bytes()).into()
    }

    /// The person who sent the command; a fault if the caller is a service, which the policy keeps out of such commands.
    pub fn person(&self) -> Result<&Person> {
        let person = self.principal.person();
        person.ok_or_else(|| DbError::inconsistent("policy", "person", "a service"))
    }

    /// The request with this owner as its subject.
    #[must_use]
    pub(crate) fn with_subject(&self, owner: impl Into<Owner>) -> Self {
        Self {
            subject: Some(Home::Owner(owner.into())),
            ..self.clone()
        }
    }

    /// The request with the owner of the object that it names as its subject.
    #[must_use]
    pub(crate) fn with_subject_of_object(&self, owner: OwnerId) -> Self {
        Self {
            subject: Some(Home::OfObject(owner.0)),
            ..self.clone()
        }
    }

    /// The request without a subject.
    #[must_use]
    pub(crate) fn without_subject(&self) -> Self {
        Self {
            subject: None,
            ..self.clone()
        }
    }

    /// Owner whose shard stores the idempotency key: whom a service names, else the caller.
    pub(crate) fn home(&self) -> Result<Home> {
        let named = match self.principal {
            Principal::Service(_) => self.subject,
            Principal::Anonymous | Principal::Person(_) => None,
        };
        named
            .or_else(|| Owner::of(&self.principal).map(Home::Owner))
            .ok_or_else(|| DbError::inconsistent("policy", "principal", "an anonymous caller"))
    }

    /// The command as the cause of a posting.
    pub(crate) fn posting_cause(&self) -> PostingCause {
        PostingCause {
            origin: self.origin,
            caller: Some(actor(&self.principal)),
            request_id: Some(self.request_id.clone()),
        }
    }

    /// Issuer and subject: idempotency keys belong to their caller.
    pub(crate) fn caller(&self) -> String {
        let (issuer, subject) = actor(&self.principal);
        format!("{issuer}|{subject}")
    }
}

/// Issuer and subject of a principal.
#[must_use]
pub fn actor(principal: &Principal) -> (String, String) {
    match principal {
        Principal::Anonymous => (String::new(), "anonymous".to_owned()),
        Principal::Person(person) => (person.issuer.clone(), person.id.to_string()),
        Principal::Service(service) => (service.issuer.clone(), service.subject.clone()),
    }
}
