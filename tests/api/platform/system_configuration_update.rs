use serde_json::{Value, json};

use crate::support::samples::{mining, referral, streak};
use crate::support::{
    Actor, Outcome, Run, TestApp, assert_includes, at_once, merged, samples, test,
};

const SECTIONS: [&str; 3] = ["mining", "streak", "referral"];

/// Sets the given sections, for the reason `a test` unless another one is given.
fn update(admin: &Actor, sections: Value) -> Run {
    let input = merged(json!({"reason": "a test"}), sections);
    admin.run("systemConfigurationUpdate", input)
}

/// All three sections.
fn all() -> Value {
    json!({"mining": mining(json!({})), "streak": streak(json!({})), "referral": referral(json!({}))})
}

async fn versions(app: &TestApp) -> i64 {
    app.count(
        "configurations",
        "section IN ('mining', 'streak', 'referral')",
    )
    .await
}

/// Checks that a change is refused as a whole.
async fn refused(admin: &Actor, sections: Value, code: &str, path: Option<&str>) {
    let outcome = update(admin, sections).await;
    outcome.refused(code, path);
    assert_eq!(outcome.field("configuration"), &Value::Null);
}

#[test]
fn stores_all_sections_at_one_time() {
    test(async |app| {
        let admin = app.admin();
        let sections = merged(all(), json!({"reason": " A new season "}));
        let payload = update(&admin, sections).await.ok();
        assert_eq!(
            payload,
            json!({
                "approval": null,
                "configuration": {
                    "mining": {"version": 2, "baseRate": "0.1250",
                               "updatedBy": {"uuid": admin.id().to_string()}, "reason": "A new season"},
                    "streak": {
                        "version": 2, "tiers": [{"minDays": 1, "maxDays": null, "bonusRate": "0.0000"}],
                        "recoveryCost": "12.5000", "reason": "A new season",
                    },
                    "referral": {"version": 2, "bonusRate": "0.2000", "reason": "A new season"},
                },
                "userErrors": [],
            })
        );
        assert_eq!(versions(app).await, 6);
        let times = "SELECT count(DISTINCT updated_at) FROM configurations WHERE version = 2";
        assert_eq!(app.number(times).await, 1);
        let updated = app.events("ConfigurationUpdated").await;
        let mut types: Vec<_> = updated
            .iter()
            .map(|event| {
                assert_eq!((&event.audience_id, event.sequence), (&None, 2));
                event.payload["configType"].as_str().unwrap()
            })
            .collect();
        types.sort_unstable();
        assert_eq!(types, ["mining", "referral", "streak"]);
    });
}

#[test]
fn audits_the_whole_and_each_section() {
    test(async |app| {
        let admin = app.admin();
        let sections = json!({"mining": mining(json!({})), "referral": referral(json!({}))});
        update(&admin, sections).await.ok();
        let log = "{ auditLog(first: 9) { nodes { action outcome reason before after
            entity { __typename ... on ConfigurationVersion { version } } } } }";
        let entries = admin.get(log, json!({})).await["auditLog"]["nodes"].clone();
        let entries = entries.as_array().unwrap();
        let of = |entity: Option<&str>| -> Vec<&Value> {
            let entries = entries.iter();
            entries
                .filter(|entry| entry["entity"]["__typename"] == json!(entity))
                .collect()
        };
        assert!(
            entries
                .iter()
                .all(|entry| entry["action"] == "SYSTEM_CONFIGURATION_UPDATE")
        );
        let whole = of(None);
        assert_eq!(whole.len(), 1);
        let whole = whole[0];
        assert_includes(
            whole,
            &json!({
                "outcome": "APPLIED", "reason": "a test", "entity": null,
                "before": {"mining": {"baseRate": "0.2500"}},
                "after": {
                    "mining": {"baseRate": "0.1250"}, "referral": {"bonusRate": "0.2000"}, "streak": null,
                },
            }),
        );
        for (section, entity) in [
            ("mining", "MiningConfiguration"),
            ("referral", "ReferralConfiguration"),
        ] {
            let of_section = of(Some(entity));
            assert_eq!(of_section.len(), 1);
            assert_eq!(
                of_section[0]["entity"],
                json!({"__typename": entity, "version": 2})
            );
            for side in ["before", "after"] {
                assert_eq!(of_section[0][side], whole[side][section]);
            }
        }
        assert_eq!(entries.len(), 3);
    });
}

#[test]
fn stores_one_section_alone() {
    test(async |app| {
        let admin = app.admin();
        let mut changed = Vec::new();
        for section in SECTIONS {
            changed.push(section);
            let before = versions(app).await;
            let sections = json!({section: all()[section]});
            let payload = update(&admin, sections).await.ok();
            for name in SECTIONS {
                let version = changed.contains(&name);
                let version = if version { 2 } else { 1 };
                assert_eq!(
                    payload["configuration"][name]["version"], version,
                    "{section}"
                );
            }
            assert_eq!(versions(app).await, before + 1);
        }
    });
}

#[test]
fn refuses_without_a_valid_reason() {
    test(async |app| {
        let admin = app.admin();
        for reason in [String::new(), "  ".to_owned(), "x".repeat(501)] {
            // Before it is checked whether there is a section.
            let sections = json!({"reason": reason});
            refused(&admin, sections, "REASON_INVALID", Some("reason")).await;
        }
        assert_eq!(versions(app).await, 3);
    });
}

