use chrono::TimeDelta;
use serde_json::{Value, json};

use super::is_stored;
use crate::support::{
    Actor, Miner, Run, TestApp, assert_includes, at, at_once, merged, samples, test,
};

/// Sets the section, with the base rate in force unless `fields` say otherwise.
fn update(admin: &Actor, fields: Value) -> Run {
    let section = samples::mining(json!({"baseRate": "0.25"}));
    let input = samples::with_reason(merged(section, fields));
    admin.run("miningConfigurationUpdate", input)
}

async fn versions(app: &TestApp) -> i64 {
    app.count("configurations", "section = 'mining'").await
}

#[test]
fn stores_a_new_version() {
    test(async |app| {
        let admin = app.admin();
        let fields = json!({"baseRate": "0.2", "claimWindowHours": 100});
        let update = update(&admin, fields).with(json!({"reason": " Less for all "}));
        let mut stored = update.await.ok()["configuration"].clone();
        assert!(stored["id"].take().is_string());
        let at = stored["updatedAt"].take();
        assert!(is_stored(app, "mining", 2, &at).await, "{at}");
        assert_eq!(
            stored,
            json!({
                "id": null, "version": 2, "baseRate": "0.2000", "sessionDurationHours": 24, "maxSessionsPerDay": 1,
                "isGloballyEnabled": true, "claimWindowHours": 100, "circleCooldownHours": 168, "updatedAt": null,
                "updatedBy": {"uuid": admin.id().to_string()}, "reason": "Less for all",
            })
        );
        let audited = app.audited("platform.mining_configuration_update").await;
        assert_eq!(audited.len(), 1);
        let entry = &audited[0];
        assert_eq!(entry.outcome, "APPLIED");
        assert_eq!(entry.entity_kind.as_deref(), Some("configuration"));
        assert_eq!(entry.entity_id.as_deref(), Some("mining"));
        assert_eq!(entry.reason.as_deref(), Some("Less for all"));
        assert_eq!(entry.before["baseRate"], "0.2500");
        assert_includes(&entry.after, &json!({"baseRate": "0.2000", "version": 2}));
        let updated = app.events("ConfigurationUpdated").await;
        assert_eq!(updated.len(), 1);
        assert_eq!((&updated[0].audience_id, updated[0].sequence), (&None, 2));
        let payload = &updated[0].payload;
        assert_eq!(payload["configType"], "mining");
        assert!(payload["updatedBy"].is_string() && payload["updatedAt"].is_string());
    });
}

#[test]
fn sets_the_circle_cooldown() {
    test(async |app| {
        let admin = app.admin();
        // The first version was stored without a cooldown.
        let without = "section = 'mining' AND NOT body ? 'circleCooldownHours'";
        assert_eq!(app.count("configurations", without).await, 1);
        let in_force = "{ systemConfiguration { mining { circleCooldownHours } } }";
        let in_force = admin.get(in_force, json!({})).await;
        assert_eq!(
            in_force["systemConfiguration"]["mining"]["circleCooldownHours"],
            168
        );
        for (version, hours) in [(1, 0), (2, 8_760)] {
            let fields = json!({"circleCooldownHours": hours, "version": version});
            let payload = update(&admin, fields).await.ok();
            assert_eq!(payload["configuration"]["circleCooldownHours"], hours);
        }
        let missing = update(&admin, json!({"circleCooldownHours": null})).await;
        missing.error("BAD_USER_INPUT");
        let audited = app.audited("platform.mining_configuration_update").await;
        let last = audited.last().unwrap();
        assert_eq!(last.before["circleCooldownHours"], 0);
        assert_eq!(last.after["circleCooldownHours"], 8_760);
        for hours in [-1, 8_761] {
            let fields = json!({"version": 3, "circleCooldownHours": hours});
            let outcome = update(&admin, fields).await;
            let path = Some("configuration.circleCooldownHours");
            let error = outcome.refused("SETTING_OUT_OF_RANGE", path);
            assert_eq!(
                (&error["min"], &error["max"]),
                (&json!("0"), &json!("8760"))
            );
        }
    });
}

