//! Refusals, declared once per aggregate: code, offending field, texts and facts.
//!
//! From a declaration follow the stored form (`db`), the error code enum, the user error and the sentence "Refusals: …"
//! of the GraphQL schema (`resolvers`).

use std::fmt;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::money::{CurrencyCode, Overflow};
use crate::time::Timestamp;

/// Code, field and texts of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Code for programs. Variants of one enum may share a code.
    pub code: &'static str,
    /// Field of the command's input that is at fault, as a dotted path; empty when no single field is. `{name}` stands
    /// for a fact: a place in a list.
    pub field: &'static str,
    /// English text; `{name}` stands for a fact.
    pub english: &'static str,
    /// Vietnamese text; `{name}` stands for a fact.
    pub vietnamese: &'static str,
    /// Whether a retry with the same idempotency key returns the refusal again.
    pub is_final: bool,
}

impl Texts {
    /// A refusal because an object of the caller does not exist yet: a retry with the same key is checked anew. No other
    /// refusal is: its key must not carry the command out later.
    pub(crate) const fn checked_anew(self) -> Self {
        Self {
            is_final: false,
            ..self
        }
    }
}

/// Code, field, English and Vietnamese text of a refusal.
pub(crate) const fn texts(
    code: &'static str,
    field: &'static str,
    english: &'static str,
    vietnamese: &'static str,
) -> Texts {
    Texts {
        code,
        field,
        english,
        vietnamese,
        is_final: true,
    }
}

/// The reason for a command is invalid.
pub(crate) const REASON_INVALID: Texts = texts(
    "REASON_INVALID",
    "reason",
    "give a reason of 1 to 500 visible characters on one line: remove hidden characters and text-direction controls",
    "hãy nêu lý do gồm 1 đến 500 ký tự hiển thị được trên một dòng: hãy xóa ký tự ẩn và ký tự đổi hướng chữ",
);

/// One way in which a command of an aggregate can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Name of the variant: the key of the stored form.
    pub name: &'static str,
    /// Description of the code in the schema.
    pub description: &'static str,
    /// Code, field and texts.
    pub texts: Texts,
}

/// A value that a refusal's text mentions; also a typed field of the user error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A whole number.
    Count(i64),
    /// An exact number.
    Decimal(Decimal),
    /// A moment.
    Time(Timestamp),
    /// The id of an object.
    Id(Uuid),
    /// A name or a code.
    Text(String),
    /// A value that this refusal does not have.
    Null,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Decimal(decimal) => decimal.fmt(f),
            Self::Time(at) => at.format("%Y-%m-%d %H:%M:%S UTC").fmt(f),
            Self::Id(id) => id.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Null => Ok(()),
        }
    }
}

macro_rules! facts_from {
    ($($type:ty => $fact:ident),+ $(,)?) => {
        $(impl From<$type> for Fact {
            fn from(value: $type) -> Self {
                Self::$fact(value.into())
            }
        })+
    };
}
facts_from!(
    u32 => Count, i32 => Count, i64 => Count, Decimal => Decimal, Timestamp => Time, Uuid => Id,
    &'static str => Text,
);

impl From<CurrencyCode> for Fact {
    fn from(code: CurrencyCode) -> Self {
        Self::Text(code.to_string())
    }
}

impl<T: Into<Fact>> From<Option<T>> for Fact {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The refusals of an aggregate, declared with `refusals!`. A caller can resolve each of them.
pub trait Refusal: Clone + fmt::Debug + fmt::Display + PartialEq + Send + Sync + 'static {
    /// The fieldless twin, for descriptors of commands.
    type Kind: Copy + fmt::Debug + PartialEq + Send + Sync + 'static;

    /// Name of the aggregate, such as `Circle`.
    const AGGREGATE: &'static str;

    /// Every refusal, in the order of the declaration.
    const DECLARED: &'static [(Self::Kind, Declaration)];

    /// Its kind.
    fn kind(&self) -> Self::Kind;

    /// The values that its text mentions, by name.
    fn facts(&self) -> Vec<(&'static str, Fact)>;

    /// Path of the input's field at fault; empty when no single field is.
    fn field(&self) -> Vec<String> {
        let field = declaration::<Self>(self.kind()).texts.field;
        let field = if field.contains('{') {
            render(field, self.facts())
        } else {
            field.to_owned()
        };
        let names = field.split('.').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// Its code.
    fn code(&self) -> &'static str {
        declaration::<Self>(self.kind()).texts.code
    }
}

/// The declaration of a kind of refusal.
#[must_use]
pub fn declaration<R: Refusal>(kind: R::Kind) -> &'static Declaration {
    let declared = R::DECLARED.iter().find(|(known, _)| *known == kind);
    match declared {
        Some((_, declaration)) => declaration,
        None => unreachable!("the macro declares every kind"),
    }
}

/// Reason why a rule returned no result: a refusal, or a value that its type can't hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection<R> {
    /// A refusal.
    Refused(R),
    /// A fault.
    Overflow(Overflow),
}

