//! Stored form of the section `wallet`, and its form in the audit log. Amounts are stored in the smallest unit.
//!
//! Unknown fields belong to a newer program: reads ignore them and the next version keeps those of the section.

use domain::money::{CurrencyCode, Minor};
use domain::platform::Judged;
use domain::wallets::{
    ConversionPair, CurrencySettings, Issuer, VelocityRule, WalletConfiguration,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::configuration::{Section, SectionInfo};
use crate::text::read_name;
use crate::{DbError, Result, Tx};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WalletBody {
    clearing_age_hours: u32,
    conversion_pairs: Vec<PairBody>,
    conversions_frozen: bool,
    currencies: Vec<CurrencyBody>,
    hold_max_days: u32,
    issuers: Vec<IssuerBody>,
    orphan_hold_minutes: u32,
    rate_max_age_seconds: u32,
    rate_max_jump_bps: u32,
    rate_source: String,
    velocity_rules: Vec<RuleBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CurrencyBody {
    code: String,
    asset_type: String,
    scale: u8,
    display_decimals: u8,
    is_enabled: bool,
    dual_control_limit: i64,
    fx_exposure_limit: i64,
    issuance_ceiling: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PairBody {
    from: String,
    to: String,
    fee_bps: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    static_rate: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuerBody {
    name: String,
    issuer: String,
    subject: String,
    deposit_ceilings: Vec<CeilingBody>,
}

#[derive(Serialize, Deserialize)]
struct CeilingBody {
    currency: String,
    amount: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleBody {
    operation: String,
    currency: String,
    window: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_amount: Option<i64>,
}

fn unreadable(error: &impl ToString) -> DbError {
    DbError::inconsistent("configurations", "body", error.to_string())
}

fn code(text: &str) -> Result<CurrencyCode> {
    CurrencyCode::parse(text).ok_or_else(|| unreadable(&text))
}

impl CurrencyBody {
    fn read(self) -> Result<CurrencySettings> {
        Ok(CurrencySettings {
            code: code(&self.code)?,
            asset_type: read_name("configurations", "body", &self.asset_type)?,
            scale: self.scale,
            display_decimals: self.display_decimals,
            is_enabled: self.is_enabled,
            dual_control_limit: Minor(self.dual_control_limit),
            fx_exposure_limit: Minor(self.fx_exposure_limit),
            issuance_ceiling: Minor(self.issuance_ceiling),
        })
    }
}

impl PairBody {
    fn read(self) -> Result<ConversionPair> {
        let rate = self.static_rate.as_deref().map(Decimal::from_str_exact);
        Ok(ConversionPair {
            from: code(&self.from)?,
            to: code(&self.to)?,
            fee_bps: self.fee_bps,
            static_rate: rate.transpose().map_err(|error| unreadable(&error))?,
        })
    }
}

impl IssuerBody {
    fn read(self) -> Result<Issuer> {
        let ceilings = self.deposit_ceilings.iter();
        let ceilings = ceilings.map(|of| Ok((code(&of.currency)?, Minor(of.amount))));
        Ok(Issuer {
            deposit_ceilings: ceilings.collect::<Result<_>>()?,
            name: self.name,
            issuer: self.issuer,
            subject: self.subject,
        })
    }
}

impl RuleBody {
    fn read(self) -> Result<VelocityRule> {
        Ok(VelocityRule {
            operation: read_name("configurations", "body", &self.operation)?,
            currency: code(&self.currency)?,
            window: read_name("configurations", "body", &self.window)?,
            max_count: self.max_count,
            max_amount: self.max_amount.map(Minor),
        })
    }
}

fn read_all<B, T>(bodies: Vec<B>, read: fn(B) -> Result<T>) -> Result<Vec<T>> {
    bodies.into_iter().map(read).collect()
}

/// An amount under the unit of the API.
fn amount(of: &WalletConfiguration, currency: CurrencyCode, amount: Minor) -> String {
    let scale = of.currency(currency).map_or(0, |currency| currency.scale);
    amount.to_decimal(scale).to_string()
}

impl Section for WalletConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo::of::<Self>(
        "wallet",
        Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0004),
        "SELECT pg_advisory_xact_lock(727284)",
    );

    fn read(version: i32, body: &Value) -> Result<Self> {
        let body = WalletBody::deserialize(body).map_err(|error| unreadable(&error))?;
        Ok(Self {
            version,
            clearing_age_hours: body.clearing_age_hours,
            conversion_pairs: read_all(body.conversion_pairs, PairBody::read)?,
            conversions_frozen: body.conversions_frozen,
            currencies: read_all(body.currencies, CurrencyBody::read)?,
            hold_max_days: body.hold_max_days,
            issuers: read_all(body.issuers, IssuerBody::read)?,
            orphan_hold_minutes: body.orphan_hold_minutes,
            rate_max_age_seconds: body.rate_max_age_seconds,
            rate_max_jump_bps: body.rate_max_jump_bps,
            rate_source: read_name("configurations", "body", &body.rate_source)?,
            velocity_rules: read_all(body.velocity_rules, RuleBody::read)?,
        })
    }

    fn body(&self) -> Result<Value> {
        let currency = |of: &CurrencySettings| CurrencyBody {
            code: of.code.to_string(),
            asset_type: of.asset_type.name().to_owned(),
            scale: of.scale,
            display_decimals: of.display_decimals,
            is_enabled: of.is_enabled,
            dual_control_limit: of.dual_control_limit.0,
            fx_exposure_limit: of.fx_exposure_limit.0,
            issuance_ceiling: of.issuance_ceiling.0,
        };
        let pair = |of: &ConversionPair| PairBody {
            from: of.from.to_string(),
            to: of.to.to_string(),
            fee_bps: of.fee_bps,
            static_rate: of.static_rate.map(|rate| rate.to_string()),
        };
        let ceiling = |(currency, amount): &(CurrencyCode, Minor)| CeilingBody {
            currency: currency.to_string(),
            amount: amount.0,
        };
        let issuer = |of: &Issuer| IssuerBody {
            name: of.name.clone(),
            issuer: of.issuer.clone(),
            subject: of.subject.clone(),
            deposit_ceilings: of.deposit_ceilings.iter().map(ceiling).collect(),
        };
        let rule = |of: &VelocityRule| RuleBody {
            operation: of.operation.name().to_owned(),
            currency: of.currency.to_string(),
            window: of.window.name().to_owned(),
            max_count: of.max_count,
            max_amount: of.max_amount.map(|amount| amount.0),
        };
        serde_json::to_value(WalletBody {
            clearing_age_hours: self.clearing_age_hours,
            conversion_pairs: self.conversion_pairs.iter().map(pair).collect(),
            conversions_frozen: self.conversions_frozen,
            currencies: self.currencies.iter().map(currency).collect(),
            hold_max_days: self.hold_max_days,
            issuers: self.issuers.iter().map(issuer).collect(),
            orphan_hold_minutes: self.orphan_hold_minutes,
            rate_max_age_seconds: self.rate_max_age_seconds,
            rate_max_jump_bps: self.rate_max_jump_bps,
            rate_source: self.rate_source.name().to_owned(),
            velocity_rules: self.velocity_rules.iter().map(rule).collect(),
        })
        .map_err(|error| unreadable(&error))
    }

    fn shown(&self) -> Value {
        let currency = |of: &CurrencySettings| {
            json!({
                "code": of.code.as_str(), "assetType": of.asset_type.name(), "scale": of.scale,
                "displayDecimals": of.display_decimals, "isEnabled": of.is_enabled,
                "dualControlLimit": amount(self, of.code, of.dual_control_limit),
                "fxExposureLimit": amount(self, of.code, of.fx_exposure_limit),
                "issuanceCeiling": amount(self, of.code, of.issuance_ceiling),
            })
        };
        let pair = |of: &ConversionPair| {
            json!({
                "from": of.from.as_str(), "to": of.to.as_str(), "feeBps": of.fee_bps,
                "staticRate": of.static_rate.map(|rate| rate.to_string()),
            })
        };
        let issuer = |of: &Issuer| {
            let ceilings = of.deposit_ceilings.iter().map(|(currency, of)| {
                json!({"amount": amount(self, *currency, *of), "currency": currency.as_str()})
            });
            json!({
                "name": of.name, "issuer": of.issuer, "subject": of.subject,
                "depositCeilings": ceilings.collect::<Vec<_>>(),
            })
        };
        let rule = |of: &VelocityRule| {
            json!({
                "operation": of.operation.name(), "currency": of.currency.as_str(),
                "window": of.window.name(), "maxCount": of.max_count,
                "maxAmount": of.max_amount.map(|sum| amount(self, of.currency, sum)),
            })
        };
        json!({
            "version": self.version, "clearingAgeHours": self.clearing_age_hours,
            "conversionPairs": self.conversion_pairs.iter().map(pair).collect::<Vec<_>>(),
            "conversionsFrozen": self.conversions_frozen,
            "currencies": self.currencies.iter().map(currency).collect::<Vec<_>>(),
            "holdMaxDays": self.hold_max_days,
            "issuers": self.issuers.iter().map(issuer).collect::<Vec<_>>(),
            "orphanHoldMinutes": self.orphan_hold_minutes, "rateMaxAgeSeconds": self.rate_max_age_seconds,
            "rateMaxJumpBps": self.rate_max_jump_bps, "rateSource": self.rate_source.name(),
            "velocityRules": self.velocity_rules.iter().map(rule).collect::<Vec<_>>(),
        })
    }

    fn loosens(&self, before: &Self) -> bool {
        Self::loosens(self, before)
    }

    fn judge_stored<'t>(
        &'t self,
        tx: &'t mut Tx,
        before: &'t Self,
    ) -> BoxFuture<'t, Result<Judged<()>>> {
        async move {
            let used = super::used(tx, self, before).await?;
            if let Err(refusal) = self.judge_currencies(before, &used) {
                return Ok(Err(refusal));
            }
            let used = super::used_issuers(tx, self, before).await?;
            Ok(self.judge_issuers(before, &used))
        }
        .boxed()
    }

    fn apply<'t>(&'t self, tx: &'t mut Tx, before: &'t Self) -> BoxFuture<'t, Result<()>> {
        super::set_currencies(tx, self, before).boxed()
    }
}

