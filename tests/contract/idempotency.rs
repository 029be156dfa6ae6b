//! Idempotency keys: what is stored, and how many.

use chrono::TimeDelta;
use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp, test};

/// The most keys that a person stores in an hour.
const QUOTA: i64 = 1_000;

/// Renames the caller's circle to nothing under a number of keys, in one document. The command is refused, and stored.
async fn refused_renames(who: &Actor, keys: std::ops::Range<i64>) -> Answer {
    let fields = keys.map(|key| {
        format!("k{key}: circleRename(input: {{name: \"\", idempotencyKey: \"k{key}\"}}) {{ userErrors {{ code }} }}")
    });
    let document = format!("mutation {{ {} }}", fields.collect::<Vec<_>>().join(" "));
    who.ask(&document, json!({})).await
}

async fn stored_keys(app: &TestApp) -> i64 {
    app.count("idempotency_keys", "operation = 'mining.circle_rename'")
        .await
}

#[test]
fn limits_the_keys_that_a_person_stores() {
    test(async |app| {
        let [alice, _, carol] = app.circle().await;
        let set_up = app.count("idempotency_keys", "true").await;
        let mut from = 0;
        let limited = loop {
            let answer = refused_renames(&alice, from..from + 20).await;
            if answer.code() == "RATE_LIMITED" {
                break answer;
            }
            assert_eq!(
                answer.data()[format!("k{from}")]["userErrors"][0]["code"],
                "CIRCLE_NAME_INVALID"
            );
            from += 20;
            assert!(from <= QUOTA, "more keys than the quota");
        };
        let stored = stored_keys(app).await;
        // Alice's share of the set-up counts, too.
        assert!(stored <= QUOTA && stored + set_up >= QUOTA, "{stored}");
        let extensions = &limited.body["errors"][0]["extensions"];
        assert_eq!(extensions["reason"], "IDEMPOTENCY_KEYS");
        let seconds = extensions["retryAfterSeconds"].as_u64().unwrap();
        assert!((1..=4_200).contains(&seconds), "{seconds}");
        // A replay stores nothing, nor does a command without a key; other people have a quota of their own.
        assert_eq!(
            alice.rename("").key("k0").await.refusal(),
            Some("CIRCLE_NAME_INVALID")
        );
        alice.rename("Day shift").without_key().await.ok();
        alice
            .rename("Late shift")
            .key("new")
            .await
            .error("RATE_LIMITED");
        carol.leave().await.ok();
        assert_eq!(stored_keys(app).await, stored);
    });
}

/// The caller's own object does not exist yet: the same key works once it does.
#[test]
fn judges_refusals_without_an_own_object_anew() {
    test(async |app| {
        let alice = app.user();
        let refused = async |run: crate::support::Run, code: &str| {
            run.key("k").await.refused(code, None);
        };
        refused(alice.start(), "MINER_NOT_FOUND").await;
        alice.register().await.ok();
        refused(alice.rename("Night shift"), "CIRCLE_NOT_FOUND").await;
        refused(alice.claim(), "SESSION_NOT_FOUND").await;
        assert_eq!(app.count("idempotency_keys", "is_refused").await, 0);
        alice.start().key("k").await.ok();
        app.advance(TimeDelta::hours(24)).await;
        alice.create_circle().await.ok();
        alice.rename("Day shift").key("k").await.ok();
        alice.claim().key("k").await.ok();
    });
}

