use domain::access::Role;
use serde_json::{Value, json};

use super::is_stored;
use crate::support::samples::{currency, wallet};
use crate::support::wallets::loss;
use crate::support::{Actor, Miner, Run, TestApp, assert_includes, at_once, merged, samples, test};

const CURRENCIES: &str = "{ currencies { code scale displayDecimals assetType isEnabled } }";

/// Replaces version 1 by a tighter one, with some fields set to other values.
fn update(admin: &Actor, fields: Value) -> Run {
    let input = samples::with_reason(wallet(fields));
    admin.run("walletConfigurationUpdate", input)
}

/// The currencies of the sample, with one more.
fn with_currency(currency: Value) -> Value {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    currencies.as_array_mut().unwrap().push(currency);
    currencies
}

/// The currencies of the sample, with the fields of one set to other values.
fn with(place: usize, fields: Value) -> Value {
    let mut currencies = wallet(json!({}))["currencies"].clone();
    currencies[place] = merged(currencies[place].take(), fields);
    json!({"currencies": currencies})
}

fn gem(fields: Value) -> Value {
    merged(currency("GEM", 2, 2), fields)
}

async fn in_force(who: &Actor) -> Value {
    let query = "{ systemConfiguration { wallet { version holdMaxDays conversionPairs { from to feeBps staticRate }
        currencies { code scale dualControlLimit } issuers { name issuer subject depositCeilings { currency } }
        updatedBy { uuid } reason } } }";
    who.get(query, json!({})).await["systemConfiguration"]["wallet"].clone()
}

async fn versions(app: &TestApp) -> i64 {
    app.count("configurations", "section = 'wallet'").await
}

#[test]
fn applies_a_tighter_version_at_once() {
    test(async |app| {
        let other = app.another().await;
        let admin = app.admin();
        let first = in_force(&admin).await;
        assert_includes(
            &first,
            &json!({"version": 1, "holdMaxDays": 90, "updatedBy": null}),
        );
        let issuer = &first["issuers"][0];
        assert_includes(
            issuer,
            &json!({"name": "tester", "issuer": "goodgo-dev-services", "subject": "tester"}),
        );
        let mut payload = update(&admin, json!({})).await.ok();
        assert_eq!(payload["approval"], Value::Null);
        let stored = payload["configuration"].take();
        assert!(is_stored(app, "wallet", 2, &stored["updatedAt"]).await);
        assert_includes(
            &stored,
            &json!({
                "version": 2, "clearingAgeHours": 72, "conversionPairs": [], "conversionsFrozen": false,
                "holdMaxDays": 60, "issuers": [], "orphanHoldMinutes": 1440, "rateMaxAgeSeconds": 60,
                "rateMaxJumpBps": 500, "rateSource": "RECORDED", "velocityRules": [], "reason": "a test",
                "updatedBy": {"uuid": admin.id().to_string()},
            }),
        );
        assert_eq!(
            stored["currencies"][0],
            json!({
                "code": "MP", "assetType": "POINT", "scale": 4, "displayDecimals": 4, "isEnabled": true,
                "dualControlLimit": "1000.0000", "fxExposureLimit": "0.0000", "issuanceCeiling": "100000000.0000",
            })
        );
        // In force at once on the other instance.
        let seen = in_force(&admin.at(other.address())).await;
        assert_includes(&seen, &json!({"version": 2, "holdMaxDays": 60}));
        let audited = app.audited("platform.wallet_configuration_update").await;
        assert_eq!(audited.len(), 1);
        assert_eq!(audited[0].entity_id.as_deref(), Some("wallet"));
        assert_includes(
            &audited[0].before,
            &json!({"version": 1, "holdMaxDays": 90}),
        );
        assert_includes(&audited[0].after, &json!({"version": 2, "holdMaxDays": 60}));
        let updated = app.events("ConfigurationUpdated").await;
        assert_eq!(updated.len(), 1);
        assert_eq!(updated[0].payload["configType"], "wallet");
        other.stop().await;
    });
}

