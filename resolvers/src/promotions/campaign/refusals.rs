//! User errors of campaigns.

use db::command::Refused;
use domain::promotions::campaign::CampaignRefusal;

use super::objects::Campaign;
use crate::prelude::*;
use crate::user_errors::FactValue;
use crate::wallets::wallet::objects::Money;

user_error! {
    CampaignUserError, CampaignRefusal, "campaigns";
    /// Available balance of the merchant's wallet; null except with INSUFFICIENT_FUNDS.
    available: Money,
    /// The campaign as it is; null except with CAMPAIGN_STATUS_INVALID.
    campaign: Edge<Campaign>,
    /// Largest accepted value or number; null for other refusals.
    max: Decimal,
}

impl FactValue for Edge<Campaign> {
    fn of(refused: &Refused, name: &str) -> Option<Self> {
        let merchant = Uuid::of(refused, "merchant_id")?;
        Some(Self::to([merchant, Uuid::of(refused, name)?].into()))
    }
}