#[cfg(test)]
mod tests {
    use domain::wallets::{AssetType, RateSource, VelocityOperation, VelocityWindow};

    use super::*;

    #[test]
    fn reads_what_it_stores() {
        let code = |text| CurrencyCode::parse(text).expect("a code");
        let settings = WalletConfiguration {
            version: 3,
            clearing_age_hours: 72,
            conversion_pairs: vec![ConversionPair {
                from: code("MP"),
                to: code("USD"),
                fee_bps: 25,
                static_rate: Some(Decimal::new(15, 6)),
            }],
            conversions_frozen: true,
            currencies: vec![CurrencySettings {
                code: code("USD"),
                asset_type: AssetType::Currency,
                scale: 6,
                display_decimals: 2,
                is_enabled: false,
                dual_control_limit: Minor(1),
                fx_exposure_limit: Minor(2),
                issuance_ceiling: Minor(3_000_000),
            }],
            hold_max_days: 90,
            issuers: vec![Issuer {
                name: "shop".to_owned(),
                issuer: "iss".to_owned(),
                subject: "sub".to_owned(),
                deposit_ceilings: vec![(code("USD"), Minor(5))],
            }],
            orphan_hold_minutes: 1_440,
            rate_max_age_seconds: 60,
            rate_max_jump_bps: 500,
            rate_source: RateSource::Static,
            velocity_rules: vec![VelocityRule {
                operation: VelocityOperation::Hold,
                currency: code("USD"),
                window: VelocityWindow::Day,
                max_count: None,
                max_amount: Some(Minor(7)),
            }],
        };
        let body = settings.body().expect("a body");
        let read = WalletConfiguration::read(3, &body).expect("readable");
        assert_eq!(read, settings);
        let shown = settings.shown();
        assert_eq!(shown["currencies"][0]["issuanceCeiling"], "3.000000");
        assert_eq!(
            shown["issuers"][0]["depositCeilings"][0]["amount"],
            "0.000005"
        );
        assert_eq!(shown["conversionPairs"][0]["staticRate"], "0.000015");
    }
}