#[test]
fn waits_for_a_second_person_when_it_loosens() {
    test(async |app| {
        let (one, two) = (app.admin(), app.admin());
        let pair = json!({"from": "MP", "to": "USD", "feeBps": 50, "staticRate": null});
        let fields = json!({"conversionPairs": [pair]});
        let payload = update(&one, fields).await.ok();
        assert_eq!(payload["configuration"], Value::Null);
        let approval = &payload["approval"];
        assert_includes(approval, &json!({"status": "PENDING", "reason": "a test"}));
        let section = &approval["proposal"]["sections"][0];
        assert_includes(
            section,
            &json!({"section": "WALLET", "replaces": {"version": 1}}),
        );
        assert_includes(
            &section["configuration"],
            &json!({"version": 2, "conversionPairs": [pair]}),
        );
        assert_eq!(versions(app).await, 1);
        let audited = app.audited("platform.wallet_configuration_update").await;
        assert_eq!(
            audited[0].after["approval"],
            app.row("approvals", "true").await["id"]
        );
        assert_eq!(audited[0].after["proposed"]["version"], 2);
        // Neither the same person nor finance decides.
        let id = &approval["id"];
        one.approve(id)
            .await
            .refused("OWN_ACCOUNT", Some("approvalId"));
        let finance = app.person(&[Role::Finance]);
        finance
            .approve(id)
            .await
            .refused("APPROVAL_NOT_FOUND", Some("approvalId"));
        two.approve(id).await.ok();
        let seen = in_force(&two).await;
        assert_includes(
            &seen,
            &json!({
                "version": 2, "conversionPairs": [pair], "reason": "a test",
                "updatedBy": {"uuid": one.id().to_string()},
            }),
        );
        let audited = app.audited("platform.wallet_configuration_update").await;
        assert_eq!(audited.len(), 2);
        assert_eq!(audited[1].entity_id.as_deref(), Some("wallet"));
        assert_eq!(audited[1].before["conversionPairs"], json!([]));
        assert_eq!(audited[1].after["conversionPairs"], json!([pair]));
        assert_eq!(app.events("ConfigurationUpdated").await.len(), 1);
    });
}

#[test]
fn refuses_to_approve_a_stale_version() {
    test(async |app| {
        let (one, two) = (app.admin(), app.admin());
        let waiting = update(&one, json!({"rateMaxJumpBps": 600})).await.ok();
        update(&one, json!({})).await.ok();
        let outcome = two.approve(&waiting["approval"]["id"]).await;
        outcome.refused("COMMAND_REFUSED", Some("approvalId"));
        assert_eq!(
            outcome.field("userErrors")[0]["cause"],
            json!({
                "refusal": "CONFIGURATION_STALE", "path": ["configuration", "version"], "currentVersion": 2,
            })
        );
        assert_eq!(versions(app).await, 2);
    });
}

#[test]
fn replays_a_waiting_change() {
    test(async |app| {
        let admin = app.admin();
        let run = update(&admin, json!({"holdMaxDays": 91})).key("once");
        let first = run.clone().await.ok();
        assert_eq!(run.await.replayed(), first);
        assert_eq!(app.count("approvals", "true").await, 1);
    });
}

/// Drafts that are refused, with the code and the path in the section.
fn refused_drafts() -> Vec<(Value, &'static str, &'static str)> {
    let issuer = |fields: Value| {
        let issuer = json!({"name": "shop", "issuer": "i", "subject": "s", "depositCeilings": []});
        json!({"issuers": [merged(issuer, fields)]})
    };
    let pair = |fields: Value| {
        let pair = json!({"from": "MP", "to": "USD", "feeBps": 0, "staticRate": "1"});
        json!({"conversionPairs": [merged(pair, fields)]})
    };
    let rule = json!({"operation": "HOLD", "currency": "MP", "window": "DAY", "maxCount": 1, "maxAmount": "1"});
    let range = "SETTING_OUT_OF_RANGE";
    let duplicate = "DUPLICATE_ENTRY";
    let mut fewer = wallet(json!({}))["currencies"].clone();
    fewer.as_array_mut().unwrap().pop();
    vec![
        (json!({"clearingAgeHours": 0}), range, "clearingAgeHours"),
        (json!({"holdMaxDays": 366}), range, "holdMaxDays"),
        (
            json!({"orphanHoldMinutes": 129_601}),
            range,
            "orphanHoldMinutes",
        ),
        (json!({"rateMaxAgeSeconds": 0}), range, "rateMaxAgeSeconds"),
        (json!({"rateMaxJumpBps": 10_001}), range, "rateMaxJumpBps"),
        (json!({"currencies": []}), range, "currencies"),
        (
            with(3, json!({"displayDecimals": 1})),
            range,
            "currencies.3.displayDecimals",
        ),
        (
            with(3, json!({"issuanceCeiling": "0.1"})),
            "SETTING_TOO_FINE",
            "currencies.3.issuanceCeiling",
        ),
        (
            pair(json!({"to": "GEM"})),
            "CURRENCY_UNKNOWN",
            "conversionPairs.0.to",
        ),
        (
            pair(json!({"staticRate": "0"})),
            range,
            "conversionPairs.0.staticRate",
        ),
        (
            pair(json!({"staticRate": "0.0000000000001"})),
            "SETTING_TOO_FINE",
            "conversionPairs.0.staticRate",
        ),
        (
            pair(json!({"to": "MP"})),
            "PAIR_INVALID",
            "conversionPairs.0.to",
        ),
        (
            merged(
                pair(json!({"staticRate": null})),
                json!({"rateSource": "STATIC"}),
            ),
            "PAIR_INVALID",
            "conversionPairs.0.staticRate",
        ),
        (
            json!({"currencies": fewer}),
            "CURRENCY_IN_USE",
            "currencies",
        ),
        (
            json!({"currencies": with_currency(currency("MP", 4, 4))}),
            duplicate,
            "currencies.9.code",
        ),
        (
            issuer(json!({"name": "Shop"})),
            "NAME_INVALID",
            "issuers.0.name",
        ),
        (
            issuer(json!({"name": "billing"})),
            "NAME_INVALID",
            "issuers.0.name",
        ),
        (issuer(json!({"subject": ""})), range, "issuers.0.subject"),
        (
            issuer(json!({"depositCeilings": [{"currency": "GEM", "amount": "1"}]})),
            "CURRENCY_UNKNOWN",
            "issuers.0.depositCeilings.0.currency",
        ),
        (
            json!({"velocityRules": [rule, rule]}),
            duplicate,
            "velocityRules.1",
        ),
        (
            json!({"velocityRules": [merged(rule.clone(), json!({"maxCount": null, "maxAmount": null}))]}),
            "RULE_WITHOUT_LIMIT",
            "velocityRules.0",
        ),
    ]
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        let admin = app.admin();
        for (fields, code, path) in refused_drafts() {
            // Before the version is checked, and after the reason.
            let run = update(&admin, merged(fields, json!({"version": 7})));
            let path = format!("configuration.{path}");
            let outcome = run.clone().await;
            outcome.refused(code, Some(&path));
            let vietnamese = run.clone().header("accept-language", "vi").await.message();
            assert_ne!(vietnamese, outcome.message());
            let unreasoned = run.with(json!({"reason": ""})).await;
            unreasoned.refused("REASON_INVALID", Some("reason"));
        }
        let stale = update(&admin, json!({"version": 7})).await;
        let error = stale.refused("CONFIGURATION_STALE", Some("configuration.version"));
        assert_eq!(error["currentVersion"], 1);
        assert_eq!(versions(app).await, 1);
    });
}

