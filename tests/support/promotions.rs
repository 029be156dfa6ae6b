//! Campaigns of merchants.

use chrono::{SecondsFormat, TimeDelta};
use domain::access::{Role, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

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
        let ceiling = json!([{"amount": "1000000", "currency": "MP"}]);
        let issuer = json!({
            "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": ceiling,
        });
        let bank = self.bank_with(json!({"issuers": [issuer]})).await;
        let deposit = bank.deposit(&merchant, amount);
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

    /// A new merchant with an active campaign of ten vouchers of 5 MP for 2 MP each, any number per person; 50 MP are left.
    pub async fn sold(&self) -> (Actor, Value) {
        let merchant = self.merchant("100").await;
        let priced = json!({
            "acquisitionType": "EXCHANGE_POINTS", "acquisitionPrice": mp("2"), "maxPerUser": 0,
        });
        let payload = merchant.create_campaign().with(priced).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        (merchant, campaign)
    }

    /// The service of a shop, which redeems vouchers.
    pub fn shop(&self) -> Actor {
        self.service(&[Scope::PromotionsRedeem, Scope::PromotionsRead])
    }

    /// A new key of an order.
    pub async fn order(&self) -> Uuid {
        self.db.ids().uuid(self.now().await)
    }

    /// Escrow and proceeds of a campaign, as its merchant sees them.
    pub async fn accounts(&self, merchant: &Actor, campaign: &Value) -> (String, String) {
        let query = "query ($by: CampaignBy!) { campaign(by: $by) { escrow { amount } proceeds { amount } } }";
        let seen = merchant.get(query, json!({"by": {"id": campaign}})).await;
        let text = |name: &str| {
            seen["campaign"][name]["amount"]
                .as_str()
                .unwrap_or("")
                .to_owned()
        };
        (text("escrow"), text("proceeds"))
    }

    /// Amount of MP that a merchant's wallet has available.
    pub async fn till(&self, merchant: &Actor) -> String {
        let query = "query ($owner: WalletOwnerInput!) { wallets(owner: $owner) { kind currency available { amount } } }";
        let owner = json!({"owner": merchant_owner(merchant)});
        let seen = self.support().get(query, owner).await;
        let wallets = seen["wallets"].as_array().unwrap().iter();
        let mut wallets =
            wallets.filter(|wallet| wallet["kind"] == "MAIN" && wallet["currency"] == "MP");
        wallets.next().unwrap()["available"]["amount"]
            .as_str()
            .unwrap()
            .to_owned()
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

/// Commands of holders.
impl Actor {
    pub fn claim_voucher(&self, campaign: &Value) -> Run {
        self.run("voucherClaim", json!({"campaignId": campaign}))
    }

    pub fn exchange(&self, campaign: &Value) -> Run {
        self.run("voucherExchange", json!({"campaignId": campaign}))
    }

    pub fn purchase(&self, campaign: &Value) -> Run {
        self.run("voucherPurchase", json!({"campaignId": campaign}))
    }

    /// The id of a voucher of a free campaign that the person claims.
    pub async fn claimed(&self, campaign: &Value) -> Value {
        self.claim_voucher(campaign).await.ok()["voucher"]["id"].clone()
    }

    /// The code of a voucher of the person.
    pub async fn code_of(&self, voucher: &Value) -> Value {
        self.voucher(voucher, "code").await["code"].clone()
    }

    /// These fields of a voucher, as the person sees it.
    pub async fn voucher(&self, id: &Value, fields: &str) -> Value {
        let query = format!("query ($by: VoucherBy!) {{ voucher(by: $by) {{ {fields} }} }}");
        self.get(&query, json!({"by": {"id": id}})).await["voucher"].clone()
    }

    /// Redeems a voucher of the person for an order of MP.
    pub fn redeem(&self, voucher: &Value, order: Uuid, amount: &str) -> Run {
        let input = json!({
            "voucher": {"voucherId": voucher}, "orderId": order.to_string(), "orderAmount": mp(amount),
        });
        self.run("voucherRedeem", input)
    }

    /// Redeems a voucher by its code at the merchant's till, without an order.
    pub fn redeem_at_till(&self, code: &Value, amount: &str) -> Run {
        let input = json!({"voucher": {"code": code}, "orderAmount": mp(amount)});
        self.run("voucherRedeem", input)
    }

    /// Redeems a person's voucher by its code as a service.
    pub fn redeem_for(&self, whose: &Actor, code: &Value, order: Uuid, amount: &str) -> Run {
        let input = json!({
            "voucher": {"code": code}, "userId": whose.id().to_string(), "orderId": order.to_string(),
            "orderAmount": mp(amount),
        });
        self.run("voucherRedeem", input)
    }

    pub fn settle_redemption(&self, redemption: &Value) -> Run {
        self.run("redemptionSettle", json!({"redemptionId": redemption}))
    }

    pub fn void_redemption(&self, redemption: &Value) -> Run {
        self.run("redemptionVoid", json!({"redemptionId": redemption}))
    }

    /// Returns value of a redemption; all that is left without an amount.
    pub fn return_redemption(&self, redemption: &Value, amount: Option<&str>) -> Run {
        let amount = amount.map_or(Value::Null, mp);
        let input = json!({"redemptionId": redemption, "amount": amount});
        self.run("redemptionReturn", input)
    }
}

/// Commands of administrators, for the reason `a test`.
impl Actor {
    /// Cancels a campaign and revokes its issued vouchers.
    pub fn revoke_campaign(&self, campaign: &Value) -> Run {
        self.force_cancel(campaign)
            .with(json!({"revokeIssued": true}))
    }

    pub fn revoke_voucher(&self, voucher: &Value) -> Run {
        let input = json!({"voucherId": voucher, "reason": "a test"});
        self.run("voucherRevoke", input)
    }

    pub fn extend_voucher(&self, voucher: &Value, days: i32) -> Run {
        let input = json!({"voucherId": voucher, "additionalDays": days, "reason": "a test"});
        self.run("voucherExtend", input)
    }

    pub fn force_complete(&self, campaign: &Value) -> Run {
        let input = json!({"campaignId": campaign, "reason": "a test"});
        self.run("campaignForceComplete", input)
    }

    pub fn force_cancel(&self, campaign: &Value) -> Run {
        let input = json!({"campaignId": campaign, "reason": "a test"});
        self.run("campaignForceCancel", input)
    }
}
