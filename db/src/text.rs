//! Conversions between values and columns: names of enums, points as decimals, integers of another width.

use domain::mining::{POINTS_SCALE, Points};
use domain::named::Named;
use rust_decimal::Decimal;

use crate::{DbError, Result};

/// Converts a value to the type of its column, or back; a value that does not fit is a fault with table and column.
pub(crate) fn fit<T, U>(table: &'static str, column: &'static str, value: T) -> Result<U>
where
    T: Copy + std::fmt::Display,
    U: TryFrom<T>,
{
    U::try_from(value).map_err(|_| DbError::inconsistent(table, column, value))
}

/// Converts rows to values of the domain.
pub(crate) fn values<R, T>(rows: Vec<R>) -> Result<Vec<T>>
where
    T: TryFrom<R, Error = DbError>,
{
    rows.into_iter().map(T::try_from).collect()
}

/// Points as an exact decimal with four places.
pub(crate) fn points_decimal(points: Points) -> Decimal {
    points.to_decimal(POINTS_SCALE)
}

/// Points as text with four places.
pub(crate) fn points(points: Points) -> String {
    points_decimal(points).to_string()
}

/// Reads a column that stores the name of a value.
pub(crate) fn read_name<E: Named>(
    table: &'static str,
    column: &'static str,
    name: &str,
) -> Result<E> {
    E::of_name(name).ok_or_else(|| DbError::inconsistent(table, column, name))
}

/// Serializes enums by their names: `#[serde(with = "named")]`.
pub(crate) mod named {
    use domain::named::Named;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<E: Named, S: Serializer>(value: &E, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.name())
    }

    pub fn deserialize<'de, E: Named, D: Deserializer<'de>>(from: D) -> Result<E, D::Error> {
        let name = String::deserialize(from)?;
        E::of_name(&name).ok_or_else(|| D::Error::custom(format!("{name} is not a value")))
    }
}

/// Serializes codes of currencies as text: `#[serde(with = "code")]`.
pub(crate) mod code {
    use domain::money::CurrencyCode;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(code: &CurrencyCode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(code.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CurrencyCode, D::Error> {
        let text = String::deserialize(from)?;
        CurrencyCode::parse(&text).ok_or_else(|| D::Error::custom(format!("{text} is not a code")))
    }
}