#[test]
fn keeps_the_scale_of_a_used_currency() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        admin.adjust(&alice, "5").await.ok();
        let outcome = update(&admin, with(0, json!({"scale": 5}))).await;
        outcome.refused("CURRENCY_IN_USE", Some("configuration.currencies.0.scale"));
        let unused = with(8, json!({"scale": 2, "displayDecimals": 2}));
        let payload = update(&admin, unused).await.ok();
        assert_eq!(payload["configuration"]["currencies"][8]["scale"], 2);
        let currencies = admin.get(CURRENCIES, json!({})).await["currencies"].clone();
        assert_includes(
            &currencies[8],
            &json!({"code": "VND", "scale": 2, "displayDecimals": 2, "assetType": "CURRENCY"}),
        );
        let seen = alice
            .viewer(r#"wallet(currency: "VND") { available { amount } }"#)
            .await;
        assert_eq!(seen["wallet"]["available"]["amount"], "0.00");
        // Another number, so that an instance with the old scale can't post.
        assert_eq!(app.row("currencies", "code = 'VND'").await["number"], 10);
        assert_eq!(app.count("wallets", "currency = 10").await, 8);
        assert_eq!(app.count("wallets", "currency = 9").await, 0);
    });
}

#[test]
fn keeps_the_scale_of_a_price() {
    test(async |app| {
        app.drafted().await;
        app.sql(
            "UPDATE campaigns SET acquisition_type = 'PURCHASE', price = 1,
                 price_currency = (SELECT number FROM currencies WHERE code = 'VND')",
        )
        .await;
        let fields = json!({"scale": 2, "displayDecimals": 2});
        let change = merged(with(8, fields), json!({"version": 2}));
        let outcome = update(&app.admin(), change).await;
        outcome.refused("CURRENCY_IN_USE", Some("configuration.currencies.8.scale"));
    });
}

#[test]
fn keeps_the_name_of_a_service_in_use() {
    test(async |app| {
        let (admin, game) = (app.admin(), app.game());
        let alice = app.holder("5").await;
        let tester = |fields: Value| {
            let issuer = json!({"name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": []});
            merged(issuer, fields)
        };
        let hold = game.placed(&alice, "5", "7").await;
        // An ended hold counts too: its settlement and its clearing account go by the name.
        for is_ended in [false, true] {
            for (issuers, path) in [
                (json!([]), "issuers"),
                (json!([tester(json!({"name": "other"}))]), "issuers.0.name"),
                (
                    json!([tester(json!({"subject": "other"}))]),
                    "issuers.0.name",
                ),
                (
                    json!([
                        tester(json!({"name": "other"})),
                        tester(json!({"subject": "other"}))
                    ]),
                    "issuers.1.name",
                ),
            ] {
                let outcome = update(&admin, json!({"issuers": issuers})).await;
                outcome.refused("ISSUER_IN_USE", Some(&format!("configuration.{path}")));
            }
            if !is_ended {
                game.settle(loss(&hold)).await.ok();
            }
        }
        let kept = json!([
            tester(json!({})),
            tester(json!({"name": "new", "subject": "new"}))
        ]);
        app.approved(update(&admin, json!({"issuers": kept}))).await;
        // The new one has no holds yet.
        let renamed = json!([
            tester(json!({})),
            tester(json!({"name": "newer", "subject": "new"}))
        ]);
        let waiting = update(&admin, json!({"issuers": renamed, "version": 2})).await;
        assert_eq!(waiting.refusal(), None);
    });
}

