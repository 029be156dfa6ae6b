//! User errors: the refusals of an aggregate as GraphQL types, built from their declaration in `domain`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::marker::PhantomData;

use async_graphql::registry::Registry;
use async_graphql::{Context, OutputType};
use chrono::DateTime;
use db::command::Refused;
use domain::money::CurrencyCode;
use domain::refusal::{Declaration, Fact, Refusal, render};
use uuid::Uuid;

use crate::abstracts::{Abstract, AbstractKind, AbstractType, DynOutput, FieldOf};
use crate::enums::{EnumOf, EnumValue};
use crate::errors::{ApiError, Code, Result};
use crate::language::Language;
use crate::request::OperationContext;
use crate::scalars;

/// The user error of an aggregate. [`user_error`] declares it.
pub(crate) trait UserErrorType: OutputType + Sized + 'static {
    /// Refusals of the aggregate.
    type Refusal: Refusal;

    /// Plural noun of the aggregate, such as `circles`.
    const SUBJECT: &'static str;

    /// The user error of a stored refusal.
    fn of(ctx: &Context<'_>, refused: &Refused) -> Result<Self>;
}

/// Declares the user error of an aggregate, with the facts of its refusals as fields.
macro_rules! user_error {
    ($type:ident, $refusal:ty, $subject:literal; $($(#[$doc:meta])* $fact:ident: $value:ty),* $(,)?) => {
        #[doc = concat!("Refusal of a command on ", $subject, ".")]
        #[derive(async_graphql::SimpleObject)]
        pub struct $type {
            /// Code of the refusal, for programs.
            pub code: $crate::user_errors::ErrorCode<$type>,
            /// Path of the offending field from `input`; null when no single field is at fault.
            pub field: Option<Vec<String>>,
            /// Text for people, in the language of the request.
            pub message: String,
            $($(#[$doc])* pub $fact: Option<$value>,)*
        }

        $crate::object::used_getters!($type: code, field, message $(, $fact)*);

        impl $crate::user_errors::UserErrorType for $type {
            type Refusal = $refusal;
            const SUBJECT: &'static str = $subject;

            fn of(
                ctx: &async_graphql::Context<'_>,
                refused: &db::command::Refused,
            ) -> Result<Self, $crate::errors::ApiError> {
                Ok(Self {
                    code: $crate::user_errors::code(refused)?,
                    field: $crate::user_errors::field(refused),
                    message: $crate::user_errors::message::<Self>(ctx, refused)?,
                    $($fact: $crate::user_errors::FactValue::of(refused, stringify!($fact)),)*
                })
            }
        }
    };
}
pub(crate) use user_error;

/// A refusal code of an aggregate.
#[derive(Debug)]
pub struct RefusalCode<E> {
    code: &'static str,
    of: PhantomData<fn() -> E>,
}

impl<E> Clone for RefusalCode<E> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<E: UserErrorType> EnumValue for RefusalCode<E> {
    fn enum_name() -> Cow<'static, str> {
        format!("{}ErrorCode", E::Refusal::AGGREGATE).into()
    }

    fn enum_description() -> Cow<'static, str> {
        format!("Refusal codes of {}.", E::SUBJECT).into()
    }

    fn all() -> impl Iterator<Item = (Self, Cow<'static, str>)> {
        let mut known = HashSet::new();
        let declared = E::Refusal::DECLARED.iter().map(|(_, declared)| declared);
        let declared = declared.filter(move |declared| known.insert(declared.texts.code));
        declared.map(|declared| {
            let (code, description) = (declared.texts.code, declared.description);
            (
                Self {
                    code,
                    of: PhantomData,
                },
                Cow::from(description),
            )
        })
    }

    fn value_name(&self) -> Cow<'static, str> {
        self.code.into()
    }
}

/// The error code enum of an aggregate, such as `CircleErrorCode`.
pub type ErrorCode<E> = EnumOf<RefusalCode<E>>;

/// The code of a refusal.
pub(crate) fn code_of<E: UserErrorType>(refusal: &E::Refusal) -> ErrorCode<E> {
    EnumOf(RefusalCode {
        code: refusal.code(),
        of: PhantomData,
    })
}

/// The code of a stored refusal.
pub(crate) fn code<E: UserErrorType>(refused: &Refused) -> Result<ErrorCode<E>> {
    Ok(EnumOf(RefusalCode {
        code: declaration::<E>(refused)?.texts.code,
        of: PhantomData,
    }))
}

/// The interface `UserError`.
pub struct AnyUserError;

impl AbstractType for AnyUserError {
    const NAME: &'static str = "UserError";
    const DESCRIPTION: &'static str = "Refusal of a command that a person can act on.";
    const KIND: AbstractKind = AbstractKind::Interface;

    const FIELDS: &'static [FieldOf] = &[
        (
            "field",
            "[String!]",
            "Path of the offending field from `input`; null when no single field is at fault.",
        ),
        (
            "message",
            "String!",
            "Text for people, in the language of the request.",
        ),
    ];
}

