//! Stored form of the section `promotion`, and its form in the audit log.

use domain::money::CurrencyCode;
use domain::platform::Judged;
use domain::promotions::{PriceLimit, PromotionConfiguration};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::Serializer;
use serde_json::{Value, json};

use crate::platform::configuration::{Section, SectionInfo};
use crate::prelude::*;
use crate::text::code;

#[derive(Serialize, Deserialize)]
#[serde(remote = "PromotionConfiguration", rename_all = "camelCase")]
struct PromotionBody {
    #[serde(skip)]
    version: i32,
    code_guesses_per_hour: u32,
    max_open_campaigns: u32,
    max_pending_redemptions: u32,
    max_price_multiple: u32,
    max_validity_days: u32,
    max_vouchers_per_campaign: u32,
    max_vouchers_per_day: u32,
    #[serde(with = "limits")]
    price_limits: Vec<PriceLimit>,
    return_days: u32,
    return_grace_days: u32,
    settle_hours: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PriceLimit", rename_all = "camelCase")]
struct LimitBody {
    #[serde(with = "code")]
    face_currency: CurrencyCode,
    #[serde(with = "code")]
    price_currency: CurrencyCode,
    max_price: Decimal,
}

/// Stored form of a list of price limits.
mod limits {
    use super::{Deserialize, LimitBody, PriceLimit, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Stored(#[serde(with = "LimitBody")] PriceLimit);

    pub fn serialize<S: serde::Serializer>(
        limits: &[PriceLimit],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(limits.iter().copied().map(Stored))
    }

    pub fn deserialize<'de, D>(from: D) -> Result<Vec<PriceLimit>, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        let limits = Vec::<Stored>::deserialize(from)?.into_iter();
        Ok(limits.map(|Stored(limit)| limit).collect())
    }
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::inconsistent("configurations", "body", error)
}

impl Section for PromotionConfiguration {
    const INFO: &'static SectionInfo = &SectionInfo::of::<Self>(
        "promotion",
        Uuid::from_u128(0xc0f1_0000_0000_8000_8000_0000_0000_0005),
        "SELECT pg_advisory_xact_lock(727285)",
    );

    fn read(version: i32, body: &Value) -> Result<Self> {
        let section = PromotionBody::deserialize(body).map_err(unreadable)?;
        Ok(Self { version, ..section })
    }

    fn body(&self) -> Result<Value> {
        PromotionBody::serialize(self, Serializer).map_err(unreadable)
    }

    fn shown(&self) -> Value {
        let limits = self.price_limits.iter().map(|limit| {
            json!({
                "faceCurrency": limit.face_currency.as_str(), "priceCurrency": limit.price_currency.as_str(),
                "maxPrice": limit.max_price.to_string(),
            })
        });
        json!({
            "version": self.version, "codeGuessesPerHour": self.code_guesses_per_hour,
            "maxOpenCampaigns": self.max_open_campaigns, "maxPendingRedemptions": self.max_pending_redemptions,
            "maxPriceMultiple": self.max_price_multiple, "maxValidityDays": self.max_validity_days,
            "maxVouchersPerCampaign": self.max_vouchers_per_campaign, "maxVouchersPerDay": self.max_vouchers_per_day,
            "priceLimits": limits.collect::<Vec<_>>(), "returnDays": self.return_days,
            "returnGraceDays": self.return_grace_days, "settleHours": self.settle_hours,
        })
    }

    fn loosens(&self, before: &Self) -> bool {
        Self::loosens(self, before)
    }

    fn judge_stored<'t>(
        &'t self,
        tx: &'t mut Tx,
        _before: &'t Self,
    ) -> BoxFuture<'t, Result<Judged<()>>> {
        async move {
            let limits = self.price_limits.iter();
            let codes = limits.flat_map(|limit| [limit.face_currency, limit.price_currency]);
            tx.know_currencies(codes).await?;
            Ok(self.judge_currencies(|code| tx.currencies().contains_key(&code)))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_stores() {
        let code = |text| CurrencyCode::parse(text).expect("a code");
        let settings = PromotionConfiguration {
            version: 3,
            code_guesses_per_hour: 1,
            max_open_campaigns: 2,
            max_pending_redemptions: 3,
            max_price_multiple: 4,
            max_validity_days: 5,
            max_vouchers_per_campaign: 6,
            max_vouchers_per_day: 7,
            price_limits: vec![PriceLimit {
                face_currency: code("VND"),
                price_currency: code("MP"),
                max_price: Decimal::new(15, 6),
            }],
            return_days: 8,
            return_grace_days: 9,
            settle_hours: 10,
        };
        let body = settings.body().expect("a body");
        let read = PromotionConfiguration::read(3, &body).expect("a section");
        assert_eq!(read, settings);
    }
}
