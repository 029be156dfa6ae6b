use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::is_stored;
use crate::support::test;

pub const UPDATE: &str = "mutation ($input: ReferralConfigurationUpdateInput!) { referralConfigurationUpdate(input: $input) {
    configuration { version bonusPerReferral maxBonusCap kycRequired maxReferralLevels updatedAt updatedBy reason }
    userErrors { code field message }
} }";

/// A whole section with some of its fields changed.
fn input(changed: Value) -> Value {
    let mut input = json!({
        "bonusPerReferral": "0.4", "maxBonusCap": "0.3", "kycRequired": false, "maxReferralLevels": 1,
        "version": 1, "reason": "a test",
    });
    if let Value::Object(changed) = changed {
        for (name, value) in changed {
            input[name] = value;
        }
    }
    json!({"input": input})
}

#[test]
fn what_is_set_counts_for_the_next_referral() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let mut payload =
            admin.get(UPDATE, input(json!({}))).await["referralConfigurationUpdate"].clone();
        let at = payload["configuration"]["updatedAt"].take();
        assert!(is_stored(app, "referral", 2, &at).await, "{at}");
        assert_eq!(
            payload,
            json!({
                "configuration": {
                    "version": 2, "bonusPerReferral": "0.4000", "maxBonusCap": "0.3000", "kycRequired": false,
                    "maxReferralLevels": 1, "updatedAt": null, "updatedBy": admin.id().to_string(), "reason": "a test",
                },
                "userErrors": [],
            })
        );
        let alice = app.user();
        let code = alice.register().await["referralCode"].clone();
        let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) { userErrors { code } } }";
        app.user().get(register, json!({"code": code})).await;
        // Active without KYC, at the bonus of the day, and capped.
        assert_eq!(
            app.number("SELECT bonus_bps::bigint FROM referrals WHERE status = 'ACTIVE'")
                .await,
            4_000
        );
        let rate = "{ viewer { miner { rate { referralBonus } } } }";
        assert_eq!(
            alice.get(rate, json!({})).await["viewer"]["miner"]["rate"]["referralBonus"],
            "0.3000"
        );
    });
}

#[test]
fn refuses_in_the_order_of_its_fields() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let mut wrong = json!({
            "reason": "", "bonusPerReferral": "11", "maxBonusCap": "-0.1", "maxReferralLevels": 2, "version": 9,
        });
        for (field, right, code) in [
            ("reason", json!("a test"), "REASON_INVALID"),
            ("bonusPerReferral", json!("0.12345"), "SETTING_OUT_OF_RANGE"),
            ("bonusPerReferral", json!("0.1"), "SETTING_TOO_FINE"),
            ("maxBonusCap", json!("1"), "SETTING_OUT_OF_RANGE"),
            ("maxReferralLevels", json!(1), "REFERRAL_LEVELS_UNSUPPORTED"),
            ("version", json!(1), "CONFIGURATION_STALE"),
        ] {
            let answer = admin.ask(UPDATE, input(wrong.clone())).await;
            assert_eq!(answer.refusals(), [code]);
            let errors = &answer.body["data"]["referralConfigurationUpdate"]["userErrors"];
            assert_eq!(errors[0]["field"], json!([field]));
            wrong[field] = right;
        }
        assert_eq!(admin.ask(UPDATE, input(wrong)).await.refusals(), [""; 0]);
    });
}

#[test]
fn is_for_admins_only() {
    test(async |app| {
        for actor in [
            app.person(&[Role::Finance]),
            app.user(),
            app.service(&Scope::ALL),
        ] {
            assert_eq!(
                actor.ask(UPDATE, input(json!({}))).await.code(),
                "FORBIDDEN"
            );
        }
        let audited = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'configuration.referral_update'";
        assert_eq!(app.number(audited).await, 2);
    });
}
