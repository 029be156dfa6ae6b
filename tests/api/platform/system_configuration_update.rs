use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp, test};

const UPDATE: &str = "mutation ($input: SystemConfigurationUpdateInput!) { systemConfigurationUpdate(input: $input) {
    mining { version baseRate updatedBy reason }
    streak { version tiers { minDays maxDays bonusPercent } recoveryCost reason }
    referral { version bonusPerReferral reason }
    userErrors { code field message }
} }";

fn mining(changed: Value) -> Value {
    with(
        json!({
            "baseRate": "0.5", "sessionDurationHours": 24, "maxSessionsPerDay": 1, "isGloballyEnabled": true,
            "claimWindowHours": 168, "version": 1,
        }),
        changed,
    )
}

fn streak(changed: Value) -> Value {
    let tier = json!({"minDays": 1, "bonusPercent": "0.5", "milestoneMpBonus": "0"});
    with(
        json!({
            "tiers": [tier], "gracePeriodEnabled": true, "gracePeriodHours": 24, "recoveryCost": "12.5",
            "freezeTokenDays": 7, "version": 1,
        }),
        changed,
    )
}

fn referral(changed: Value) -> Value {
    with(
        json!({"bonusPerReferral": "0.4", "maxBonusCap": "1", "kycRequired": true, "maxReferralLevels": 1, "version": 1}),
        changed,
    )
}

fn with(mut section: Value, changed: Value) -> Value {
    if let Value::Object(changed) = changed {
        for (name, value) in changed {
            section[name] = value;
        }
    }
    section
}

/// The sections as they are given, with a reason.
fn input(sections: Value) -> Value {
    json!({"input": with(json!({"reason": "a test"}), sections)})
}

/// All three sections.
fn all() -> Value {
    json!({"mining": mining(json!({})), "streak": streak(json!({})), "referral": referral(json!({}))})
}

async fn versions(app: &TestApp) -> i64 {
    app.number("SELECT count(*) FROM configurations").await
}

/// The first refusal: its code, and where.
fn refusal(answer: &Answer) -> (String, Value) {
    let payload = &answer.body["data"]["systemConfigurationUpdate"];
    for section in ["mining", "streak", "referral"] {
        assert_eq!(payload[section], Value::Null, "{}", answer.body);
    }
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{}", answer.body);
    (
        errors[0]["code"].as_str().unwrap().to_owned(),
        errors[0]["field"].clone(),
    )
}

async fn refused(admin: &Actor, sections: Value, code: &str, field: Value) {
    let answer = admin.ask(UPDATE, input(sections)).await;
    assert_eq!(refusal(&answer), (code.to_owned(), field));
}

#[test]
fn sets_all_sections_with_who_and_why() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let payload = admin
            .get(
                UPDATE,
                input(with(all(), json!({"reason": " A new season "}))),
            )
            .await["systemConfigurationUpdate"]
            .clone();
        assert_eq!(
            payload,
            json!({
                "mining": {"version": 2, "baseRate": "0.5000", "updatedBy": admin.id().to_string(), "reason": "A new season"},
                "streak": {
                    "version": 2, "tiers": [{"minDays": 1, "maxDays": null, "bonusPercent": "0.5000"}],
                    "recoveryCost": "12.5000", "reason": "A new season",
                },
                "referral": {"version": 2, "bonusPerReferral": "0.4000", "reason": "A new season"},
                "userErrors": [],
            })
        );
        assert_eq!(versions(app).await, 6);
        // All at one moment.
        let moments = "SELECT count(DISTINCT updated_at) FROM configurations WHERE version = 2";
        assert_eq!(app.number(moments).await, 1);
        let told = "SELECT count(DISTINCT payload->>'configType') FROM outbox
             WHERE name = 'ConfigurationUpdated' AND audience_id IS NULL AND sequence = 2";
        assert_eq!(app.number(told).await, 3);
    });
}

#[test]
fn is_audited_as_a_whole_and_for_each_section() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let sections = json!({"mining": mining(json!({})), "referral": referral(json!({}))});
        assert_eq!(admin.ask(UPDATE, input(sections)).await.refusals(), [""; 0]);
        let log = "query ($id: String!) { auditLog(first: 9, filter: {entity: {kind: \"configuration\", id: $id}}) {
            nodes { action outcome reason before after } } }";
        let entries =
            async |id: &str| admin.get(log, json!({"id": id})).await["auditLog"]["nodes"].clone();
        let whole = entries("system").await;
        assert_eq!(whole.as_array().map(Vec::len), Some(1));
        assert_eq!(whole[0]["action"], "configuration.system_update");
        assert_eq!(
            (&whole[0]["outcome"], &whole[0]["reason"]),
            (&json!("APPLIED"), &json!("a test"))
        );
        assert_eq!(whole[0]["before"]["mining"]["baseRate"], "0.2500");
        assert_eq!(whole[0]["after"]["mining"]["baseRate"], "0.5000");
        assert_eq!(whole[0]["after"]["referral"]["bonusPerReferral"], "0.4000");
        assert_eq!(whole[0]["after"]["streak"], Value::Null);
        for section in ["mining", "referral"] {
            let of_section = entries(section).await;
            assert_eq!(of_section.as_array().map(Vec::len), Some(1));
            assert_eq!(of_section[0]["before"], whole[0]["before"][section]);
            assert_eq!(of_section[0]["after"], whole[0]["after"][section]);
        }
        assert_eq!(entries("streak").await, json!([]));
    });
}

