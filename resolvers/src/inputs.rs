//! Inputs that several contexts use.

use async_graphql::{
    Enum, InputObject, InputType, InputValueError, InputValueResult, MaybeUndefined, Name, Pos,
    Value,
};
use domain::ids::UserId;
use domain::time::Timestamp;
use rust_decimal::Decimal as Exact;
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use crate::delegation::input_like;
use crate::errors::{ApiError, Result};
use crate::scalars::{DateTime, Decimal};

/// Most characters of a search text.
const LONGEST_SEARCH: usize = 100;

/// An argument with ids. One that can't be read is an error of its field: the engine alone would discard the results of
/// all other fields, also of commands that have committed.
pub struct Parsed<I>(Result<I>);

impl<I> Parsed<I> {
    /// A value that was not sent.
    pub(crate) fn default_of(value: I) -> Self {
        Self(Ok(value))
    }

    /// The value.
    pub(crate) fn get(self) -> Result<I> {
        self.0
    }
}

impl<I: InputType> InputType for Parsed<I> {
    input_like!(I);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let parsed = I::parse(value).map_err(|error| {
            let message = error.into_server_error(Pos::default()).message;
            ApiError::bad_input(message)
        });
        Ok(Self(parsed))
    }

    fn to_value(&self) -> Value {
        self.0.as_ref().map(I::to_value).unwrap_or_default()
    }
}

/// A value that null removes; an absent one is left as it is. Idempotency keys tell the two apart.
pub struct Removable<T>(pub MaybeUndefined<T>);

impl<T: InputType> InputType for Removable<T> {
    input_like!(MaybeUndefined<T>);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let parsed = MaybeUndefined::parse(value);
        parsed.map(Self).map_err(InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            MaybeUndefined::Undefined => Value::Null,
            MaybeUndefined::Null => Value::Enum(Name::new("null")),
            MaybeUndefined::Value(value) => value.to_value(),
        }
    }
}

/// Key of a person or of another owner, for arguments such as `userId` and `ownerId`. The nil UUID is refused: the ledger
/// keeps the platform's own accounts under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerKey(pub Uuid);

impl InputType for OwnerKey {
    input_like!(Uuid);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let key = Uuid::parse(value).map_err(InputValueError::propagate)?;
        if key.is_nil() {
            let problem = "the nil UUID is the key of no person and of no other owner";
            return Err(InputValueError::custom(problem));
        }
        Ok(Self(key))
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

impl From<OwnerKey> for UserId {
    fn from(key: OwnerKey) -> Self {
        Self(key.0)
    }
}

/// The argument `limit: Int! = 100`. The engine alone rejects a variable without a value, which stands for the default;
/// null is an error of the field, as in [`Parsed`].
pub struct Limit(Result<i32>);

impl Limit {
    const DEFAULT: i32 = 100;

    /// The default.
    pub(crate) fn usual() -> Self {
        Self(Ok(Self::DEFAULT))
    }

    /// The value.
    pub(crate) fn get(self) -> Result<i32> {
        self.0
    }
}

impl InputType for Limit {
    input_like!(i32);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            None => Ok(Self::usual()),
            Some(Value::Null) => {
                let problem = "the argument limit must not be null: leave it out for the default";
                Ok(Self(Err(ApiError::bad_input(problem))))
            }
            value => i32::parse(value)
                .map(|value| Self(Ok(value)))
                .map_err(InputValueError::propagate),
        }
    }

    fn to_value(&self) -> Value {
        let value = self.0.as_ref();
        value.map_or(Value::Null, |value| (*value).into())
    }
}

/// Direction of an order.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDirection {
    /// Smallest or oldest first.
    Asc,
    /// Largest or newest first.
    Desc,
}

/// Range of amounts; at least one end is given.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct AmountRangeInput {
    /// Largest amount, included; null for no limit.
    pub max: Option<Decimal>,
    /// Smallest amount, included; null for no limit.
    pub min: Option<Decimal>,
}

impl AmountRangeInput {
    /// Smallest and largest amount in the smallest unit of a currency with this scale. Ends beyond all amounts are those of
    /// 64 bits.
    pub(crate) fn ends(self, scale: u8) -> Result<(Option<i64>, Option<i64>)> {
        if self.min.is_none() && self.max.is_none() {
            return Err(ApiError::bad_input(
                "a range of amounts needs `min` or `max`",
            ));
        }
        let unit = Exact::from(10_i64.pow(scale.into()));
        let minor = |amount: Exact, round: fn(&Exact) -> Exact| {
            let beyond = if amount.is_sign_negative() {
                i64::MIN
            } else {
                i64::MAX
            };
            let units = amount.checked_mul(unit).map(|units| round(&units));
            units.and_then(|units| units.to_i64()).unwrap_or(beyond)
        };
        let min = self.min.map(|min| minor(min.0, Exact::ceil));
        let max = self.max.map(|max| minor(max.0, Exact::floor));
        Ok((min, max))
    }
}

/// Range of time; at least one end is given.
#[derive(InputObject, Clone, Copy, Debug)]
pub struct DateTimeRangeInput {
    /// Start, included; null for no start.
    pub from: Option<DateTime>,
    /// End, excluded; null for no end.
    pub until: Option<DateTime>,
}

impl DateTimeRangeInput {
    /// Start and end.
    pub(crate) fn ends(self) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        match (self.from, self.until) {
            (None, None) => Err(ApiError::bad_input(
                "give `from`, `until` or both, or leave the range out",
            )),
            (Some(from), Some(until)) if from.0 >= until.0 => {
                Err(ApiError::bad_input("`from` has to be before `until`"))
            }
            (from, until) => Ok((from.map(|at| at.0), until.map(|at| at.0))),
        }
    }
}

/// A search text; none for a blank one.
pub(crate) fn search(text: Option<String>) -> Result<Option<String>> {
    let text = text.filter(|text| !text.trim().is_empty());
    let parsed = text.map(|text| {
        let problem = "give `search` at most 100 visible characters on one line: remove hidden characters and text-direction controls";
        domain::text::parse(&text, LONGEST_SEARCH).ok_or_else(|| ApiError::bad_input(problem))
    });
    parsed.transpose()
}

/// Whether PostgreSQL can compare a text of at most so many characters.
pub(crate) fn is_text(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.contains('\0')
}
