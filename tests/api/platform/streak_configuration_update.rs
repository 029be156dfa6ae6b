use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::is_stored;
use crate::support::test;

const UPDATE: &str = "mutation ($input: StreakConfigurationUpdateInput!) { streakConfigurationUpdate(input: $input) {
    configuration { version tiers { minDays maxDays bonusPercent badgeName milestoneMpBonus }
        gracePeriodEnabled gracePeriodHours recoveryCost freezeTokenDays updatedAt updatedBy reason }
    userErrors { code field message }
} }";

fn tier(min_days: i32, max_days: Option<i32>) -> Value {
    json!({"minDays": min_days, "maxDays": max_days, "bonusPercent": "0.5", "badgeName": "B", "milestoneMpBonus": "10"})
}

/// A whole section with some of its fields changed.
fn input(changed: Value) -> Value {
    let mut input = json!({
        "tiers": [tier(1, Some(1)), tier(2, None)], "gracePeriodEnabled": false, "gracePeriodHours": 0,
        "recoveryCost": "12.5", "freezeTokenDays": 3, "version": 1, "reason": "a test",
    });
    if let Value::Object(changed) = changed {
        for (name, value) in changed {
            input[name] = value;
        }
    }
    json!({"input": input})
}

fn field(body: &Value) -> Value {
    body["data"]["streakConfigurationUpdate"]["userErrors"][0]["field"].clone()
}

#[test]
fn stores_tiers_that_count_at_once() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let mut payload =
            admin.get(UPDATE, input(json!({}))).await["streakConfigurationUpdate"].clone();
        let at = payload["configuration"]["updatedAt"].take();
        assert!(is_stored(app, "streak", 2, &at).await, "{at}");
        assert_eq!(payload["userErrors"], json!([]));
        let shown = |min_days: i32, max_days: Option<i32>| json!({"minDays": min_days, "maxDays": max_days, "bonusPercent": "0.5000", "badgeName": "B", "milestoneMpBonus": "10.0000"});
        assert_eq!(
            payload["configuration"],
            json!({
                "version": 2, "tiers": [shown(1, Some(1)), shown(2, None)], "gracePeriodEnabled": false,
                "gracePeriodHours": 0, "recoveryCost": "12.5000", "freezeTokenDays": 3,
                "updatedAt": null, "updatedBy": admin.id().to_string(), "reason": "a test",
            })
        );
        let audited = "SELECT count(*) FROM audit_log WHERE outcome = 'APPLIED' AND entity_id = 'streak'
             AND before->'tiers'->6->>'minDays' = '90' AND after->'tiers'->1->>'bonusPercent' = '0.5000'";
        assert_eq!(app.number(audited).await, 1);
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(alice.must_claim("1").await["streakBonus"], "10.0000");
        let streak = "{ viewer { miner { streak { bonusMultiplier badge } } } }";
        assert_eq!(
            alice.get(streak, json!({})).await["viewer"]["miner"]["streak"],
            json!({"bonusMultiplier": "0.5000", "badge": "B"})
        );
    });
}

#[test]
fn refuses_without_a_reason() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let answer = admin
            .ask(UPDATE, input(json!({"reason": "", "tiers": []})))
            .await;
        assert_eq!(answer.refusals(), ["REASON_INVALID"]);
    });
}

#[test]
fn refuses_tiers_that_are_not_whole() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let many: Vec<Value> = (1..=51).map(|day| tier(day, Some(day))).collect();
        for (tiers, code, path) in [
            (json!([]), "TIER_COUNT", "tiers"),
            (json!(many), "TIER_COUNT", "tiers"),
            (
                json!([tier(2, None)]),
                "TIERS_NOT_CONTIGUOUS",
                "tiers.0.minDays",
            ),
            (
                json!([tier(1, Some(2)), tier(4, None)]),
                "TIERS_NOT_CONTIGUOUS",
                "tiers.1.minDays",
            ),
            (
                json!([tier(1, Some(2)), tier(2, None)]),
                "TIERS_NOT_CONTIGUOUS",
                "tiers.1.minDays",
            ),
            (
                json!([tier(1, Some(2)), tier(3, Some(1))]),
                "TIERS_NOT_CONTIGUOUS",
                "tiers.1.maxDays",
            ),
            (
                json!([tier(1, Some(2))]),
                "TIERS_NOT_CONTIGUOUS",
                "tiers.0.maxDays",
            ),
            (
                json!([tier(1, None), tier(2, None)]),
                "TIERS_NOT_CONTIGUOUS",
                "tiers.0.maxDays",
            ),
            (
                json!([tier(0, None)]),
                "SETTING_OUT_OF_RANGE",
                "tiers.0.minDays",
            ),
        ] {
            let answer = admin.ask(UPDATE, input(json!({"tiers": tiers}))).await;
            assert_eq!(answer.refusals(), [code], "{tiers}");
            let path: Vec<&str> = path.split('.').collect();
            assert_eq!(field(&answer.body), json!(path), "{tiers}");
        }
        for (name, value, code) in [
            ("badgeName", json!(""), "BADGE_NAME_INVALID"),
            ("badgeName", json!("a\u{0}b"), "BADGE_NAME_INVALID"),
            ("bonusPercent", json!("10.1"), "SETTING_OUT_OF_RANGE"),
            ("bonusPercent", json!("0.00001"), "SETTING_TOO_FINE"),
            ("milestoneMpBonus", json!("-1"), "SETTING_OUT_OF_RANGE"),
        ] {
            let mut wrong = tier(1, None);
            wrong[name] = value;
            let answer = admin.ask(UPDATE, input(json!({"tiers": [wrong]}))).await;
            assert_eq!(answer.refusals(), [code], "{name}");
            assert_eq!(field(&answer.body), json!(["tiers", "0", name]));
        }
    });
}

#[test]
fn refuses_other_settings_out_of_range() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for (name, value, code) in [
            ("gracePeriodHours", json!(169), "SETTING_OUT_OF_RANGE"),
            ("recoveryCost", json!("1000001"), "SETTING_OUT_OF_RANGE"),
            ("recoveryCost", json!("0.00001"), "SETTING_TOO_FINE"),
            ("freezeTokenDays", json!(0), "SETTING_OUT_OF_RANGE"),
        ] {
            let answer = admin.ask(UPDATE, input(json!({name: value}))).await;
            assert_eq!(answer.refusals(), [code], "{name}");
            assert_eq!(field(&answer.body), json!([name]));
        }
    });
}

#[test]
fn refuses_a_stale_version() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let answer = admin.ask(UPDATE, input(json!({"version": 2}))).await;
        assert_eq!(answer.refusals(), ["CONFIGURATION_STALE"]);
        assert_eq!(field(&answer.body), json!(["version"]));
    });
}

#[test]
fn is_for_admins_only() {
    test(async |app| {
        for actor in [
            app.person(&[Role::Support]),
            app.user(),
            app.service(&Scope::ALL),
        ] {
            assert_eq!(
                actor.ask(UPDATE, input(json!({}))).await.code(),
                "FORBIDDEN"
            );
        }
        let audited = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'configuration.streak_update'";
        assert_eq!(app.number(audited).await, 2);
    });
}
