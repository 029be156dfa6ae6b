//! User errors of conversions and rates.

use db::command::Refused;
use domain::wallets::conversion::{ConversionRefusal, RateKey};

use super::rates::RateSnapshot;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::user_errors::FactValue;
use crate::wallets::configuration::objects::VelocityRule;
use crate::wallets::wallet::objects::Money;

user_error! {
    ConversionUserError, ConversionRefusal, "conversions and rates";
    /// Available balance; null except with INSUFFICIENT_FUNDS.
    available: Money,
    /// Global id of the conversion with this external id; null except with DUPLICATE_EXTERNAL_ID.
    duplicate_id: GlobalId,
    /// The exceeded rule; null except with VELOCITY_LIMIT.
    limit: VelocityRule,
    /// Rate in use; null except with RATE_CHANGED.
    rate: Edge<RateSnapshot>,
    /// Time from which the command can succeed; null except with VELOCITY_LIMIT.
    retry_at: DateTime,
}

impl FactValue for Edge<RateSnapshot> {
    fn of(refused: &Refused, _: &str) -> Option<Self> {
        if let Some(id) = Uuid::of(refused, "rate_id") {
            return Some(Self::to(RateKey::Recorded(id)));
        }
        let code = |name| Some(CurrencyCode::of(refused, name)?.0);
        Some(Self::to(RateKey::Static {
            version: i32::of(refused, "version")?,
            from: code("from")?,
            to: code("to")?,
        }))
    }
}