#[test]
fn counts_for_the_next_session_on_every_instance() {
    test(async |app| {
        let other = app.another().await;
        let [alice, bob]: [Miner; 2] = app.miners().await;
        let bob = bob.at(other.address());
        assert_eq!(
            alice.start().await.ok()["session"]["rate"]["hourlyRate"],
            "0.2500"
        );
        let rate = async |who: &Actor| {
            who.own_miner("rate { hourlyRate }").await["rate"]["hourlyRate"].clone()
        };
        assert_eq!(rate(&bob).await, "0.2500");
        let fields = json!({"baseRate": "1", "sessionDurationHours": 1});
        app.approved(update(&app.admin(), fields)).await;
        // In force at once on the other instance.
        assert_eq!(rate(&bob).await, "1.0000");
        assert_eq!(
            bob.start().await.ok()["session"]["rate"]["hourlyRate"],
            "1.0000"
        );
        assert_eq!(rate(&alice).await, "1.0000");
        let session = alice
            .own_miner("id session { rate { hourlyRate } configuration { version } }")
            .await;
        assert_eq!(
            session["session"],
            json!({"rate": {"hourlyRate": "0.2500"}, "configuration": null})
        );
        // Staff see the version that the session was started under.
        let query = "query ($id: ID!) { miner(by: {id: $id}) { session { configuration { version baseRate } } } }";
        let seen = app.support().get(query, json!({"id": session["id"]})).await;
        assert_eq!(
            seen["miner"]["session"]["configuration"],
            json!({"version": 1, "baseRate": "0.2500"})
        );
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(alice.claim().await.ok()["pointsEarned"], "6.0000");
        assert_eq!(bob.claim().await.ok()["pointsEarned"], "1.0000");
        other.stop().await;
    });
}

#[test]
fn switches_mining_off_and_on() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        update(&admin, json!({"isGloballyEnabled": false}))
            .await
            .ok();
        alice.start().await.refused("MINING_DISABLED", None);
        update(&admin, json!({"version": 2})).await.ok();
        alice.start().await.ok();
    });
}

#[test]
fn refuses_without_a_valid_reason() {
    test(async |app| {
        let admin = app.admin();
        for reason in [String::new(), "  ".to_owned(), "x".repeat(501)] {
            // Before any other check.
            let fields = json!({"baseRate": "0", "version": 7});
            let outcome = update(&admin, fields).with(json!({"reason": reason})).await;
            outcome.refused("REASON_INVALID", Some("reason"));
        }
        let entries = app.audited_refusals("ReasonInvalid").await;
        assert_eq!(entries.len(), 3);
        for entry in entries {
            assert_eq!(entry.entity_id.as_deref(), Some("mining"));
        }
        let longest = json!({"reason": "ố".repeat(500)});
        update(&admin, json!({})).with(longest).await.ok();
    });
}

#[test]
fn refuses_settings_out_of_range() {
    test(async |app| {
        let admin = app.admin();
        for (field, value, code) in [
            ("baseRate", json!("0"), "SETTING_OUT_OF_RANGE"),
            ("baseRate", json!("1000.0001"), "SETTING_OUT_OF_RANGE"),
            ("baseRate", json!("0.12345"), "SETTING_TOO_FINE"),
            ("sessionDurationHours", json!(0), "SETTING_OUT_OF_RANGE"),
            ("sessionDurationHours", json!(169), "SETTING_OUT_OF_RANGE"),
            ("maxSessionsPerDay", json!(25), "SETTING_OUT_OF_RANGE"),
            ("claimWindowHours", json!(-1), "SETTING_OUT_OF_RANGE"),
        ] {
            // Before the version is checked.
            let outcome = update(&admin, json!({field: value, "version": 7})).await;
            outcome.refused(code, Some(&format!("configuration.{field}")));
            assert_eq!(outcome.field("configuration"), &Value::Null);
        }
        assert_eq!(versions(app).await, 1);
    });
}

