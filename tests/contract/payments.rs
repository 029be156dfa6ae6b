//! Samples of the mutations about conversions, deposits and withdrawals.

use domain::access::Scope;
use serde_json::{Value, json};

use super::rows::Sample;
use crate::support::wallets::mp;
use crate::support::{Miner, TestApp};

pub async fn assign(app: &TestApp) -> Sample {
    let (alice, bank) = (app.miner().await, app.bank().await);
    let deposit = bank.suspended("7", "a").await;
    let run = app.finance().assign(&deposit, &alice);
    Sample::new(run, json!({"depositId": bank.suspended("7", "b").await}))
}

pub async fn convert(app: &TestApp) -> Sample {
    app.open_conversions().await;
    let alice = app.saver("50").await;
    Sample::new(alice.convert(&mp("10"), "PT"), json!({"amount": mp("11")}))
}

/// A rate that jumped, and one of another pair.
pub async fn accept_rate(app: &TestApp) -> Sample {
    let source = app.service(&[Scope::RatesWrite]);
    let mut waiting = Vec::new();
    for (from, to) in [("USD", "USDT"), ("USDT", "USD")] {
        let rate = format!("{}", app.all_events().await.len() + 1);
        source.record_rate(from, to, &rate).await.ok();
        app.advance(chrono::TimeDelta::seconds(1)).await;
        let jumped = source
            .record_rate(from, to, &format!("{rate}000"))
            .await
            .ok();
        waiting.push(jumped["rate"]["id"].clone());
        app.advance(chrono::TimeDelta::seconds(1)).await;
    }
    let run = app.finance().accept_rate(&waiting[0]);
    Sample::new(run, json!({"rateSnapshotId": waiting[1]}))
}

/// Two withdrawals of one person.
async fn two_withdrawals(app: &TestApp) -> (Miner, [Value; 2]) {
    let alice = app.saver("50").await;
    let request = async || alice.withdraw("10").await.ok()["withdrawal"]["id"].clone();
    let withdrawals = [request().await, request().await];
    (alice, withdrawals)
}

pub async fn withdrawal_cancel(app: &TestApp) -> Sample {
    let (alice, [one, other]) = two_withdrawals(app).await;
    Sample::new(
        alice.cancel_withdrawal(&one),
        json!({"withdrawalId": other}),
    )
}

pub async fn withdrawal_process(app: &TestApp) -> Sample {
    let (_, [one, other]) = two_withdrawals(app).await;
    Sample::new(app.finance().process(&one), json!({"withdrawalId": other}))
}

pub async fn withdrawal_complete(app: &TestApp) -> Sample {
    let (alice, [one, other]) = two_withdrawals(app).await;
    for withdrawal in [&one, &other] {
        app.finance().process(withdrawal).await.ok();
    }
    let payment =
        |reference: &str| json!({"provider": alice.id().to_string(), "reference": reference});
    let run = app
        .finance()
        .complete(&one, "1")
        .with(json!({"payout": payment("1")}));
    Sample::new(run, json!({"withdrawalId": other, "payout": payment("2")}))
}

pub async fn withdrawal_fail(app: &TestApp) -> Sample {
    let (_, [one, other]) = two_withdrawals(app).await;
    Sample::new(app.finance().fail(&one), json!({"withdrawalId": other}))
}
