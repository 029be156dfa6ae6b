//! Tables of conversions and rates as structs.

use domain::money::{CurrencyCode, Minor, Money};
use domain::wallets::Currencies;
use domain::wallets::conversion::{Conversion, Converted, Rate, RateKey};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::prelude::*;
use crate::schema::{conversions, rate_snapshots};
use crate::wallets::hold::rows::{read, written};
use crate::wallets::wallet::rows::currency_of;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = conversions, check_for_backend(Pg))]
pub(super) struct ConversionRow {
    owner_id: Uuid,
    id: Uuid,
    issuer: String,
    external_id: Option<String>,
    metadata: Value,
    from_currency: i16,
    to_currency: i16,
    given: i64,
    gross: i64,
    received: i64,
    fee_bps: i32,
    rate_id: Option<Uuid>,
    rate_version: Option<i32>,
    created_at: Timestamp,
    transaction_id: Uuid,
}

impl ConversionRow {
    pub fn of(conversion: &Conversion) -> Result<Self> {
        let converted = &conversion.converted;
        let (rate_id, rate_version) = match conversion.rate {
            RateKey::Recorded(id) => (Some(id), None),
            RateKey::Static { version, .. } => (None, Some(version)),
        };
        Ok(Self {
            owner_id: conversion.id.user.0,
            id: conversion.id.uuid,
            issuer: conversion.issuer.clone(),
            external_id: conversion.external_id.clone(),
            metadata: written(&conversion.metadata),
            from_currency: converted.given.currency.number,
            to_currency: converted.received.currency.number,
            given: converted.given.amount.0,
            gross: converted.gross.amount.0,
            received: converted.received.amount.0,
            fee_bps: fit("conversions", "fee_bps", converted.fee_bps)?,
            rate_id,
            rate_version,
            created_at: conversion.created_at,
            transaction_id: conversion.transaction_id.0,
        })
    }

    pub fn into_conversion(self, currencies: &Currencies) -> Result<Conversion> {
        let from = currency_of(currencies, self.from_currency)?;
        let to = currency_of(currencies, self.to_currency)?;
        let money = |amount, currency| Money {
            amount: Minor(amount),
            currency,
        };
        let rate = match (self.rate_id, self.rate_version) {
            (Some(id), None) => RateKey::Recorded(id),
            (None, Some(version)) => RateKey::Static {
                version,
                from: from.code,
                to: to.code,
            },
            _ => return Err(DbError::inconsistent("conversions", "rate_id", self.id)),
        };
        let gross = money(self.gross, to);
        let received = money(self.received, to);
        Ok(Conversion {
            id: [self.owner_id, self.id].into(),
            issuer: self.issuer,
            external_id: self.external_id,
            metadata: read("conversions", self.metadata)?,
            converted: Converted {
                given: money(self.given, from),
                gross,
                received,
                fee: Money {
                    amount: gross.amount.minus(received.amount)?,
                    currency: to,
                },
                fee_bps: fit("conversions", "fee_bps", self.fee_bps)?,
            },
            rate,
            created_at: self.created_at,
            transaction_id: TransactionId(self.transaction_id),
        })
    }
}

#[derive(HasQuery, Insertable)]
#[diesel(table_name = rate_snapshots, check_for_backend(Pg))]
pub(super) struct RateRow {
    id: Uuid,
    from_currency: i16,
    to_currency: i16,
    rate: String,
    observed_at: Timestamp,
    recorded_at: Timestamp,
    issuer: String,
    actor: String,
    status: String,
    decided_by: Option<Uuid>,
}

impl RateRow {
    /// A recorded rate between two currencies, by number.
    pub fn of(id: Uuid, rate: &Rate, (from, to): (i16, i16)) -> Self {
        let (issuer, actor) = rate.recorded_by.clone().unwrap_or_default();
        Self {
            id,
            from_currency: from,
            to_currency: to,
            rate: rate.value.normalize().to_string(),
            observed_at: rate.observed_at,
            recorded_at: rate.recorded_at,
            issuer,
            actor,
            status: rate.status.name().to_owned(),
            decided_by: None,
        }
    }

    pub fn into_rate(self, currencies: &Currencies) -> Result<Rate> {
        let code = |number| -> Result<CurrencyCode> { Ok(currency_of(currencies, number)?.code) };
        Ok(Rate {
            key: RateKey::Recorded(self.id),
            from: code(self.from_currency)?,
            to: code(self.to_currency)?,
            value: Decimal::from_str_exact(&self.rate)
                .map_err(|error| DbError::inconsistent("rate_snapshots", "rate", error))?,
            observed_at: self.observed_at,
            recorded_at: self.recorded_at,
            recorded_by: Some((self.issuer, self.actor)),
            status: read_name("rate_snapshots", "status", &self.status)?,
            decided_by: self.decided_by.map(UserId),
        })
    }
}