#[test]
fn refuses_a_stale_version() {
    test(async |app| {
        let admin = app.admin();
        update(&admin, json!({"baseRate": "0.2"})).await.ok();
        for version in [1, 3, 0, i32::MAX] {
            let fields = json!({"baseRate": "0.4", "version": version});
            let outcome = update(&admin, fields).await;
            let error = outcome.refused("CONFIGURATION_STALE", Some("configuration.version"));
            assert_eq!(error["currentVersion"], 2);
            assert!(outcome.message().contains("version 2"));
        }
        let vietnamese = update(&admin, json!({})).header("accept-language", "vi");
        assert!(vietnamese.await.message().starts_with("cấu hình"));
        assert_eq!(versions(app).await, 2);
    });
}

#[test]
fn stores_one_of_eight_changes_at_once() {
    test(async |app| {
        let other = app.another().await;
        let admin = app.admin();
        for version in 1..4 {
            let racing = (0..8).map(|n| {
                let address = [app.address(), other.address()][n % 2];
                let fields =
                    json!({"baseRate": format!("0.0{}{}", 9 - version, n + 1), "version": version});
                update(&admin.at(address), fields)
            });
            at_once(racing).await.one_applied("CONFIGURATION_STALE");
            assert_eq!(versions(app).await, version + 1);
        }
        other.stop().await;
    });
}

#[test]
fn replays_after_a_later_change() {
    test(async |app| {
        let admin = app.admin();
        let once = update(&admin, json!({"baseRate": "0.2"})).key("once");
        let first = once.clone().await.ok();
        let later = json!({"baseRate": "0.1", "version": 2});
        update(&admin, later).await.ok();
        assert_eq!(once.await.replayed(), first);
        assert_eq!(versions(app).await, 3);
    });
}

/// During a rolling update, and after one that was rolled back.
#[test]
fn keeps_settings_of_a_newer_program() {
    test(async |app| {
        let alice = app.miner().await;
        for (section, field) in [("mining", "moon"), ("streak", "mood"), ("referral", "more")] {
            app.configure(section, &json!({field: 1})).await;
        }
        alice.start().await.ok();
        update(&app.admin(), json!({"version": 2})).await.ok();
        let stored = app
            .row("configurations", "section = 'mining' AND version = 3")
            .await;
        assert_eq!(stored["body"]["moon"], 1);
        assert_ne!(stored["updated_by"], "test");
    });
}

/// Only versions that switch mining off or on change deadlines, however many there are.
#[test]
fn stops_deadlines_from_the_first_version_that_is_off() {
    test(async |app| {
        let alice = app.miner().streak(2).ready().await;
        let times = "{ serverInfo { now } viewer { miner { streak { dueAt status } session { claimExpiresAt status } } } }";
        let left = async || {
            let seen = alice.get(times, json!({})).await;
            let (now, miner) = (at(&seen["serverInfo"]["now"]), &seen["viewer"]["miner"]);
            assert_includes(
                miner,
                &json!({"streak": {"status": "ON_TIME"}, "session": {"status": "COMPLETED"}}),
            );
            let hours = |value: &Value| (at(value) - now).num_hours();
            (
                hours(&miner["streak"]["dueAt"]),
                hours(&miner["session"]["claimExpiresAt"]),
            )
        };
        // A little less than a day, and than a week.
        assert_eq!(left().await, (23, 167));
        for is_on in [true, false, false] {
            app.switch_mining(is_on).await;
            app.advance(TimeDelta::hours(if is_on { 2 } else { 300 }))
                .await;
            assert_eq!(left().await, (21, 165));
        }
        app.switch_mining(true).await;
        app.switch_mining(true).await;
        app.advance(TimeDelta::hours(20)).await;
        assert_eq!(left().await, (1, 145));
        assert_eq!(alice.claim().await.ok()["miner"]["streak"]["streakDays"], 3);
        assert_eq!(
            alice.own_miner("session { claimExpiresAt }").await,
            json!({"session": {"claimExpiresAt": null}})
        );
    });
}
