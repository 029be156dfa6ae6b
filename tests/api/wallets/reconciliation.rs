use domain::access::Role;
use serde_json::{Value, json};

use crate::support::samples::wallet;
use crate::support::{TestApp, merged, test};

const RUNS: &str = "{ reconciliation { latestRun { id status mismatchCount startedAt finishedAt
        mismatches { check currency expected actual message subject { __typename id } } }
    runs(first: 5) { totalCount nodes { id status } }
    issuance { issued { amount currency } ceiling { amount } }
    overdueHolds(first: 5) { totalCount nodes { id } } } }";

/// Lets the job carry out what is due.
async fn run_job(app: &TestApp) {
    let job = goodgo::jobs::ALL
        .into_iter()
        .find(|job| job.name == "reconciliation");
    (job.unwrap().run)(app.db.clone()).await.unwrap();
}

async fn runs(app: &TestApp) -> Value {
    app.support().get(RUNS, json!({})).await["reconciliation"].clone()
}

#[test]
fn runs_the_checker_when_requested() {
    test(async |app| {
        assert_eq!(runs(app).await["latestRun"], Value::Null);
        let started = app.finance().reconcile().await.ok()["run"].clone();
        assert_eq!(started["status"], "RUNNING");
        assert_eq!(started["finishedAt"], Value::Null);
        app.finance()
            .reconcile()
            .await
            .refused("RECONCILIATION_RUNNING", None);
        run_job(app).await;
        let seen = runs(app).await;
        assert_eq!(seen["latestRun"]["id"], started["id"]);
        assert_eq!(seen["latestRun"]["status"], "PASSED");
        assert_eq!(seen["latestRun"]["mismatches"], json!([]));
        // The next run is due an hour after the last.
        run_job(app).await;
        assert_eq!(runs(app).await["runs"]["totalCount"], 1);
        app.advance(chrono::TimeDelta::hours(1)).await;
        run_job(app).await;
        assert_eq!(runs(app).await["runs"]["totalCount"], 2);
        let node = "query ($id: ID!) { node(id: $id) { ... on ReconciliationRun { status } } }";
        let by_id = json!({"id": started["id"]});
        assert_eq!(
            app.support().get(node, by_id.clone()).await["node"]["status"],
            "PASSED"
        );
        assert_eq!(app.user().get(node, by_id).await["node"], Value::Null);
    });
}

#[test]
fn refuses_runs_without_a_reason() {
    test(async |app| {
        let run = app.finance().reconcile();
        let input = json!({"reason": " "});
        run.with(input)
            .await
            .refused("REASON_INVALID", Some("reason"));
    });
}

#[test]
fn reports_mismatches_with_their_object() {
    test(async |app| {
        let alice = app.saver("50").await;
        let mine = format!("owner_id = '{}' AND kind = 'MAIN'", alice.id());
        app.sql(&format!(
            "UPDATE wallets SET available = available + 10000 WHERE {mine}"
        ))
        .await;
        run_job(app).await;
        let run = runs(app).await["latestRun"].clone();
        assert_eq!(run["status"], "FAILED");
        let found = run["mismatches"].as_array().unwrap();
        let balance = found
            .iter()
            .find(|found| found["check"] == "BALANCE")
            .unwrap();
        let wallet = alice
            .get(r#"{ viewer { wallet(currency: "MP") { id } } }"#, json!({}))
            .await;
        assert_eq!(balance["expected"], "50.0000");
        assert_eq!(balance["actual"], "51.0000");
        assert_eq!(balance["currency"], "MP");
        let subject = json!({"__typename": "Wallet", "id": wallet["viewer"]["wallet"]["id"]});
        assert_eq!(balance["subject"], subject);
        assert_eq!(
            app.count("outbox", "name = 'ReconciliationFailed'").await,
            1
        );
        app.sql(&format!(
            "UPDATE wallets SET available = available - 10000 WHERE {mine}"
        ))
        .await;
        // A run that a killed process has left is carried out again.
        app.finance().reconcile().await.ok();
        run_job(app).await;
        assert_eq!(runs(app).await["latestRun"]["status"], "PASSED");
    });
}

#[test]
fn lists_overdue_holds_and_issuance() {
    test(async |app| {
        let alice = app.saver("50").await;
        let hold = app.game().placed(&alice, "10", "7").await;
        assert_eq!(runs(app).await["overdueHolds"]["totalCount"], 0);
        app.advance(chrono::TimeDelta::days(2)).await;
        let seen = runs(app).await;
        let overdue = json!({"totalCount": 1, "nodes": [{"id": hold}]});
        assert_eq!(seen["overdueHolds"], overdue);
        let issuance = seen["issuance"].as_array().unwrap();
        let points = issuance
            .iter()
            .find(|count| count["issued"]["currency"] == "MP")
            .unwrap();
        assert_eq!(points["ceiling"]["amount"], "100000000.0000");
        for asker in [app.user(), app.person(&[Role::Merchant])] {
            assert_eq!(asker.ask(RUNS, json!({})).await.code(), "FORBIDDEN");
        }
    });
}

/// Sets the daily ceiling of points.
async fn with_ceiling(app: &TestApp, ceiling: &str) {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    for currency in currencies.as_array_mut().unwrap() {
        if currency["code"] == "MP" {
            *currency = merged(currency.clone(), json!({"issuanceCeiling": ceiling}));
        }
    }
    app.configure_wallets(json!({"currencies": currencies}))
        .await;
    app.count_issuance().await;
}

#[test]
fn refuses_claims_and_adjustments_at_the_ceiling() {
    test(async |app| {
        let alice = app.miner().ready().await;
        let bob = app.miner().await;
        with_ceiling(app, "5").await;
        let adjust = |points: &str| app.person(&[Role::Admin]).adjust(&bob, points);
        let refused = adjust("6")
            .await
            .refused("ISSUANCE_CEILING", Some("points"));
        assert_eq!(refused["availablePoints"], "5.0000");
        adjust("5").await.ok();
        app.count_issuance().await;
        let refused = alice.claim().await.refused("ISSUANCE_CEILING", None);
        assert!(refused["retryAt"].as_str().unwrap().contains("T00:00:00"));
        adjust("1")
            .await
            .refused("ISSUANCE_CEILING", Some("points"));
        // The time until midnight does not count, and the next day has a ceiling of its own.
        app.advance(chrono::TimeDelta::days(1)).await;
        assert_eq!(app.count("issuance_pauses", "true").await, 1);
        with_ceiling(app, "100").await;
        alice.claim().await.ok();
    });
}

#[test]
fn refuses_adjustments_while_nothing_is_counted() {
    test(async |app| {
        let bob = app.miner().await;
        app.pass(chrono::TimeDelta::minutes(2)).await;
        let adjusted = app.person(&[Role::Admin]).adjust(&bob, "1");
        adjusted.await.error("UNAVAILABLE");
        let alice = app.miner().ready().await;
        alice.claim().await.ok();
    });
}
