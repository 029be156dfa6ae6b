//! Metrics: values, descriptions, and the presence of all metrics of rules and panels.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::expressions::{metrics, of_rules, read};
use crate::support::lock::{Lock, until_waiting};
use crate::support::{PATIENCE, TestApp, test, test_with};

async fn scrape(app: &TestApp) -> String {
    let answer = reqwest::get(app.url("/metrics")).await.unwrap();
    answer.text().await.unwrap()
}

/// Value of a series; other tests of this process change it too.
fn value(text: &str, series: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
        .map_or(0.0, |value| value.parse().unwrap())
}

/// Scrapes until the value of a series meets a condition.
async fn until(app: &TestApp, series: &str, is_right: impl Fn(f64) -> bool) {
    let started = Instant::now();
    loop {
        let text = scrape(app).await;
        if is_right(value(&text, series)) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{series}: {text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn counts_operations_by_name_and_code() {
    test(async |app| {
        let bob = app.miner().await;
        let staff = app.person(&[Role::Support]);
        let before = scrape(app).await;
        bob.get("query Mine_17 { viewer { id } }", json!({})).await;
        bob.ask("query Wrong_17 { nothing }", json!({})).await;
        bob.ask("{ node(id: \"x\") { id } }", json!({})).await;
        bob.ask("}", json!({})).await;
        let query = "query Rates_17 { miners(first: 2) { nodes { rate { hourlyRate } } } }";
        staff.get(query, json!({})).await;
        let after = scrape(app).await;
        for series in [
            r#"graphql_operations_total{transport="http",kind="query",outcome="ok",operation="query Mine_17"}"#,
            r#"graphql_operation_duration_seconds_count{transport="http",kind="query",outcome="ok",operation="query Rates_17"}"#,
            r#"graphql_operations_total{transport="http",kind="query",outcome="error",operation="query other"}"#,
            r#"graphql_errors_total{code="GRAPHQL_VALIDATION_FAILED"}"#,
            r#"graphql_errors_total{code="GRAPHQL_PARSE_FAILED"}"#,
            "graphql_operation_cost_count",
            r#"graphql_loader_batch_size_bucket{loader="RateFactsOf",le="1"}"#,
            "goodgo_pool_wait_seconds_count",
            "goodgo_statement_duration_seconds_count",
        ] {
            assert!(
                value(&after, series) > value(&before, series),
                "{series}: {after}"
            );
        }
        assert!(
            !after.contains("Wrong_17"),
            "what was not executed has no name"
        );
    });
}

#[test]
fn counts_subscriptions_by_field() {
    test(async |app| {
        let bob = app.miner().await;
        let sent = r#"graphql_subscription_events_total{field="minerUpdated"}"#;
        let before = scrape(app).await;
        assert!(before.contains(r#"graphql_subscriptions_open{field="minerUpdated"} "#));
        let mut socket = bob.socket().await;
        socket
            .subscribe("1", "subscription { minerUpdated { sequence } }")
            .await;
        app.until_followed(bob.id()).await;
        let during = scrape(app).await;
        assert!(
            value(
                &during,
                r#"graphql_subscriptions_open{field="minerUpdated"}"#
            ) >= 1.0
        );
        assert!(value(&during, "websocket_connections") >= 1.0);
        bob.start().await.ok();
        socket.event("1").await;
        assert!(value(&scrape(app).await, sent) > value(&before, sent));
    });
}

#[test]
fn measures_the_outbox_and_the_checker() {
    test(async |app| {
        // Announced long ago, and nobody delivers it.
        app.miner().await;
        app.until_count("outbox", "announced_at IS NULL", 0).await;
        app.sql("UPDATE outbox SET delivered_at = NULL, written_at = now() - interval '1 hour'")
            .await;
        let id = uuid::Uuid::from_u128(1);
        app.sql(&format!(
            "INSERT INTO reconciliation_runs (id, status, started_at, finished_at, mismatch_count, mismatches)
             VALUES ('{id}', 'FAILED', '2030-01-01Z', '2030-01-01Z', 2, '[]')"
        ))
        .await;
        // Other servers of this process look at databases of their own.
        let (ages, last) = app
            .db
            .read(async |conn| {
                let ages = db::outbox::ages(conn).await?;
                Ok((
                    ages,
                    db::wallets::reconciliation::queries::last_run(conn).await?,
                ))
            })
            .await
            .unwrap();
        assert!(
            (3_600.0..3_700.0).contains(&ages.undelivered_seconds),
            "{ages:?}"
        );
        assert!(ages.unannounced_seconds < 60.0, "{ages:?}");
        let last = last.unwrap();
        assert_eq!(
            (last.mismatches, last.finished_at.timestamp()),
            (2, 1_893_456_000)
        );
        until(app, "goodgo_checker_mismatches", |found| found > 1.5).await;
        until(app, "goodgo_outbox_undelivered_age_seconds", |age| {
            age > 3_599.0
        })
        .await;
        until(app, "goodgo_database_up", |up| up > 0.5).await;
        let text = scrape(app).await;
        for series in [
            r#"goodgo_job_runs_total{job="partition_maintenance",outcome="ok"}"#,
            r#"goodgo_job_last_success_timestamp_seconds{job="partition_maintenance"}"#,
            r#"goodgo_job_duration_seconds_count{job="partition_maintenance"}"#,
            "goodgo_pool_size",
        ] {
            assert!(value(&text, series) > 0.0, "{series}: {text}");
        }
    });
}

#[test]
fn serves_metrics_without_the_database() {
    test(async |app| {
        // A request for a connection would wait for five seconds. Reads get six of eight connections.
        let db = app.db.clone();
        let mut holding = Vec::new();
        for _ in 0..6 {
            let db = db.clone();
            holding.push(tokio::spawn(async move {
                db.read(async |_| std::future::pending::<Result<(), db::DbError>>().await)
                    .await
            }));
        }
        let is_busy = |pool: db::Status| pool.size - pool.available >= 6;
        app.until(|| is_busy(app.db.connections())).await;
        let asked = Instant::now();
        assert!(scrape(app).await.contains("goodgo_pool_size 8"));
        assert!(
            asked.elapsed() < Duration::from_secs(4),
            "{:?}",
            asked.elapsed()
        );
        for task in holding {
            task.abort();
            let _ = task.await;
        }
    });
}

#[test]
fn exports_the_metrics_of_all_rules_and_panels() {
    test(async |app| {
        let other = app
            .another_with(&[
                ("GOODGO_TRUSTED_DOCUMENTS", "log"),
                ("GOODGO_RATE_ANONYMOUS", "1"),
            ])
            .await;
        exercise(&other).await;
        let text = scrape(&other).await;
        other.stop().await;
        let mut known = BTreeSet::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').unwrap();
            assert!(
                text.contains(&format!("# HELP {name} ")),
                "{name} has no description"
            );
            if kind == "histogram" {
                known.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")));
            } else {
                known.insert(name.to_owned());
            }
            assert_ne!(kind, "summary", "{name} has no buckets");
        }
        // Prometheus says this itself.
        known.insert("up".to_owned());
        let mut expressions = of_rules(&read("alerts.yml"));
        let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let rows = panels.iter().filter(|panel| panel["type"] == "row").count();
        assert_eq!(rows, 9);
        for panel in panels {
            for target in panel["targets"].as_array().into_iter().flatten() {
                assert_eq!(target["datasource"]["uid"], "${datasource}");
                expressions.push(target["expr"].as_str().unwrap().to_owned());
            }
        }
        assert!(expressions.len() > 50, "no expressions found");
        for expression in expressions {
            let named = metrics(&expression);
            assert!(!named.is_empty(), "{expression} names nothing");
            for name in named {
                assert!(
                    known.contains(&name),
                    "{name} of {expression} is not in {text}"
                );
            }
        }
    });
}

/// Causes every event that has a counter.
async fn exercise(app: &TestApp) {
    let bob = app.miner().await;
    let staff = app.person(&[Role::Support]);
    staff
        .get(
            "{ miners(first: 2) { nodes { rate { hourlyRate } } } }",
            json!({}),
        )
        .await;
    bob.ask("query Wrong { nothing }", json!({})).await;
    let deep = format!("{}id{}", "{ viewer ".repeat(30), "}".repeat(30));
    assert_eq!(bob.ask(&deep, json!({})).await.code(), "LIMIT_EXCEEDED");
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let by_hash = json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}});
    let client = reqwest::Client::new();
    let asking = client
        .post(app.url("/graphql"))
        .bearer_auth(bob.token().unwrap());
    asking.json(&by_hash).send().await.unwrap();
    let late = json!({"userId": bob.id().to_string(), "completedAt": "2999-01-01T00:00:00Z"});
    let service = app.service(&[Scope::MiningEvents]);
    service
        .run("kycComplete", late)
        .await
        .refused("KYC_IN_FUTURE", Some("completedAt"));
    let mut socket = bob.socket().await;
    socket
        .subscribe("1", "subscription { minerUpdated { sequence } }")
        .await;
    app.until_followed(bob.id()).await;
    bob.start().await.ok();
    socket.event("1").await;
    socket.say_text("nonsense").await;
    socket.close_code().await;
    let anonymous = app.anonymous();
    let many = (0..20).map(|_| anonymous.ask("{ __typename }", json!({})));
    let answers = futures_util::future::join_all(many).await;
    assert!(answers.iter().any(|answer| answer.code() == "RATE_LIMITED"));
    until(app, "goodgo_database_up", |up| up > 0.5).await;
    until(
        app,
        r#"websocket_closes_total{code="4400",reason="malformed"}"#,
        |closed| closed > 0.5,
    )
    .await;
}

#[test]
fn counts_commands_and_refuses_too_many() {
    test_with(&[("GOODGO_COMMANDS", "1")], async |app| {
        let [alice, bob] = [app.miner().ready().await, app.miner().await];
        let series = |outcome: &str| {
            let code = if outcome == "refused" {
                "SESSION_ALREADY_CLAIMED"
            } else {
                ""
            };
            format!(
                "goodgo_commands_total{{command=\"mining.mining_session_claim\",outcome=\"{outcome}\",code=\"{code}\"}}"
            )
        };
        let before = scrape(app).await;
        let lock = Lock::on_miners(app, "true").await;
        let claiming = tokio::spawn(alice.claim().key("first").into_future());
        until_waiting(app, 1).await;
        bob.start()
            .await
            .error_with_reason("UNAVAILABLE", "OVERLOADED");
        lock.release().await;
        claiming.await.unwrap().ok();
        bob.start().await.ok();
        alice.claim().key("first").await.replayed();
        alice.claim().await.refused("SESSION_ALREADY_CLAIMED", None);
        let after = scrape(app).await;
        for outcome in ["applied", "replayed", "refused"] {
            let of = series(outcome);
            assert!(value(&after, &of) > value(&before, &of), "{of}");
        }
        let overloaded = "goodgo_commands_overloaded_total";
        assert!(value(&after, overloaded) > value(&before, overloaded));
    });
}
