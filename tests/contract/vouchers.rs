//! Valid inputs of commands on vouchers and redemptions.

use serde_json::{Value, json};

use super::rows::Sample;
use crate::support::wallets::mp;
use crate::support::{Actor, TestApp, samples};

/// A person with points, a merchant, and two campaigns of vouchers of 5 MP for 2 MP, paid in an asset of a type.
async fn priced(app: &TestApp, acquisition: &str) -> (Actor, Value, Value) {
    let merchant = app.merchant("200").await;
    if acquisition == "PURCHASE" {
        app.configure_wallets(json!({"currencies": as_money()}))
            .await;
    }
    let mut campaigns = Vec::new();
    for _ in 0..2 {
        let price = json!({"acquisitionType": acquisition, "acquisitionPrice": mp("2")});
        let payload = merchant.create_campaign().with(price).await.ok();
        let campaign = payload["campaign"]["id"].clone();
        merchant.activate(&campaign).await.ok();
        campaigns.push(campaign);
    }
    let other = json!({"campaignId": campaigns[1]});
    (app.holder("10").await.actor(), campaigns[0].clone(), other)
}

/// A person with a voucher of a free campaign.
async fn held(app: &TestApp) -> (Actor, Actor, Value) {
    let (merchant, campaign) = app.offered().await;
    let alice = app.user();
    let voucher = alice.claimed(&campaign).await;
    (merchant, alice, voucher)
}

pub async fn claim(app: &TestApp) -> Sample {
    let (merchant, campaign) = app.offered().await;
    let other = merchant.create_campaign().await.ok()["campaign"]["id"].clone();
    merchant.activate(&other).await.ok();
    let alice = app.user();
    Sample::new(alice.claim_voucher(&campaign), json!({"campaignId": other}))
}

pub async fn exchange(app: &TestApp) -> Sample {
    let (alice, campaign, other) = priced(app, "EXCHANGE_POINTS").await;
    Sample::new(alice.exchange(&campaign), other)
}

pub async fn purchase(app: &TestApp) -> Sample {
    let (alice, campaign, other) = priced(app, "PURCHASE").await;
    Sample::new(alice.purchase(&campaign), other)
}

/// The currencies, with MP as money.
fn as_money() -> Value {
    let mut currencies = samples::wallet(json!({}))["currencies"].clone();
    for currency in currencies.as_array_mut().unwrap() {
        if currency["code"] == "MP" {
            currency["assetType"] = json!("CURRENCY");
        }
    }
    currencies
}

pub async fn redeem(app: &TestApp) -> Sample {
    let (_, alice, voucher) = held(app).await;
    let other = json!({"orderId": app.order().await.to_string()});
    Sample::new(alice.redeem(&voucher, app.order().await, "2"), other)
}

pub async fn revoke(app: &TestApp) -> Sample {
    let (_, _, voucher) = held(app).await;
    Sample::new(
        app.admin().revoke_voucher(&voucher),
        json!({"reason": "another"}),
    )
}

pub async fn extend(app: &TestApp) -> Sample {
    let (_, _, voucher) = held(app).await;
    Sample::new(
        app.admin().extend_voucher(&voucher, 1),
        json!({"additionalDays": 2}),
    )
}

/// Two pending redemptions of one voucher.
async fn pending(app: &TestApp) -> (Actor, Value, Value) {
    let (merchant, alice, voucher) = held(app).await;
    let mut used = Vec::new();
    for _ in 0..2 {
        let payload = alice.redeem(&voucher, app.order().await, "1").await.ok();
        used.push(payload["redemption"]["id"].clone());
    }
    let other = json!({"redemptionId": used[1]});
    (merchant, used[0].clone(), other)
}

pub async fn settle(app: &TestApp) -> Sample {
    let (_, redemption, other) = pending(app).await;
    Sample::new(app.shop().settle_redemption(&redemption), other)
}

pub async fn void(app: &TestApp) -> Sample {
    let (_, redemption, other) = pending(app).await;
    Sample::new(app.shop().void_redemption(&redemption), other)
}

pub async fn give_back(app: &TestApp) -> Sample {
    let (merchant, redemption, _) = pending(app).await;
    app.shop().settle_redemption(&redemption).await.ok();
    let run = merchant.return_redemption(&redemption, Some("0.5"));
    Sample::new(run, json!({"amount": mp("0.25")}))
}
