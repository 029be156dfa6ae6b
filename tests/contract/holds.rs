//! Samples of the mutations about holds and settlements.

use serde_json::{Value, json};

use super::rows::Sample;
use crate::support::TestApp;
use crate::support::wallets::{loss, mp};

pub async fn place(app: &TestApp) -> Sample {
    let alice = app.holder("50").await;
    Sample::new(app.game().place(&alice, "10"), json!({"amount": mp("11")}))
}

/// Two holds of one person.
pub async fn two_holds(app: &TestApp) -> [Value; 2] {
    let (alice, game) = (app.holder("50").await, app.game());
    [
        game.placed(&alice, "10", "7").await,
        game.placed(&alice, "10", "7").await,
    ]
}

pub async fn extend(app: &TestApp) -> Sample {
    let [hold, other] = two_holds(app).await;
    let now = app
        .db
        .read(async |conn| db::clock::now(conn).await)
        .await
        .unwrap();
    let later =
        (now + chrono::TimeDelta::days(2)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    Sample::new(app.game().extend(&hold, &later), json!({"holdId": other}))
}

pub async fn release(app: &TestApp) -> Sample {
    let [hold, other] = two_holds(app).await;
    Sample::new(app.game().release_hold(&hold), json!({"holdId": other}))
}

pub async fn settle(app: &TestApp) -> Sample {
    let [hold, other] = two_holds(app).await;
    Sample::new(
        app.game().settle(loss(&hold)),
        json!({"settlement": loss(&other)}),
    )
}

pub async fn settle_all(app: &TestApp) -> Sample {
    let [hold, other] = two_holds(app).await;
    let run = app.game().settle_all(json!([loss(&hold)]));
    Sample::new(run, json!({"settlements": [loss(&other)]}))
}
