//! Values as text: enums as their columns hold them, points as events and the audit log carry them.

use domain::mining::{POINTS_SCALE, Points};

use crate::DbError;

/// Points with all their decimals.
pub(crate) fn points(points: Points) -> String {
    points.to_decimal(POINTS_SCALE).to_string()
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

/// Declares the texts of an enum and, at compile time, that none of its values was forgotten.
macro_rules! texts {
    ($type:ty { $($value:ident = $text:literal),+ $(,)? }) => {
        impl $crate::text::Text for $type {
            const TEXTS: &'static [(Self, &'static str)] = &[$((<$type>::$value, $text)),+];
        }
        const _: fn($type) = |value| match value { $(<$type>::$value => ()),+ };
    };
}
pub(crate) use texts;
