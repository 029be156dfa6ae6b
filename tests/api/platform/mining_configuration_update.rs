use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::is_stored;
use crate::api::mining::decisions::with_streak;
use crate::api::mining::mining_session_start::switch;
use crate::support::{TestApp, test};

pub const UPDATE: &str = "mutation ($input: MiningConfigurationUpdateInput!) { miningConfigurationUpdate(input: $input) {
    configuration { version baseRate sessionDurationHours maxSessionsPerDay isGloballyEnabled claimWindowHours circleCooldownHours updatedAt updatedBy reason }
    userErrors { code field message }
} }";

/// The whole section with some of its fields changed.
pub fn input(changed: Value) -> Value {
    let mut input = json!({
        "baseRate": "0.25", "sessionDurationHours": 24, "maxSessionsPerDay": 1, "isGloballyEnabled": true,
        "claimWindowHours": 168, "version": 1, "reason": "a test",
    });
    if let Value::Object(changed) = changed {
        for (name, value) in changed {
            input[name] = value;
        }
    }
    json!({"input": input})
}

async fn versions(app: &TestApp) -> i64 {
    app.number("SELECT count(*) FROM configurations WHERE section = 'mining'")
        .await
}

#[test]
fn stores_a_new_version_with_who_and_why() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let changed =
            json!({"baseRate": "0.5", "maxSessionsPerDay": 2, "reason": " More for all "});
        let payload = admin.get(UPDATE, input(changed)).await["miningConfigurationUpdate"].clone();
        assert_eq!(payload["userErrors"], json!([]));
        let mut stored = payload["configuration"].clone();
        let at = stored["updatedAt"].take();
        assert!(is_stored(app, "mining", 2, &at).await, "{at}");
        assert_eq!(
            stored,
            json!({
                "version": 2, "baseRate": "0.5000", "sessionDurationHours": 24, "maxSessionsPerDay": 2,
                "isGloballyEnabled": true, "claimWindowHours": 168, "circleCooldownHours": 168, "updatedAt": null,
                "updatedBy": admin.id().to_string(), "reason": "More for all",
            })
        );
        // Audited with what it was and is, and told to the platform, though to no subscriber.
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'configuration.mining_update' AND outcome = 'APPLIED'
             AND entity_kind = 'configuration' AND entity_id = 'mining' AND reason = 'More for all'
             AND before->>'baseRate' = '0.2500' AND after->>'baseRate' = '0.5000' AND after->>'version' = '2'";
        assert_eq!(app.number(audited).await, 1);
        let told = "SELECT count(*) FROM outbox WHERE name = 'ConfigurationUpdated' AND audience_id IS NULL AND sequence = 2
             AND payload->>'configType' = 'mining' AND payload->>'updatedBy' IS NOT NULL AND payload->>'updatedAt' IS NOT NULL";
        assert_eq!(app.number(told).await, 1);
    });
}

#[test]
fn the_cooldown_of_circles_stays_as_it_is_when_it_is_left_out() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        // The platform began with versions that know of no cooldown.
        let without = "SELECT count(*) FROM configurations WHERE section = 'mining' AND NOT body ? 'circleCooldownHours'";
        assert_eq!(app.number(without).await, 1);
        for (version, given, then) in [
            (1, json!({}), 168),
            (2, json!({"circleCooldownHours": 0}), 0),
            (3, json!({"circleCooldownHours": null}), 0),
            (4, json!({"circleCooldownHours": 8_760}), 8_760),
        ] {
            let mut changed = given.clone();
            changed["version"] = json!(version);
            let payload =
                admin.get(UPDATE, input(changed)).await["miningConfigurationUpdate"].clone();
            assert_eq!(
                payload["configuration"]["circleCooldownHours"], then,
                "{given}: {payload}"
            );
        }
        for hours in [-1, 8_761] {
            let changed = json!({"version": 5, "circleCooldownHours": hours});
            let payload =
                admin.get(UPDATE, input(changed)).await["miningConfigurationUpdate"].clone();
            let error = &payload["userErrors"][0];
            assert_eq!(
                (&error["code"], &error["field"]),
                (
                    &json!("SETTING_OUT_OF_RANGE"),
                    &json!(["circleCooldownHours"])
                )
            );
        }
        let audited = "SELECT count(*) FROM audit_log WHERE after->>'circleCooldownHours' = '8760' AND before->>'circleCooldownHours' = '0'";
        assert_eq!(app.number(audited).await, 1);
    });
}

