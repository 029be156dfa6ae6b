//! `promotionConfigurationUpdate`.

use serde_json::json;

use crate::support::samples::{promotion, with_reason};
use crate::support::{Actor, Run, test};

fn update(admin: &Actor, fields: serde_json::Value) -> Run {
    let section = promotion(fields);
    admin.run("promotionConfigurationUpdate", with_reason(section))
}

#[test]
fn stores_a_new_version() {
    test(async |app| {
        let admin = app.admin();
        let changed = update(&admin, json!({"maxOpenCampaigns": 60})).await.ok();
        let stored = &changed["configuration"];
        assert_eq!(
            (&stored["version"], &stored["maxOpenCampaigns"]),
            (&json!(2), &json!(60))
        );
        let query =
            "{ systemConfiguration { promotion { id version maxOpenCampaigns settleHours } } }";
        let in_force = app.admin().get(query, json!({})).await;
        let in_force = &in_force["systemConfiguration"]["promotion"];
        assert_eq!(in_force["id"], stored["id"]);
        assert_eq!(in_force["settleHours"], 72);
    });
}

#[test]
fn waits_for_a_second_person_when_a_limit_is_loosened() {
    test(async |app| {
        let limit = json!([{"faceCurrency": "VND", "priceCurrency": "MP", "maxPrice": "0.5"}]);
        let waiting = update(&app.admin(), json!({"priceLimits": limit}))
            .await
            .ok();
        assert!(waiting["configuration"].is_null());
        let approval = &waiting["approval"]["id"];
        app.admin().approve(approval).await.ok();
        let query = "{ systemConfiguration { promotion { version priceLimits { faceCurrency priceCurrency maxPrice } } } }";
        let in_force = app.admin().get(query, json!({})).await;
        let in_force = &in_force["systemConfiguration"]["promotion"];
        assert_eq!(in_force, &json!({"version": 2, "priceLimits": limit}));
        // Without the limit nothing is loosened.
        update(&app.admin(), json!({"version": 2})).await.ok();
    });
}

#[test]
fn refuses_in_the_order_of_its_fields() {
    test(async |app| {
        let admin = app.admin();
        let limit = |face: &str, price: &str, most: &str| json!({"faceCurrency": face, "priceCurrency": price, "maxPrice": most});
        for (fields, code, path) in [
            (
                json!({"codeGuessesPerHour": 0, "settleHours": 0}),
                "SETTING_OUT_OF_RANGE",
                "codeGuessesPerHour",
            ),
            (
                json!({"maxVouchersPerCampaign": 100_001}),
                "SETTING_OUT_OF_RANGE",
                "maxVouchersPerCampaign",
            ),
            (
                json!({"priceLimits": [limit("VND", "MP", "0")]}),
                "SETTING_OUT_OF_RANGE",
                "priceLimits.0.maxPrice",
            ),
            (
                json!({"priceLimits": [limit("VND", "MP", "0.0000000000001")]}),
                "SETTING_TOO_FINE",
                "priceLimits.0.maxPrice",
            ),
            (
                json!({"priceLimits": [limit("MP", "MP", "1")]}),
                "PAIR_INVALID",
                "priceLimits.0.priceCurrency",
            ),
            (
                json!({"priceLimits": [limit("VND", "MP", "1"), limit("VND", "MP", "2")]}),
                "DUPLICATE_ENTRY",
                "priceLimits.1.priceCurrency",
            ),
            (
                json!({"priceLimits": [limit("VND", "XYZ", "1")]}),
                "CURRENCY_UNKNOWN",
                "priceLimits.0.priceCurrency",
            ),
            (
                json!({"settleHours": 169}),
                "SETTING_OUT_OF_RANGE",
                "settleHours",
            ),
            (json!({"version": 7}), "CONFIGURATION_STALE", "version"),
        ] {
            let path = format!("configuration.{path}");
            update(&admin, fields).await.refused(code, Some(&path));
        }
        assert_eq!(
            app.count("configurations", "section = 'promotion'").await,
            1
        );
    });
}