#[test]
fn refuses_a_change_without_a_section() {
    test(async |app| {
        let admin = app.admin();
        for sections in [json!({}), json!({"mining": null})] {
            refused(&admin, sections, "NOTHING_TO_CHANGE", None).await;
        }
        let vietnamese = update(&admin, json!({})).header("accept-language", "vi");
        assert!(vietnamese.await.message().starts_with("hãy nêu"));
        let audited = app.audited_refusals("NothingToChange").await;
        assert_eq!(audited.len(), 3);
        for entry in audited {
            assert_eq!(entry.outcome, "REFUSED");
            assert_eq!(entry.action, "platform.system_configuration_update");
            assert_eq!(entry.entity_id.as_deref(), Some("system"));
            assert_eq!(entry.reason.as_deref(), Some("a test"));
        }
    });
}

#[test]
fn stores_no_section_when_one_is_refused() {
    test(async |app| {
        let admin = app.admin();
        let tier = |fields: Value| merged(samples::tier(1, None), fields);
        for (section, draft, code, path) in [
            (
                "mining",
                mining(json!({"baseRate": "0"})),
                "SETTING_OUT_OF_RANGE",
                "mining.baseRate",
            ),
            (
                "mining",
                mining(json!({"baseRate": "0.12345"})),
                "SETTING_TOO_FINE",
                "mining.baseRate",
            ),
            (
                "streak",
                streak(json!({"tiers": []})),
                "TIER_COUNT",
                "streak.tiers",
            ),
            (
                "streak",
                streak(json!({"tiers": [tier(json!({"badgeName": ""}))]})),
                "BADGE_NAME_INVALID",
                "streak.tiers.0.badgeName",
            ),
            (
                "streak",
                streak(json!({"tiers": [tier(json!({"minDays": 2}))]})),
                "TIERS_NOT_CONTIGUOUS",
                "streak.tiers.0.minDays",
            ),
            (
                "referral",
                referral(json!({"maxReferralLevels": 2})),
                "REFERRAL_LEVELS_UNSUPPORTED",
                "referral.maxReferralLevels",
            ),
        ] {
            let sections = merged(all(), json!({section: draft}));
            refused(&admin, sections, code, Some(path)).await;
        }
        // Sections are checked one after the other: the version of one comes before the settings of the next.
        let sections = json!({
            "mining": mining(json!({"version": 7})), "streak": streak(json!({"tiers": []})),
        });
        let path = Some("mining.version");
        refused(&admin, sections, "CONFIGURATION_STALE", path).await;
        assert_eq!(versions(app).await, 3);
        assert!(app.events("ConfigurationUpdated").await.is_empty());
        assert_eq!(app.count("audit_log", "outcome = 'APPLIED'").await, 0);
    });
}

#[test]
fn replays_a_refusal_of_a_stale_section() {
    test(async |app| {
        let admin = app.admin();
        update(&admin, json!({"referral": referral(json!({}))}))
            .await
            .ok();
        let once = update(&admin, all()).key("once");
        for is_replay in [false, true] {
            let outcome = once.clone().await;
            assert_eq!(outcome.is_replay(), is_replay);
            outcome.refused("CONFIGURATION_STALE", Some("referral.version"));
            assert!(outcome.message().contains("version 2"));
        }
        assert_eq!(versions(app).await, 4);
        let audited = app.audited_refusals("Stale").await;
        assert_eq!(audited.len(), 1);
    });
}

#[test]
fn stores_one_of_eight_changes_at_once_whole() {
    test(async |app| {
        let other = app.another().await;
        let admin = app.admin();
        for version in 1..4 {
            let racing = (0..8).map(|n| {
                let address = [app.address(), other.address()][n % 2];
                let fields = json!({"version": version});
                // All changes have the sections `streak` and `referral`, some also `mining`.
                let mut sections = json!({"streak": streak(fields.clone())});
                if n % 3 != 0 {
                    sections["mining"] = mining(fields.clone());
                }
                sections["referral"] = referral(fields);
                update(&admin.at(address), sections)
            });
            let outcomes = at_once(racing).await;
            outcomes.one_applied("CONFIGURATION_STALE");
            let is_applied = |outcome: &Outcome| outcome.refusal().is_none();
            let applied = outcomes.0.into_iter().find(is_applied).unwrap().ok();
            let applied = &applied["configuration"];
            for section in ["streak", "referral"] {
                assert_eq!(applied[section]["version"], version + 1);
            }
            if applied["mining"]["version"] == version {
                let alone = json!({"mining": mining(json!({"version": version}))});
                update(&admin, alone).await.ok();
            }
            assert_eq!(versions(app).await, 3 * (version + 1));
        }
        other.stop().await;
    });
}

#[test]
fn stores_all_sections_or_one_at_once() {
    test(async |app| {
        let admin = app.admin();
        for version in 1..6 {
            let fields = json!({"version": version});
            let sections =
                json!({"mining": mining(fields.clone()), "referral": referral(fields.clone())});
            let single = samples::with_reason(referral(fields.clone()));
            let single = admin.run("referralConfigurationUpdate", single);
            let outcomes = at_once([update(&admin, sections), single]).await;
            outcomes.one_applied("CONFIGURATION_STALE");
            if outcomes.refusals()[0].is_some() {
                // A refused change stored nothing.
                let alone = json!({"mining": mining(fields)});
                update(&admin, alone).await.ok();
            }
            assert_eq!(versions(app).await, 3 + 2 * version);
        }
    });
}

#[test]
fn replays_after_a_later_change() {
    test(async |app| {
        let admin = app.admin();
        let once = update(&admin, all()).key("once");
        once.clone().await.ok();
        let later = mining(json!({"version": 2, "baseRate": "0.1"}));
        let later = update(&admin, json!({"mining": later})).await.ok();
        // The payload has the configuration in force, not the one that this command stored.
        let replayed = once.await.replayed();
        assert_eq!(replayed["configuration"], later["configuration"]);
        assert_eq!(versions(app).await, 7);
    });
}
