//! Amounts: integers in a currency's smallest unit. Decimals are used only at the boundaries.

use std::fmt;

use rust_decimal::Decimal;

/// An amount in a currency's smallest unit (a currency of scale 4 counts ten-thousandths).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub i64);

impl Minor {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// Adds; none on overflow of 64 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Subtracts; none on overflow of 64 bits.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// Adds; a fault on overflow of 64 bits.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.checked_add(other).ok_or(Overflow("a sum"))
    }

    /// Subtracts; a fault on overflow of 64 bits.
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.checked_sub(other).ok_or(Overflow("a difference"))
    }

    /// The amount with the opposite sign.
    pub fn negated(self) -> Result<Self, Overflow> {
        Self::ZERO.minus(self)
    }

    /// Returns the amount as a decimal of the given scale: `Minor(60_000)` at scale 4 is `6.0000`.
    #[must_use]
    pub fn to_decimal(self, scale: u8) -> Decimal {
        Decimal::new(self.0, u32::from(scale))
    }
}

/// A value that its type can't hold: a fault, never clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not fit its type")]
pub struct Overflow(pub &'static str);

/// Largest single amount: 10¹² whole units.
pub const LARGEST_WHOLE_UNITS: i64 = 1_000_000_000_000;

/// Reasons why a decimal is not an amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// More decimals than the currency has; they are refused, not rounded.
    #[error("has more than {scale} decimals")]
    TooFine {
        /// The currency's number of decimals.
        scale: u8,
    },
    /// More than 10¹² whole units.
    #[error("is larger than 1000000000000")]
    TooLarge,
}

/// Converts a decimal to an amount in the smallest unit of a currency with this scale.
pub fn amount(value: Decimal, scale: u8) -> Result<Minor, AmountError> {
    if value.abs() > Decimal::from(LARGEST_WHOLE_UNITS) {
        return Err(AmountError::TooLarge);
    }
    let mut exact = value.normalize();
    if exact.scale() > u32::from(scale) {
        return Err(AmountError::TooFine { scale });
    }
    exact.rescale(u32::from(scale));
    i64::try_from(exact.mantissa())
        .map(Minor)
        .map_err(|_| AmountError::TooLarge)
}

/// A currency's code: 1 to 10 capital letters or digits. `PPoint` of older documents reads as `PPOINT`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurrencyCode {
    bytes: [u8; 10],
}

impl CurrencyCode {
    /// Mining points.
    pub const MP: Self = Self {
        bytes: *b"MP\0\0\0\0\0\0\0\0",
    };

    /// Parses a code, ignoring case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 10 || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let mut bytes = [0; 10];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from.to_ascii_uppercase();
        }
        Some(Self { bytes })
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.bytes.iter().position(|b| *b == 0).unwrap_or(10);
        self.bytes
            .get(..end)
            .and_then(|code| str::from_utf8(code).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A currency of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    /// Number in the ledger, 1 to 255: the low byte of every wallet's key.
    pub number: i16,
    /// Code.
    pub code: CurrencyCode,
    /// Number of decimals of the smallest unit; never changes once used.
    pub scale: u8,
    /// Number of decimals to display; may change.
    pub display_decimals: u8,
}

/// An amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Amount in the currency's smallest unit.
    pub amount: Minor,
    /// Currency.
    pub currency: Currency,
}

impl Money {
    /// The amount as an exact decimal.
    #[must_use]
    pub fn to_decimal(&self) -> Decimal {
        self.amount.to_decimal(self.currency.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_inexact_amounts() {
        assert_eq!(amount(Decimal::new(15, 1), 4), Ok(Minor(15_000)));
        assert_eq!(amount(Decimal::new(15_000, 4), 1), Ok(Minor(15)));
        assert_eq!(
            amount(Decimal::new(1, 5), 4),
            Err(AmountError::TooFine { scale: 4 })
        );
        assert_eq!(
            amount(Decimal::from(LARGEST_WHOLE_UNITS), 6),
            Ok(Minor(1_000_000_000_000_000_000))
        );
        assert_eq!(
            amount(Decimal::from(LARGEST_WHOLE_UNITS + 1), 0),
            Err(AmountError::TooLarge)
        );
        assert_eq!(Minor(-60_001).to_decimal(4).to_string(), "-6.0001");
    }

    #[test]
    fn parses_codes_to_upper_case() {
        assert_eq!(CurrencyCode::parse("mp"), Some(CurrencyCode::MP));
        assert_eq!(
            CurrencyCode::parse("PPoint").map(|code| code.to_string()),
            Some("PPOINT".to_owned())
        );
        for bad in ["", "M P", "ĐỒNG", "ABCDEFGHIJK"] {
            assert_eq!(CurrencyCode::parse(bad), None, "{bad}");
        }
    }
}
