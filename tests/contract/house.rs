//! Valid inputs of commands on freezes, clearing accounts, treasuries and accounts of the house.

use serde_json::json;

use super::holds::two_holds;
use super::rows::Sample;
use crate::support::TestApp;
use crate::support::wallets::{loss, mp, owner};

pub async fn release_clearing(app: &TestApp) -> Sample {
    let [hold, _] = two_holds(app).await;
    app.game().settle(loss(&hold)).await.ok();
    Sample::new(
        app.game().release_clearing("7", "1", None),
        json!({"amount": mp("2")}),
    )
}

pub async fn fund(app: &TestApp) -> Sample {
    app.count_issuance().await;
    let run = app.finance().fund(uuid::Uuid::from_u128(7), &mp("1"));
    Sample::new(run, json!({"amount": mp("2")}))
}

pub async fn mint(app: &TestApp) -> Sample {
    let campaign = app.campaign("10").await;
    let run = app.minter().mint(campaign, &app.user(), "c-1", "1");
    Sample::new(run, json!({"amount": mp("2")}))
}

pub async fn reverse(app: &TestApp) -> Sample {
    let campaign = app.campaign("10").await;
    let minted = app.minter().mint(campaign, &app.user(), "c-1", "1");
    let minted = minted.await.ok();
    Sample::new(
        app.finance().reverse(&minted["transaction"]),
        json!({"reason": "another"}),
    )
}

pub async fn unfreeze(app: &TestApp) -> Sample {
    let (finance, whose) = (app.finance(), owner(&app.user()));
    finance.freeze(&whose).await.ok();
    Sample::new(
        finance.unfreeze(&whose, "FINANCE"),
        json!({"reason": "another"}),
    )
}

pub fn transfer(app: &TestApp) -> Sample {
    let run = app.finance().move_house("FX", "FEES", &mp("1"), "bank-1");
    Sample::new(run, json!({"amount": mp("2")}))
}

pub fn reconcile(app: &TestApp) -> Sample {
    Sample::new(app.finance().reconcile(), json!({"reason": "another"}))
}

pub fn freeze(app: &TestApp) -> Sample {
    let run = app.finance().freeze(&owner(&app.user()));
    Sample::new(run, json!({"reason": "another"}))
}
