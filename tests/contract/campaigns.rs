//! Valid inputs of commands on campaigns.

use serde_json::{Value, json};

use super::rows::Sample;
use crate::support::{Actor, TestApp};

/// A merchant with two active campaigns.
async fn two(app: &TestApp) -> (Actor, Value, Value) {
    let (merchant, campaign) = app.offered().await;
    let other = merchant.create_campaign().await.ok()["campaign"]["id"].clone();
    merchant.activate(&other).await.ok();
    (merchant, campaign, json!({"campaignId": other}))
}

pub async fn create(app: &TestApp) -> Sample {
    let merchant = app.merchant("100").await;
    Sample::new(merchant.create_campaign(), json!({"name": "Tea"}))
}

pub async fn update(app: &TestApp) -> Sample {
    let (merchant, campaign) = app.drafted().await;
    let run = merchant.update_campaign(&campaign, json!({"name": "Tea"}));
    Sample::new(run, json!({"name": "Cake"}))
}

pub async fn activate(app: &TestApp) -> Sample {
    let (merchant, campaign) = app.drafted().await;
    let other = merchant.create_campaign().await.ok()["campaign"]["id"].clone();
    Sample::new(merchant.activate(&campaign), json!({"campaignId": other}))
}

pub async fn pause(app: &TestApp) -> Sample {
    let (merchant, campaign, other) = two(app).await;
    Sample::new(merchant.pause(&campaign), other)
}

pub async fn complete(app: &TestApp) -> Sample {
    let (merchant, campaign, other) = two(app).await;
    Sample::new(merchant.complete_campaign(&campaign), other)
}

pub async fn cancel(app: &TestApp) -> Sample {
    let (merchant, campaign, other) = two(app).await;
    Sample::new(merchant.cancel_campaign(&campaign), other)
}

pub async fn force_complete(app: &TestApp) -> Sample {
    let (_, campaign, other) = two(app).await;
    Sample::new(app.admin().force_complete(&campaign), other)
}

pub async fn force_cancel(app: &TestApp) -> Sample {
    let (_, campaign, other) = two(app).await;
    Sample::new(app.admin().force_cancel(&campaign), other)
}
