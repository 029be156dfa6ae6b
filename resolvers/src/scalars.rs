//! Scalars: exact numbers, moments, currency codes, opaque ids.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, OutputType, Positioned, Scalar,
    ScalarType, ServerResult, Value,
};
use chrono::{DateTime as ChronoDateTime, SecondsFormat, Utc};
use domain::money::{CurrencyCode as Code, Minor};
use domain::time::Timestamp;

use crate::node::GlobalId;

/// An exact decimal number as text, without an exponent: `"6.2500"`. Never a floating-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number as text, without an exponent: `"6.2500"`. Never a floating-point number.
#[Scalar(
    name = "Decimal",
    specified_by_url = "https://www.w3.org/TR/xmlschema-2/#decimal"
)]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => rust_decimal::Decimal::from_str_exact(text)
                .map(Self)
                .map_err(|_| {
                    InputValueError::custom("write a decimal number as text, such as \"1.25\"")
                }),
            Value::Number(number) if number.is_i64() => {
                Ok(Self(number.as_i64().unwrap_or_default().into()))
            }
            _ => Err(InputValueError::custom(
                "write a decimal number as text, such as \"1.25\"",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl Decimal {
    /// Points, which are kept in ten-thousandths.
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

/// A moment in UTC by RFC 3339: `"2027-01-15T08:00:00.123456Z"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

/// A moment in UTC by RFC 3339: `"2027-01-15T08:00:00.123456Z"`.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => ChronoDateTime::parse_from_rfc3339(text)
                .map(|at| Self(at.with_timezone(&Utc)))
                .map_err(|_| {
                    InputValueError::custom(
                        "write a moment by RFC 3339, such as \"2027-01-15T08:00:00Z\"",
                    )
                }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// The code of a currency: 1 to 10 capital letters or digits, such as `"MP"`. See `currencies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CurrencyCode(pub Code);

/// The code of a currency: 1 to 10 capital letters or digits, such as `"MP"`. See `currencies`.
#[Scalar(
    name = "CurrencyCode",
    specified_by_url = "https://www.iso.org/iso-4217-currency-codes.html"
)]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Code::parse(text)
                .map(Self)
                .ok_or_else(|| InputValueError::custom("write a currency's code, such as \"MP\"")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any value of JSON, as it was stored: objects, lists, texts, numbers. Clients that want a type for it take any.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

/// Any value of JSON, as it was stored: objects, lists, texts, numbers. Clients that want a type for it take any.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259"
)]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// The scalar `ID`, written only when it is asked for.
impl OutputType for GlobalId {
    fn type_name() -> Cow<'static, str> {
        <async_graphql::ID as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <async_graphql::ID as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(self.to_value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn decimals_are_exact() {
        for exact in ["0", "6.2500", "-0.0001", "1000000000000.123456"] {
            assert_eq!(
                Decimal::parse(text(exact)).expect(exact).to_value(),
                text(exact)
            );
        }
        for bad in ["", "1e3", "NaN", "1,5", "0.12345678901234567890123456789"] {
            assert!(Decimal::parse(text(bad)).is_err(), "{bad}");
        }
        assert!(Decimal::parse(Value::from(1.5)).is_err());
    }

    #[test]
    fn moments_end_in_z() {
        let at = DateTime::parse(text("2027-01-15T10:00:00+02:00")).expect("a moment");
        assert_eq!(at.to_value(), text("2027-01-15T08:00:00Z"));
        assert!(DateTime::parse(text("2027-01-15")).is_err());
    }
}
