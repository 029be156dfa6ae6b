//! Scalars: exact numbers, times, currency codes, URLs, JSON.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime as ChronoDateTime, Datelike, SecondsFormat, SubsecRound, Utc};
use domain::money::{CurrencyCode as Code, Minor};
use domain::time::Timestamp;

/// Exact decimal number as text without an exponent, at most 28 significant digits, such as `"6.2500"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// Exact decimal number as text without an exponent, at most 28 significant digits, such as `"6.2500"`.
#[Scalar(
    name = "Decimal",
    specified_by_url = "https://www.w3.org/TR/xmlschema-2/#decimal"
)]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => decimal(text),
            Value::Number(number) => number.as_i64().map(Into::into),
            _ => None,
        };
        let problem = "write a decimal number of at most 28 digits as text, such as \"1.25\"";
        number
            .map(Self)
            .ok_or_else(|| InputValueError::custom(problem))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Parses by the grammar of XML Schema: digits with an optional sign and point. The library's own grammar is wider.
fn decimal(text: &str) -> Option<rust_decimal::Decimal> {
    let (is_negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all = whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !all.all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let sign = if is_negative { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let whole = whole.trim_start_matches('0');
    let parsed = rust_decimal::Decimal::from_str_exact(&format!("{sign}0{whole}{point}{fraction}"));
    // The library also holds some numbers of 29 digits.
    parsed
        .ok()
        .filter(|parsed| parsed.mantissa().unsigned_abs() < 10_u128.pow(28))
}

impl Decimal {
    /// Points from ten-thousandths.
    #[must_use]
    pub fn points(points: Minor) -> Self {
        Self(points.to_decimal(domain::mining::POINTS_SCALE))
    }
}

impl From<rust_decimal::Decimal> for Decimal {
    fn from(value: rust_decimal::Decimal) -> Self {
        Self(value)
    }
}

/// Time in UTC, `date-time` of RFC 3339 with `Z`, from 1970 to 9999, no leap seconds, such as `"2027-01-15T08:00:00.123456Z"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

/// Time in UTC, `date-time` of RFC 3339 with `Z`, from 1970 to 9999, no leap seconds, such as `"2027-01-15T08:00:00.123456Z"`.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(text) => time(text),
            _ => None,
        };
        let problem = "write a time in UTC from 1970 to 9999, such as \"2027-01-15T08:00:00Z\"";
        parsed
            .map(Self)
            .ok_or_else(|| InputValueError::custom(problem))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// Parses `date-time` of RFC 3339 with `Z`. The library also reads offsets, leap seconds and a blank for `T`.
fn time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let is_utc = matches!(bytes.last(), Some(b'Z' | b'z'));
    let has_date = matches!(bytes.get(10), Some(b'T' | b't'));
    let is_leap = bytes.get(17..19) == Some(b"60");
    let at = ChronoDateTime::parse_from_rfc3339(text).ok()?;
    // Times of the platform have microseconds.
    let at = at.with_timezone(&Utc).trunc_subsecs(6);
    // Not every year that the library reads is one of PostgreSQL's.
    let is_known = (1970..=9999).contains(&at.year());
    (is_utc && has_date && !is_leap && is_known).then_some(at)
}

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// Code of a currency of the ledger, 1 to 10 capital letters or digits, such as `"MP"` or `"VND"`. See `currencies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CurrencyCode(pub Code);

/// Code of a currency of the ledger, 1 to 10 capital letters or digits, such as `"MP"` or `"VND"`. See `currencies`.
#[Scalar(
    name = "CurrencyCode",
    specified_by_url = "https://goodgo.app/developers/scalars#currency-code"
)]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Code::parse(text)
                .filter(|code| code.as_str() == text)
                .map(Self)
                .ok_or_else(|| {
                    InputValueError::custom(
                        "write the code of a currency in capital letters, such as \"MP\"",
                    )
                }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

/// Any JSON value.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// Signed 64-bit integer as text, such as `"9007199254740993"`. To be compared as a number, not as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BigInt(pub i64);

/// Signed 64-bit integer as text, such as `"9007199254740993"`. To be compared as a number, not as text.
#[Scalar(
    name = "BigInt",
    specified_by_url = "https://www.w3.org/TR/xmlschema-2/#long"
)]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        let problem = "write a 64-bit integer as text, such as \"42\"";
        number
            .map(Self)
            .ok_or_else(|| InputValueError::custom(problem))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Absolute URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

/// Absolute URL.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Name of a time zone of the IANA database, such as `"Asia/Ho_Chi_Minh"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(pub chrono_tz::Tz);

/// Name of a time zone of the IANA database, such as `"Asia/Ho_Chi_Minh"`.
#[Scalar(
    name = "TimeZone",
    specified_by_url = "https://www.iana.org/time-zones"
)]
impl ScalarType for TimeZone {
    fn parse(value: Value) -> InputValueResult<Self> {
        let zone = match &value {
            Value::String(name) => name.parse().ok(),
            _ => None,
        };
        let problem = "write the name of a time zone, such as \"Asia/Ho_Chi_Minh\"";
        zone.map(Self)
            .ok_or_else(|| InputValueError::custom(problem))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.name().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn reads_decimals_exactly() {
        for exact in [
            "0",
            "6.2500",
            "-0.0001",
            "1000000000000.123456",
            "9999999999999999999999999999",
        ] {
            assert_eq!(
                Decimal::parse(text(exact)).expect(exact).to_value(),
                text(exact)
            );
        }
        for (written, read) in [("+1", "1"), ("1.", "1"), (".5", "0.5"), ("007", "7")] {
            let parsed = Decimal::parse(text(written)).expect(written);
            assert_eq!(parsed.0, read.parse().expect(read), "{written}");
        }
        for bad in [
            "",
            ".",
            "-",
            "1_000",
            " 1",
            "１",
            "1e3",
            "NaN",
            "1,5",
            "0.12345678901234567890123456789",
            "10000000000000000000000000000",
            "79228162514264337593543950335",
            "-7.9228162514264337593543950335",
        ] {
            assert!(Decimal::parse(text(bad)).is_err(), "{bad}");
        }
        assert!(Decimal::parse(Value::from(1.5)).is_err());
    }

    #[test]
    fn writes_times_in_utc() {
        let at = DateTime::parse(text("2027-01-15t08:00:00z")).expect("a time");
        assert_eq!(at.to_value(), text("2027-01-15T08:00:00Z"));
        for bad in [
            "2027-01-15",
            "2027-01-15T10:00:00+02:00",
            "2027-01-15 08:00:00Z",
            "2016-12-31T23:59:60Z",
            "1969-12-31T23:59:59Z",
            "+10000-01-01T00:00:00Z",
        ] {
            assert!(DateTime::parse(text(bad)).is_err(), "{bad}");
        }
    }
}