type Show = fn(&Context<'_>, &Refused) -> Result<Box<dyn DynOutput>>;

/// A registered user error: any refusal of its aggregate can be shown as `UserError`.
#[derive(Clone, Copy)]
pub(crate) struct RegisteredUserError {
    aggregate: &'static str,
    pub register: fn(&mut Registry) -> String,
    of: Show,
}

impl RegisteredUserError {
    /// Registers a user error.
    pub const fn new<E: UserErrorType>() -> Self {
        Self {
            aggregate: E::Refusal::AGGREGATE,
            register: E::create_type_info,
            of: |ctx, refused| Ok(Box::new(E::of(ctx, refused)?)),
        }
    }
}

/// The registered user errors, by context.
pub(crate) struct UserErrors(pub &'static [&'static [RegisteredUserError]]);

/// Any stored refusal as the interface `UserError`.
pub(crate) fn any(ctx: &Context<'_>, refused: &Refused) -> Result<Abstract<AnyUserError>> {
    let UserErrors(known) = ctx.registered();
    let mut known = known.iter().copied().flatten();
    match known.find(|known| known.aggregate == refused.aggregate) {
        Some(known) => Ok(Abstract::new((known.of)(ctx, refused)?)),
        None => Err(unknown(refused)),
    }
}

fn declaration<E: UserErrorType>(refused: &Refused) -> Result<&'static Declaration> {
    let declared = refused.declaration::<E::Refusal>();
    declared.ok_or_else(|| unknown(refused))
}

fn unknown(refused: &Refused) -> ApiError {
    let Refused {
        aggregate, name, ..
    } = refused;
    tracing::error!(aggregate, name, "Unknown refusal {aggregate}.{name}");
    ApiError::new(Code::InternalServerError, "an unknown refusal")
}

/// Path of the input's field at fault.
pub(crate) fn field(refused: &Refused) -> Option<Vec<String>> {
    (!refused.field.is_empty()).then(|| refused.field.clone())
}

/// The refusal's text in the language of the request.
pub(crate) fn message<E: UserErrorType>(ctx: &Context<'_>, refused: &Refused) -> Result<String> {
    let declared = declaration::<E>(refused)?;
    let text = match ctx.operation().caller.language {
        Language::English => declared.texts.english,
        Language::Vietnamese => declared.texts.vietnamese,
    };
    let facts = refused.facts.iter();
    let facts = facts.filter_map(|(name, value)| Some((name.as_str(), fact(value)?)));
    Ok(render(text, facts))
}

fn fact(value: &serde_json::Value) -> Option<Fact> {
    if let Some(count) = value.as_i64() {
        return Some(Fact::Count(count));
    }
    let text = value.as_str()?;
    if let Ok(decimal) = rust_decimal::Decimal::from_str_exact(text) {
        return Some(Fact::Decimal(decimal));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Fact::Time(at.to_utc()));
    }
    Some(match Uuid::try_parse(text) {
        Ok(id) => Fact::Id(id),
        Err(_) => Fact::Text(text.to_owned()),
    })
}

/// A type of a user error's field that shows a fact of the refusal.
pub(crate) trait FactValue: Sized {
    /// The value of a fact; none for types that are made of several facts.
    fn read(_: Fact) -> Option<Self> {
        None
    }

    /// The fact of this name, if the refusal has it.
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        refused.facts.get(name).and_then(fact).and_then(Self::read)
    }
}

/// Implements [`FactValue`] by the facts that a type shows.
macro_rules! fact_values {
    ($($type:ty { $($fact:pat => $value:expr),+ })+) => {
        $(impl FactValue for $type {
            fn read(fact: Fact) -> Option<Self> {
                match fact {
                    $($fact => $value,)+
                    _ => None,
                }
            }
        })+
    };
}

fact_values! {
    i32 { Fact::Count(count) => Self::try_from(count).ok() }
    scalars::Decimal {
        Fact::Decimal(decimal) => Some(Self(decimal)),
        Fact::Count(count) => Some(Self(count.into()))
    }
    scalars::DateTime { Fact::Time(at) => Some(Self(at)) }
    Uuid { Fact::Id(id) => Some(id) }
    String { Fact::Text(text) => Some(text) }
    scalars::CurrencyCode { Fact::Text(text) => CurrencyCode::parse(&text).map(Self) }
}