#[test]
fn the_next_session_has_the_new_rate_on_every_instance_and_the_running_one_its_own() {
    test(async |app| {
        let other = app.another().await;
        let admin = app.person(&[Role::Admin]);
        let (alice, bob) = (app.miner().await, app.miner().await);
        let bob = bob.at(other.address());
        assert_eq!(alice.start().await["hourlyRate"], "0.2500");
        let rate =
            "{ viewer { miner { hourlyRate session { hourlyRate configurationVersion } } } }";
        assert_eq!(
            bob.get(rate, json!({})).await["viewer"]["miner"]["hourlyRate"],
            "0.2500"
        );
        let changed = json!({"baseRate": "1", "sessionDurationHours": 1});
        assert_eq!(admin.ask(UPDATE, input(changed)).await.refusals(), [""; 0]);
        // At once, where nobody told it.
        assert_eq!(
            bob.get(rate, json!({})).await["viewer"]["miner"]["hourlyRate"],
            "1.0000"
        );
        let started = bob.start().await;
        assert_eq!(started["hourlyRate"], "1.0000");
        let miner = alice.get(rate, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(miner["hourlyRate"], "1.0000");
        assert_eq!(
            miner["session"],
            json!({"hourlyRate": "0.2500", "configurationVersion": 1})
        );
        app.advance(chrono::TimeDelta::hours(24)).await;
        assert_eq!(alice.must_claim("1").await["pointsEarned"], "6.0000");
        assert_eq!(bob.must_claim("1").await["pointsEarned"], "1.0000");
        other.stop().await;
    });
}

#[test]
fn switches_mining_off_and_on() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let off = json!({"isGloballyEnabled": false});
        assert_eq!(admin.ask(UPDATE, input(off)).await.refusals(), [""; 0]);
        assert_eq!(
            alice.start().await["userErrors"][0]["code"],
            "MINING_DISABLED"
        );
        let on = json!({"version": 2});
        assert_eq!(admin.ask(UPDATE, input(on)).await.refusals(), [""; 0]);
        assert_eq!(alice.start().await["userErrors"], json!([]));
    });
}

#[test]
fn refuses_without_a_reason() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for reason in [String::new(), "  ".to_owned(), "x".repeat(501)] {
            // Also before anything else is looked at.
            let changed = json!({"reason": reason, "baseRate": "0", "version": 7});
            let answer = admin.ask(UPDATE, input(changed)).await;
            assert_eq!(answer.refusals(), ["REASON_INVALID"]);
            let errors = &answer.body["data"]["miningConfigurationUpdate"]["userErrors"];
            assert_eq!(errors[0]["field"], json!(["reason"]));
        }
        let longest = json!({"reason": "ố".repeat(500)});
        assert_eq!(admin.ask(UPDATE, input(longest)).await.refusals(), [""; 0]);
        assert_eq!(
            app.number("SELECT count(*) FROM audit_log WHERE outcome = 'REFUSED' AND refusal = 'REASON_INVALID' AND entity_id = 'mining'")
                .await,
            3
        );
    });
}

#[test]
fn refuses_what_makes_no_sense_and_names_the_field() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for (field, value, code) in [
            ("baseRate", json!("0"), "SETTING_OUT_OF_RANGE"),
            ("baseRate", json!("1000.0001"), "SETTING_OUT_OF_RANGE"),
            ("baseRate", json!("0.12345"), "SETTING_TOO_FINE"),
            ("sessionDurationHours", json!(0), "SETTING_OUT_OF_RANGE"),
            ("sessionDurationHours", json!(169), "SETTING_OUT_OF_RANGE"),
            ("maxSessionsPerDay", json!(25), "SETTING_OUT_OF_RANGE"),
            ("claimWindowHours", json!(-1), "SETTING_OUT_OF_RANGE"),
        ] {
            // Before it is looked at whether the version is the one in force.
            let answer = admin
                .ask(UPDATE, input(json!({field: value, "version": 7})))
                .await;
            assert_eq!(answer.refusals(), [code], "{field}");
            let payload = &answer.body["data"]["miningConfigurationUpdate"];
            assert_eq!(payload["userErrors"][0]["field"], json!([field]));
            assert_eq!(payload["configuration"], Value::Null);
        }
        assert_eq!(versions(app).await, 1);
    });
}

#[test]
fn refuses_to_change_what_was_changed_since() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let first = admin.ask(UPDATE, input(json!({"baseRate": "0.3"}))).await;
        assert_eq!(first.refusals(), [""; 0]);
        for version in [1, 3, 0, i32::MAX] {
            let changed = json!({"baseRate": "0.4", "version": version});
            let answer = admin.ask(UPDATE, input(changed)).await;
            assert_eq!(answer.refusals(), ["CONFIGURATION_STALE"], "{version}");
            let error = &answer.body["data"]["miningConfigurationUpdate"]["userErrors"][0];
            assert_eq!(error["field"], json!(["version"]));
            assert!(error["message"].as_str().unwrap().contains("version 2"));
        }
        let vietnamese = admin
            .send(UPDATE, input(json!({})), &[("accept-language", "vi")])
            .await;
        let errors = &vietnamese.body["data"]["miningConfigurationUpdate"]["userErrors"];
        assert!(
            errors[0]["message"]
                .as_str()
                .unwrap()
                .starts_with("cấu hình")
        );
        assert_eq!(versions(app).await, 2);
    });
}