#[test]
fn sets_one_section_and_leaves_the_others() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for (section, draft) in [
            ("mining", mining(json!({}))),
            ("streak", streak(json!({}))),
            ("referral", referral(json!({}))),
        ] {
            let before = versions(app).await;
            let sections = json!({section: draft});
            let payload =
                admin.get(UPDATE, input(sections)).await["systemConfigurationUpdate"].clone();
            assert_eq!(payload["userErrors"], json!([]));
            for name in ["mining", "streak", "referral"] {
                let expected = if name == section {
                    json!(2)
                } else {
                    Value::Null
                };
                assert_eq!(payload[name]["version"], expected, "{section}");
            }
            assert_eq!(versions(app).await, before + 1);
        }
    });
}

#[test]
fn refuses_without_a_reason() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for reason in [String::new(), "  ".to_owned(), "x".repeat(501)] {
            // Also before it is looked at whether there is anything to change.
            refused(
                &admin,
                json!({"reason": reason}),
                "REASON_INVALID",
                json!(["reason"]),
            )
            .await;
        }
        assert_eq!(versions(app).await, 3);
    });
}

#[test]
fn refuses_to_change_nothing() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        refused(&admin, json!({}), "NOTHING_TO_CHANGE", Value::Null).await;
        refused(
            &admin,
            json!({"mining": null}),
            "NOTHING_TO_CHANGE",
            Value::Null,
        )
        .await;
        let vietnamese = admin
            .send(UPDATE, input(json!({})), &[("accept-language", "vi")])
            .await;
        let errors = &vietnamese.body["data"]["systemConfigurationUpdate"]["userErrors"];
        assert!(
            errors[0]["message"]
                .as_str()
                .unwrap()
                .starts_with("hãy nêu")
        );
        let audited = "SELECT count(*) FROM audit_log WHERE outcome = 'REFUSED' AND refusal = 'NOTHING_TO_CHANGE'
             AND action = 'configuration.system_update' AND entity_id = 'system' AND reason = 'a test'";
        assert_eq!(app.number(audited).await, 3);
    });
}

#[test]
fn refuses_the_first_section_that_makes_no_sense_and_stores_none() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let tier = |first_day: i32| json!({"minDays": first_day, "bonusPercent": "0.5", "milestoneMpBonus": "0"});
        let badge = with(tier(1), json!({"badgeName": ""}));
        for (section, draft, code, path) in [
            (
                "mining",
                mining(json!({"baseRate": "0"})),
                "SETTING_OUT_OF_RANGE",
                json!(["mining", "baseRate"]),
            ),
            (
                "mining",
                mining(json!({"baseRate": "0.12345"})),
                "SETTING_TOO_FINE",
                json!(["mining", "baseRate"]),
            ),
            (
                "streak",
                streak(json!({"tiers": []})),
                "TIER_COUNT",
                json!(["streak", "tiers"]),
            ),
            (
                "streak",
                streak(json!({"tiers": [badge]})),
                "BADGE_NAME_INVALID",
                json!(["streak", "tiers", "0", "badgeName"]),
            ),
            (
                "streak",
                streak(json!({"tiers": [tier(2)]})),
                "TIERS_NOT_CONTIGUOUS",
                json!(["streak", "tiers", "0", "minDays"]),
            ),
            (
                "referral",
                referral(json!({"maxReferralLevels": 2})),
                "REFERRAL_LEVELS_UNSUPPORTED",
                json!(["referral", "maxReferralLevels"]),
            ),
        ] {
            refused(&admin, with(all(), json!({section: draft})), code, path).await;
        }
        // The order is that of the sections: all that can be said of one comes before the next.
        let stale = mining(json!({"version": 7}));
        let wrong = streak(json!({"tiers": []}));
        refused(
            &admin,
            json!({"mining": stale, "streak": wrong}),
            "CONFIGURATION_STALE",
            json!(["mining", "version"]),
        )
        .await;
        assert_eq!(versions(app).await, 3);
        let told = "SELECT count(*) FROM outbox WHERE name = 'ConfigurationUpdated'";
        assert_eq!(app.number(told).await, 0);
        let applied = "SELECT count(*) FROM audit_log WHERE outcome = 'APPLIED'";
        assert_eq!(app.number(applied).await, 0);
    });
}

