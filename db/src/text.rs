//! Conversions between values and columns: enums as text, points as decimals, integers of another width.

use domain::mining::{POINTS_SCALE, Points};
use rust_decimal::Decimal;

use crate::DbError;

/// Converts a value to the type of its column, or back; a value that does not fit is a fault with table and column.
pub(crate) fn fit<T, U>(table: &'static str, column: &'static str, value: T) -> Result<U, DbError>
where
    T: Copy + std::fmt::Display,
    U: TryFrom<T>,
{
    U::try_from(value).map_err(|_| DbError::inconsistent(table, column, value))
}

/// Converts rows to values of the domain.
pub(crate) fn values<R, T>(rows: Vec<R>) -> Result<Vec<T>, DbError>
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

/// An enum of `domain` with its text in the database.
pub(crate) trait Text: Sized + Copy + 'static {
    /// All values with their texts.
    const TEXTS: &'static [(Self, &'static str)];

    /// The column's text.
    fn text(self) -> &'static str
    where
        Self: PartialEq,
    {
        Self::TEXTS
            .iter()
            .find(|(value, _)| *value == self)
            .map_or("", |(_, text)| text)
    }

    /// Reads a column's text.
    fn read(table: &'static str, column: &'static str, text: &str) -> Result<Self, DbError> {
        Self::TEXTS
            .iter()
            .find(|(_, known)| *known == text)
            .map(|(value, _)| *value)
            .ok_or_else(|| DbError::inconsistent(table, column, text))
    }
}

/// Declares the texts of an enum; a missing value is a compile error.
macro_rules! texts {
    ($type:ty { $($value:ident = $text:literal),+ $(,)? }) => {
        impl $crate::text::Text for $type {
            const TEXTS: &'static [(Self, &'static str)] = &[$((<$type>::$value, $text)),+];
        }
        const _: fn($type) = |value| match value { $(<$type>::$value => ()),+ };
    };
}
pub(crate) use texts;