#[test]
fn of_changes_at_once_one_is_made() {
    test(async |app| {
        let other = app.another().await;
        let admin = app.person(&[Role::Admin]);
        for version in 1..4 {
            let racing = (0..8).map(|n| {
                let address = if n % 2 == 0 {
                    app.address()
                } else {
                    other.address()
                };
                let admin = admin.at(address);
                let changed = json!({"baseRate": format!("0.{}", n + 1), "version": version});
                async move { admin.ask(UPDATE, input(changed)).await }
            });
            let answers = futures_util::future::join_all(racing).await;
            let stale = answers
                .iter()
                .filter(|answer| answer.refusals() == ["CONFIGURATION_STALE"])
                .count();
            let made = answers
                .iter()
                .filter(|answer| answer.refusals().is_empty() && answer.code().is_empty())
                .count();
            assert_eq!((made, stale), (1, 7));
            assert_eq!(versions(app).await, i64::from(version) + 1);
        }
        other.stop().await;
    });
}

#[test]
fn a_key_answers_the_first_result_again() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let changed = json!({"baseRate": "0.3", "idempotencyKey": "once"});
        let first = admin.get(UPDATE, input(changed.clone())).await;
        // Also after somebody changed it again.
        let later = json!({"baseRate": "0.4", "version": 2});
        assert_eq!(admin.ask(UPDATE, input(later)).await.refusals(), [""; 0]);
        let again = admin.ask(UPDATE, input(changed)).await;
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["miningConfigurationUpdate"]])
        );
        assert_eq!(again.data(), first);
        assert_eq!(versions(app).await, 3);
        let another = json!({"baseRate": "0.5", "idempotencyKey": "once"});
        let reused = admin.ask(UPDATE, input(another)).await;
        assert_eq!(reused.reason(), "IDEMPOTENCY_KEY_REUSED");
    });
}

#[test]
fn is_for_admins_only_and_who_else_of_the_staff_tried_is_on_record() {
    test(async |app| {
        let anonymous = app.anonymous().ask(UPDATE, input(json!({}))).await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
        for roles in [
            &[Role::Support][..],
            &[Role::Finance],
            &[Role::Merchant],
            &[],
        ] {
            let answer = app.person(roles).ask(UPDATE, input(json!({}))).await;
            assert_eq!(answer.code(), "FORBIDDEN", "{roles:?}");
        }
        let service = app.service(&Scope::ALL).ask(UPDATE, input(json!({}))).await;
        assert_eq!(service.code(), "FORBIDDEN");
        assert_eq!(
            app.number("SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'configuration.mining_update'")
                .await,
            3
        );
        assert_eq!(versions(app).await, 1);
    });
}

/// During a rolling update, and after one that was taken back.
#[test]
fn what_a_newer_program_stored_is_understood() {
    test(async |app| {
        let alice = app.miner().await;
        for (section, field) in [("mining", "moon"), ("streak", "mood"), ("referral", "more")] {
            app.sql(&format!(
                "INSERT INTO configurations SELECT section, version + 1, body || '{{\"{field}\": 1}}', app_now(), 'test', 'test'
                 FROM configurations WHERE section = '{section}'"
            ))
            .await;
        }
        assert_eq!(alice.start().await["userErrors"], json!([]));
        let admin = app.person(&[Role::Admin]);
        let answer = admin.ask(UPDATE, input(json!({"version": 2}))).await;
        assert_eq!(answer.refusals(), [""; 0]);
        // And is still there after a change by who doesn't know it.
        let kept = "SELECT count(*) FROM configurations WHERE section = 'mining' AND version = 3
            AND body->>'moon' = '1' AND updated_by <> 'test'";
        assert_eq!(app.number(kept).await, 1);
    });
}

/// Only what switches mining counts, however many versions there are.
#[test]
fn time_stands_still_from_the_first_version_that_is_off() {
    test(async |app| {
        let alice = with_streak(app, 2).await;
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        let times = "{ serverInfo { timeAt } viewer { miner { streak { dueAt status } session { claimableUntil status } } } }";
        let left = async || {
            let seen = alice.get(times, json!({})).await;
            let at = |value: &Value| {
                chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
            };
            let (now, miner) = (at(&seen["serverInfo"]["timeAt"]), &seen["viewer"]["miner"]);
            assert_eq!(
                (&miner["streak"]["status"], &miner["session"]["status"]),
                (&json!("ON_TIME"), &json!("COMPLETED"))
            );
            let hours = |value: &Value| (at(value) - now).num_hours();
            (
                hours(&miner["streak"]["dueAt"]),
                hours(&miner["session"]["claimableUntil"]),
            )
        };
        // A little less than a day, and than a week.
        assert_eq!(left().await, (23, 167));
        for is_on in [true, false, false] {
            switch(app, is_on).await;
            app.advance(TimeDelta::hours(if is_on { 2 } else { 300 }))
                .await;
            assert_eq!(left().await, (21, 165));
        }
        switch(app, true).await;
        switch(app, true).await;
        app.advance(TimeDelta::hours(20)).await;
        assert_eq!(left().await, (1, 145));
        assert_eq!(alice.must_claim("in time").await["streakDays"], 3);
        let session = "{ viewer { miner { session { claimableUntil } } } }";
        let session = alice.get(session, json!({})).await["viewer"]["miner"]["session"].clone();
        assert_eq!(session["claimableUntil"], Value::Null);
    });
}