#[test]
fn a_stale_section_leaves_the_others_untouched() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let first = json!({"referral": referral(json!({}))});
        assert_eq!(admin.ask(UPDATE, input(first)).await.refusals(), [""; 0]);
        let keyed = with(all(), json!({"idempotencyKey": "once"}));
        for _ in 0..2 {
            // Also when it is the stored answer: that is kept with its key.
            let answer = admin.ask(UPDATE, input(keyed.clone())).await;
            let stale = (
                "CONFIGURATION_STALE".to_owned(),
                json!(["referral", "version"]),
            );
            assert_eq!(refusal(&answer), stale);
            let error = &answer.body["data"]["systemConfigurationUpdate"]["userErrors"][0];
            assert!(error["message"].as_str().unwrap().contains("version 2"));
        }
        assert_eq!(versions(app).await, 4);
        let refused = "SELECT count(*) FROM audit_log WHERE refusal = 'CONFIGURATION_STALE'";
        assert_eq!(app.number(refused).await, 1);
    });
}

#[test]
fn of_changes_at_once_one_is_made_and_whole() {
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
                let changed = json!({"version": version});
                // Each changes the section `streak`, and some of the others.
                let mut sections = json!({"streak": streak(changed.clone())});
                if n % 3 != 0 {
                    sections["mining"] = mining(changed.clone());
                }
                sections["referral"] = referral(changed);
                async move { admin.ask(UPDATE, input(sections)).await }
            });
            let answers = futures_util::future::join_all(racing).await;
            let stale = answers
                .iter()
                .filter(|answer| answer.refusals() == ["CONFIGURATION_STALE"])
                .count();
            let made: Vec<_> = answers
                .iter()
                .filter(|answer| answer.refusals().is_empty() && answer.code().is_empty())
                .collect();
            assert_eq!((made.len(), stale), (1, 7));
            let number = i64::from(version) + 1;
            let payload = &made[0].body["data"]["systemConfigurationUpdate"];
            assert_eq!(payload["streak"]["version"], number);
            assert_eq!(payload["referral"]["version"], number);
            if payload["mining"].is_null() {
                // Whoever won left it alone: it catches up.
                let alone = json!({"mining": mining(json!({"version": version}))});
                assert_eq!(admin.ask(UPDATE, input(alone)).await.refusals(), [""; 0]);
            }
            assert_eq!(versions(app).await, 3 * number);
        }
        other.stop().await;
    });
}

#[test]
fn of_all_sections_and_one_at_once_one_is_made() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let one = super::referral_configuration_update::UPDATE;
        for version in 1..6 {
            let changed = json!({"version": version});
            let mut single = referral(changed.clone());
            single["reason"] = json!("a test");
            let sections =
                json!({"mining": mining(changed.clone()), "referral": referral(changed.clone())});
            let (whole, single) = tokio::join!(
                admin.ask(UPDATE, input(sections)),
                admin.ask(one, json!({"input": single})),
            );
            let mut refusals = [whole.refusals(), single.refusals()];
            refusals.sort();
            assert_eq!(refusals, [vec![], vec!["CONFIGURATION_STALE"]]);
            if !whole.refusals().is_empty() {
                // Nothing of it was stored.
                let alone = json!({"mining": mining(changed)});
                assert_eq!(admin.ask(UPDATE, input(alone)).await.refusals(), [""; 0]);
            }
            assert_eq!(versions(app).await, 3 + 2 * i64::from(version));
        }
    });
}

#[test]
fn a_key_answers_the_first_result_again() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let keyed = with(all(), json!({"idempotencyKey": "once"}));
        let first = admin.get(UPDATE, input(keyed.clone())).await;
        // Also after somebody changed a section again.
        let later = json!({"mining": mining(json!({"version": 2, "baseRate": "0.1"}))});
        assert_eq!(admin.ask(UPDATE, input(later)).await.refusals(), [""; 0]);
        let again = admin.ask(UPDATE, input(keyed)).await;
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["systemConfigurationUpdate"]])
        );
        assert_eq!(again.data(), first);
        assert_eq!(versions(app).await, 7);
        let another = json!({"mining": mining(json!({})), "idempotencyKey": "once"});
        let reused = admin.ask(UPDATE, input(another)).await;
        assert_eq!(reused.reason(), "IDEMPOTENCY_KEY_REUSED");
    });
}

#[test]
fn is_for_admins_only_and_who_else_of_the_staff_tried_is_on_record() {
    test(async |app| {
        let anonymous = app.anonymous().ask(UPDATE, input(all())).await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
        for roles in [
            &[Role::Support][..],
            &[Role::Finance],
            &[Role::Merchant],
            &[],
        ] {
            let answer = app.person(roles).ask(UPDATE, input(all())).await;
            assert_eq!(answer.code(), "FORBIDDEN", "{roles:?}");
        }
        let service = app.service(&Scope::ALL).ask(UPDATE, input(all())).await;
        assert_eq!(service.code(), "FORBIDDEN");
        let tried = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'configuration.system_update'";
        assert_eq!(app.number(tried).await, 3);
        assert_eq!(versions(app).await, 3);
    });
}