#[test]
fn adds_a_currency_for_every_instance() {
    test(async |app| {
        let other = app.another().await;
        let (one, two) = (app.admin(), app.admin());
        let alice = app.miner().await;
        let wallet_of = r#"wallet(currency: "GEM") { available { amount currency } }"#;
        assert_eq!(alice.viewer(wallet_of).await["wallet"], Value::Null);
        // Switched on it waits, switched off it has no effect yet.
        let fields = json!({"currencies": with_currency(gem(json!({})))});
        let waiting = update(&one, fields).await.ok();
        two.approve(&waiting["approval"]["id"]).await.ok();
        for address in [other.address(), app.address()] {
            let alice = alice.at(address);
            let seen = alice.viewer(wallet_of).await;
            assert_eq!(
                seen["wallet"]["available"],
                json!({"amount": "0.00", "currency": "GEM"})
            );
            let listed = alice.get(CURRENCIES, json!({})).await["currencies"].clone();
            let gem = listed
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["code"] == "GEM");
            assert_eq!(
                gem.unwrap(),
                &json!({"code": "GEM", "scale": 2, "displayDecimals": 2, "assetType": "POINT", "isEnabled": true})
            );
        }
        assert_eq!(app.count("wallets", "currency = 10").await, 8);
        other.stop().await;
    });
}

#[test]
fn switches_a_currency_off_at_once_and_on_with_a_second_person() {
    test(async |app| {
        let admin = app.admin();
        let off = update(&admin, with(3, json!({"isEnabled": false})))
            .await
            .ok();
        assert_eq!(off["configuration"]["currencies"][3]["isEnabled"], false);
        let on = update(&admin, json!({"version": 2})).await.ok();
        assert!(on["approval"]["id"].is_string());
    });
}

#[test]
fn bounds_adjustments_by_the_limit_in_force() {
    test(async |app| {
        let admin = app.admin();
        let alice: Miner = app.miner().await;
        update(&admin, with(0, json!({"dualControlLimit": "10"})))
            .await
            .ok();
        assert_eq!(
            admin.adjust(&alice, "10").await.ok()["approval"],
            Value::Null
        );
        let waiting = admin.adjust(&alice, "0.0001").await.ok();
        assert_eq!(waiting["approval"]["status"], "PENDING");
        let higher = merged(
            with(0, json!({"dualControlLimit": "20"})),
            json!({"version": 2}),
        );
        app.approved(update(&admin, higher)).await;
        assert_eq!(
            admin.adjust(&alice, "10").await.ok()["approval"],
            Value::Null
        );
    });
}

#[test]
fn stores_one_of_eight_changes_at_once() {
    test(async |app| {
        let other = app.another().await;
        let admin = app.admin();
        let racing = (0..8).map(|n| {
            let address = [app.address(), other.address()][n % 2];
            update(&admin.at(address), json!({"holdMaxDays": 80 - n}))
        });
        at_once(racing).await.one_applied("CONFIGURATION_STALE");
        assert_eq!(versions(app).await, 2);
        other.stop().await;
    });
}

/// One loosened section makes all sections of the command wait.
#[test]
fn waits_with_all_sections_of_a_command() {
    test(async |app| {
        let (one, two) = (app.admin(), app.admin());
        let sections = json!({
            "reason": "a test", "wallet": wallet(json!({})),
            "mining": samples::mining(json!({"baseRate": "0.5"})),
        });
        let payload = one.run("systemConfigurationUpdate", sections).await.ok();
        assert_eq!(payload["configuration"], Value::Null);
        assert_eq!(app.count("configurations", "version > 1").await, 0);
        two.approve(&payload["approval"]["id"]).await.ok();
        assert_eq!(app.count("configurations", "version = 2").await, 2);
        let audited = app.audited("platform.system_configuration_update").await;
        let entities: Vec<_> = audited
            .iter()
            .filter_map(|entry| entry.entity_id.as_deref())
            .collect();
        assert_eq!(entities, ["system", "mining", "wallet", "system"]);
    });
}
