//! User errors of redemptions.

use db::command::Refused;
use domain::promotions::redemption::RedemptionRefusal;

use super::objects::Redemption;
use crate::prelude::*;
use crate::user_errors::FactValue;
use crate::wallets::wallet::objects::Money;

user_error! {
    RedemptionUserError, RedemptionRefusal, "redemptions";
    /// Available balance of the merchant's wallet; null except with INSUFFICIENT_FUNDS.
    available: Money,
    /// The redemption as it is; null with REDEMPTION_NOT_FOUND.
    redemption: Edge<Redemption>,
    /// Value that can be returned; null except with RETURN_EXCEEDED.
    returnable: Money,
}

impl FactValue for Edge<Redemption> {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let merchant = Uuid::of(refused, "merchant_id")?;
        Some(Self::to([merchant, Uuid::of(refused, name)?].into()))
    }
}
