use serde_json::{Value, json};

use super::is_stored;
use crate::support::samples::{self, tier};
use crate::support::{Actor, Run, merged, test};

fn update(admin: &Actor, fields: Value) -> Run {
    let tiers = json!({"tiers": [tier(1, Some(1)), tier(2, None)]});
    let section = samples::streak(merged(tiers, fields));
    admin.run("streakConfigurationUpdate", samples::with_reason(section))
}

#[test]
fn stores_tiers_in_force_at_once() {
    test(async |app| {
        let admin = app.admin();
        let paid = json!({"bonusRate": "0.5", "milestonePoints": "10"});
        let tiers =
            [(1, Some(1)), (2, None)].map(|(min, max)| merged(tier(min, max), paid.clone()));
        app.approved(update(&admin, json!({"tiers": tiers}))).await;
        let section = "{ systemConfiguration { streak { id version
            tiers { minDays maxDays bonusRate badgeName milestonePoints }
            gracePeriodEnabled gracePeriodHours recoveryCost freezeTokenDays updatedAt updatedBy { uuid } reason } } }";
        let mut stored =
            admin.get(section, json!({})).await["systemConfiguration"]["streak"].clone();
        assert!(stored["id"].take().is_string());
        let at = stored["updatedAt"].take();
        assert!(is_stored(app, "streak", 2, &at).await, "{at}");
        let shown = |min_days: i32, max_days: Option<i32>| json!({"minDays": min_days, "maxDays": max_days, "bonusRate": "0.5000", "badgeName": "B", "milestonePoints": "10.0000"});
        assert_eq!(
            stored,
            json!({
                "id": null, "version": 2, "tiers": [shown(1, Some(1)), shown(2, None)], "gracePeriodEnabled": false,
                "gracePeriodHours": 0, "recoveryCost": "12.5000", "freezeTokenDays": 3,
                "updatedAt": null, "updatedBy": {"uuid": admin.id().to_string()}, "reason": "a test",
            })
        );
        let audited = app.audited("platform.streak_configuration_update").await;
        // The request and the change.
        assert_eq!(audited.len(), 2);
        for entry in &audited {
            assert_eq!(entry.outcome, "APPLIED");
            assert_eq!(entry.entity_id.as_deref(), Some("streak"));
            assert_eq!(entry.before["tiers"][6]["minDays"], 90);
        }
        assert!(audited[0].after["approval"].is_string());
        assert_eq!(audited[1].after["tiers"][1]["bonusRate"], "0.5000");
        let alice = app.miner().ready().await;
        assert_eq!(alice.claim().await.ok()["milestonePoints"], "10.0000");
        assert_eq!(
            alice.own_miner("streak { bonusRate badge }").await,
            json!({"streak": {"bonusRate": "0.5000", "badge": "B"}})
        );
    });
}

#[test]
fn refuses_without_a_valid_reason() {
    test(async |app| {
        // Before any other check.
        let update = update(&app.admin(), json!({"tiers": []}));
        let outcome = update.with(json!({"reason": ""})).await;
        outcome.refused("REASON_INVALID", Some("reason"));
    });
}

#[test]
fn refuses_gaps_and_overlaps_of_tiers() {
    test(async |app| {
        let admin = app.admin();
        let many: Vec<Value> = (1..=51).map(|day| tier(day, Some(day))).collect();
        let contiguous = "TIERS_NOT_CONTIGUOUS";
        for (tiers, code, path) in [
            (json!([]), "TIER_COUNT", "tiers"),
            (json!(many), "TIER_COUNT", "tiers"),
            (json!([tier(2, None)]), contiguous, "tiers.0.minDays"),
            (
                json!([tier(1, Some(2)), tier(4, None)]),
                contiguous,
                "tiers.1.minDays",
            ),
            (
                json!([tier(1, Some(2)), tier(2, None)]),
                contiguous,
                "tiers.1.minDays",
            ),
            (
                json!([tier(1, Some(2)), tier(3, Some(1))]),
                contiguous,
                "tiers.1.maxDays",
            ),
            (json!([tier(1, Some(2))]), contiguous, "tiers.0.maxDays"),
            (
                json!([tier(1, None), tier(2, None)]),
                contiguous,
                "tiers.0.maxDays",
            ),
            (
                json!([tier(0, None)]),
                "SETTING_OUT_OF_RANGE",
                "tiers.0.minDays",
            ),
        ] {
            let outcome = update(&admin, json!({"tiers": tiers})).await;
            outcome.refused(code, Some(&format!("configuration.{path}")));
        }
    });
}

#[test]
fn refuses_settings_of_a_tier_out_of_range() {
    test(async |app| {
        let admin = app.admin();
        for (name, value, code) in [
            ("badgeName", json!(""), "BADGE_NAME_INVALID"),
            ("badgeName", json!("a\u{0}b"), "BADGE_NAME_INVALID"),
            ("badgeName", json!("a\u{202E}b"), "BADGE_NAME_INVALID"),
            ("badgeName", json!("\u{3164}"), "BADGE_NAME_INVALID"),
            ("bonusRate", json!("10.1"), "SETTING_OUT_OF_RANGE"),
            ("bonusRate", json!("0.00001"), "SETTING_TOO_FINE"),
            ("milestonePoints", json!("-1"), "SETTING_OUT_OF_RANGE"),
        ] {
            let wrong = merged(tier(1, None), json!({name: value}));
            let outcome = update(&admin, json!({"tiers": [wrong]})).await;
            outcome.refused(code, Some(&format!("configuration.tiers.0.{name}")));
        }
    });
}

#[test]
fn refuses_other_settings_out_of_range() {
    test(async |app| {
        let admin = app.admin();
        for (name, value, code) in [
            ("gracePeriodHours", json!(169), "SETTING_OUT_OF_RANGE"),
            ("recoveryCost", json!("1000001"), "SETTING_OUT_OF_RANGE"),
            ("recoveryCost", json!("0.00001"), "SETTING_TOO_FINE"),
            ("freezeTokenDays", json!(0), "SETTING_OUT_OF_RANGE"),
        ] {
            let outcome = update(&admin, json!({name: value})).await;
            outcome.refused(code, Some(&format!("configuration.{name}")));
        }
    });
}

#[test]
fn refuses_a_stale_version() {
    test(async |app| {
        let outcome = update(&app.admin(), json!({"version": 2})).await;
        outcome.refused("CONFIGURATION_STALE", Some("configuration.version"));
    });
}