impl<R: Refusal> From<R> for Rejection<R> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R> From<Overflow> for Rejection<R> {
    fn from(overflow: Overflow) -> Self {
        Self::Overflow(overflow)
    }
}

/// Fills a text with facts.
#[must_use]
pub fn render<'a>(text: &str, facts: impl IntoIterator<Item = (&'a str, Fact)>) -> String {
    facts
        .into_iter()
        .fold(text.to_owned(), |text, (name, fact)| {
            text.replace(&format!("{{{name}}}"), &fact.to_string())
        })
}

/// Declares the refusals of an aggregate.
///
/// ```text
/// refusals! {
///     /// Refusals of commands on circles.
///     CircleRefusal, CircleRefusalKind, "Circle";
///
///     /// The caller left a circle recently and has to wait.
///     Cooldown { retry_at: Timestamp } = texts("CIRCLE_COOLDOWN", "",
///         "you can join a circle from {retry_at} on",
///         "bạn có thể tham gia từ {retry_at}");
/// }
/// ```
macro_rules! refusals {
    (
        $(#[$doc:meta])* $type:ident, $kind:ident, $aggregate:literal;
        $($(#[doc = $description:literal])+ $name:ident $({ $($fact:ident: $value:ty),+ })? = $texts:expr;)+
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[doc = $description])+ $name $({ $(#[doc = concat!("Fact `", stringify!($fact), "`.")] $fact: $value),+ })?),+
        }

        #[doc = concat!("Kinds of [`", stringify!($type), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $($(#[doc = $description])+ $name),+
        }

        impl $crate::refusal::Refusal for $type {
            type Kind = $kind;
            const AGGREGATE: &'static str = $aggregate;
            const DECLARED: &'static [($kind, $crate::refusal::Declaration)] = &[$((
                $kind::$name,
                $crate::refusal::Declaration {
                    name: stringify!($name),
                    description: concat!($($description),+),
                    texts: $texts,
                },
            )),+];

            fn kind(&self) -> $kind {
                match self {
                    $(Self::$name { .. } => $kind::$name),+
                }
            }

            fn facts(&self) -> Vec<(&'static str, $crate::refusal::Fact)> {
                match self {
                    $(Self::$name $({ $($fact),+ })? => vec![$($((stringify!($fact), (*$fact).into())),+)?]),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use $crate::refusal::Refusal as _;
                let text = $crate::refusal::declaration::<Self>(self.kind()).texts.english;
                f.write_str(&$crate::refusal::render(text, self.facts()))
            }
        }
    };
}
pub(crate) use refusals;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mining::{
        CircleRefusal, InvitationRefusal, KycRefusal, MinerRefusal, ReferralRefusal,
        SessionRefusal, StreakRefusal,
    };
    use crate::platform::{ApprovalRefusal, ConfigurationProblem};
    use crate::wallets::hold::HoldRefusal;
    use crate::wallets::settlement::SettlementRefusal;
    use crate::wallets::wallet::WalletRefusal;

    fn names(text: &str) -> Vec<&str> {
        let parts = text.split('{').skip(1);
        parts.filter_map(|part| part.split('}').next()).collect()
    }

    fn check<R: Refusal>(declared: &mut Vec<&'static Declaration>) {
        for (_, declaration) in R::DECLARED {
            assert!(
                !declaration.texts.english.is_empty() && !declaration.texts.vietnamese.is_empty()
            );
            assert_eq!(
                names(declaration.texts.english),
                names(declaration.texts.vietnamese),
                "{}",
                declaration.texts.code
            );
            declared.push(declaration);
        }
    }

    #[test]
    fn texts_have_the_same_facts_in_both_languages() {
        let mut declared = Vec::new();
        check::<MinerRefusal>(&mut declared);
        check::<KycRefusal>(&mut declared);
        check::<SessionRefusal>(&mut declared);
        check::<StreakRefusal>(&mut declared);
        check::<CircleRefusal>(&mut declared);
        check::<InvitationRefusal>(&mut declared);
        check::<ReferralRefusal>(&mut declared);
        check::<ConfigurationProblem>(&mut declared);
        check::<ApprovalRefusal>(&mut declared);
        check::<HoldRefusal>(&mut declared);
        check::<SettlementRefusal>(&mut declared);
        check::<WalletRefusal>(&mut declared);
        assert!(declared.len() > 60);
    }

    #[test]
    fn renders_facts_into_the_text() {
        let retry_at = Timestamp::UNIX_EPOCH;
        let refusal = CircleRefusal::Cooldown { retry_at };
        assert_eq!(refusal.code(), "CIRCLE_COOLDOWN");
        assert!(refusal.to_string().contains("1970-01-01 00:00:00 UTC"));
        assert_eq!(
            refusal.facts(),
            [("retry_at", Fact::Time(Timestamp::UNIX_EPOCH))]
        );
    }
}