/// A missing verification is stored like any other refusal: its key never carries the command out.
#[test]
fn keeps_refusals_for_a_missing_verification() {
    test(async |app| {
        let alice = app.holder("100").await;
        let withdraw = alice.withdraw("10").key("w");
        let convert = alice
            .convert(&json!({"amount": "1", "currency": "USD"}), "VND")
            .key("c");
        for run in [&withdraw, &convert] {
            run.clone().await.refused("KYC_REQUIRED", None);
        }
        app.verify(&alice).await.ok();
        for run in [&withdraw, &convert] {
            let again = run.clone().await;
            assert!(again.is_replay());
            again.refused("KYC_REQUIRED", None);
        }
        let other = alice.withdraw("11").key("w").await;
        other.error_with_reason("CONFLICT", "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(app.count("withdrawals", "true").await, 0);
        alice.withdraw("10").key("new").await.ok();
    });
}

/// Refusals that are not stored do not count against the quota.
#[test]
fn frees_the_keys_of_unstored_refusals() {
    test(async |app| {
        let alice = app.user();
        for _ in 0..=QUOTA / 20 {
            let answer = refused_renames(&alice, 0..20).await;
            assert_eq!(
                answer.data()["k0"]["userErrors"][0]["code"],
                "MINER_NOT_FOUND"
            );
        }
        assert_eq!(stored_keys(app).await, 0);
    });
}

#[test]
fn counts_the_refusals_of_services() {
    test(async |app| {
        let service = app.service(&[Scope::MiningEvents]);
        let late =
            json!({"userId": app.user().id().to_string(), "completedAt": "2999-01-01T00:00:00Z"});
        let series = r#"goodgo_service_refusals_total{caller="goodgo-dev-services|tester",command="mining.kyc_complete",code="KYC_IN_FUTURE"}"#;
        let count = async || {
            let text = reqwest::get(app.url("/metrics"))
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            let value = text
                .lines()
                .find_map(|line| line.strip_prefix(series).map(str::to_owned));
            value.map_or(0.0, |value| value.trim().parse::<f64>().unwrap())
        };
        let before = count().await;
        let run = service.run("kycComplete", Value::clone(&late));
        for key in ["a", "b", "b"] {
            run.clone()
                .key(key)
                .await
                .refused("KYC_IN_FUTURE", Some("completedAt"));
        }
        // The replay is not counted.
        assert!(
            (count().await - before - 2.0).abs() < 0.5,
            "{}",
            count().await
        );
    });
}

const INTROSPECTION: &str = "{ __schema { types { name kind fields { name description type { name kind ofType { kind } } } } } }";

/// Descriptions of payload fields that are read after the commit say so; other fields are stored with the key.
#[test]
fn describes_the_objects_of_payloads_as_present() {
    test(async |app| {
        let data = app.anonymous().get(INTROSPECTION, json!({})).await;
        let types = data["__schema"]["types"].as_array().unwrap();
        let is_payload = |of: &&Value| of["name"].as_str().unwrap().ends_with("Payload");
        let mut objects = 0;
        for payload in types.iter().filter(is_payload) {
            for field in payload["fields"].as_array().unwrap() {
                let name = format!("{}.{}", payload["name"], field["name"]);
                let is_scalar = matches!(field["type"]["kind"].as_str(), Some("SCALAR" | "ENUM"));
                // Results of batch items are stored, and a receipt never changes.
                let stored = ["userErrors", "results", "transaction"];
                let is_stored = stored.contains(&field["name"].as_str().unwrap());
                if is_scalar || is_stored {
                    continue;
                }
                assert_eq!(field["type"]["kind"], "OBJECT", "{name}");
                let description = field["description"].as_str().unwrap();
                assert!(
                    description.ends_with("A retry returns it as it is then."),
                    "{name}"
                );
                objects += 1;
            }
        }
        assert!(objects > 25, "{objects}");
    });
}

/// Later commands change the miner, but no number of the first result.
#[test]
fn replays_the_first_numbers_after_later_commands() {
    test(async |app| {
        let alice = app.miner().streak(6).ready().await;
        let selection = "pointsEarned milestonePoints miner { totalMinedPoints }";
        let claim = alice.claim().select(selection).key("k");
        let first = claim.clone().await.ok();
        assert_eq!(first["milestonePoints"], "50.0000");
        app.advance(TimeDelta::days(10)).await;
        alice.start().await.ok();
        let recover = alice
            .recover()
            .select("recoveredDays milestonePoints entry { pointsEarned }");
        let recovered = recover.clone().key("k").await.ok();
        app.admin().adjust(&alice, "7").await.ok();
        app.mine(&[]).await;
        alice.claim().await.ok();
        let again = claim.await.replayed();
        for field in ["pointsEarned", "milestonePoints"] {
            assert_eq!(again[field], first[field], "{field}");
        }
        assert_ne!(again["miner"], first["miner"]);
        assert_eq!(recover.key("k").await.replayed(), recovered);
    });
}
