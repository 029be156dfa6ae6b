//! Campaigns of merchants.

use chrono::{SecondsFormat, TimeDelta};
use domain::access::Role;
use serde_json::{Value, json};

use super::wallets::mp;
use super::{Actor, Run, TestApp, merged};

/// A person with the role MERCHANT as the owner of the merchant's wallets.
pub fn merchant_owner(merchant: &Actor) -> Value {
    json!({"kind": "MERCHANT", "ownerId": merchant.id().to_string()})
}

impl TestApp {
    /// A new merchant with MP in its wallet.
    pub async fn merchant(&self, amount: &str) -> Actor {
        let merchant = self.person(&[Role::Merchant]);
        let payment = json!({"provider": "VCB", "reference": merchant.id().to_string()});
        let owner = json!({"owner": merchant_owner(&merchant)});
        let deposit = self.bank().await.deposit(&merchant, amount);
        deposit
            .with(merged(owner, json!({"payment": payment})))
            .await
            .ok();
        merchant
    }

    /// A new merchant with a draft campaign of ten free vouchers of 5 MP; 50 MP are left.
    pub async fn drafted(&self) -> (Actor, Value) {
        let merchant = self.merchant("100").await;
        let payload = merchant.create_campaign().await.ok();
        (merchant, payload["campaign"]["id"].clone())
    }

    /// A new merchant with an active campaign of ten free vouchers of 5 MP; 50 MP are left.
    pub async fn offered(&self) -> (Actor, Value) {
        let (merchant, campaign) = self.drafted().await;
        merchant.activate(&campaign).await.ok();
        (merchant, campaign)
    }

    /// Time of the platform's clock in some days.
    pub async fn in_days(&self, days: i64) -> Value {
        let then = self.now().await + TimeDelta::days(days);
        json!(then.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// Commands of merchants.
impl Actor {
    /// Creates a campaign of ten free vouchers of 5 MP that starts in 2026 and ends in 2100.
    pub fn create_campaign(&self) -> Run {
        let input = json!({
            "name": "Coffee for two", "description": "At every counter", "acquisitionType": "FREE",
            "faceValue": mp("5"), "totalVouchers": 10, "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2100-01-01T00:00:00Z",
        });
        self.run("campaignCreate", input)
    }

    pub fn update_campaign(&self, campaign: &Value, change: Value) -> Run {
        self.run(
            "campaignUpdate",
            merged(json!({"campaignId": campaign}), change),
        )
    }

    pub fn activate(&self, campaign: &Value) -> Run {
        self.run("campaignActivate", json!({"campaignId": campaign}))
    }

    pub fn pause(&self, campaign: &Value) -> Run {
        self.run("campaignPause", json!({"campaignId": campaign}))
    }

    pub fn complete_campaign(&self, campaign: &Value) -> Run {
        self.run("campaignComplete", json!({"campaignId": campaign}))
    }

    pub fn cancel_campaign(&self, campaign: &Value) -> Run {
        self.run("campaignCancel", json!({"campaignId": campaign}))
    }
}

/// Commands of administrators, for the reason `a test`.
impl Actor {
    pub fn force_complete(&self, campaign: &Value) -> Run {
        let input = json!({"campaignId": campaign, "reason": "a test"});
        self.run("campaignForceComplete", input)
    }

    pub fn force_cancel(&self, campaign: &Value) -> Run {
        let input = json!({"campaignId": campaign, "reason": "a test"});
        self.run("campaignForceCancel", input)
    }
}
