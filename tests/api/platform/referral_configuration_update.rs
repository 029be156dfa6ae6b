use serde_json::{Value, json};

use super::is_stored;
use crate::support::{Actor, Run, merged, samples, test};

fn update(admin: &Actor, fields: Value) -> Run {
    let section = samples::referral(json!({"maxBonusRate": "0.3", "kycRequired": false}));
    let input = samples::with_reason(merged(section, fields));
    admin.run("referralConfigurationUpdate", input)
}

#[test]
fn counts_for_the_next_referral() {
    test(async |app| {
        let admin = app.admin();
        let section = "{ systemConfiguration { referral { id version bonusRate maxBonusRate kycRequired maxReferralLevels
            updatedAt updatedBy { uuid } reason } } }";
        app.approved(update(&admin, json!({"bonusRate": "0.4"})))
            .await;
        let mut stored =
            admin.get(section, json!({})).await["systemConfiguration"]["referral"].clone();
        assert!(stored["id"].take().is_string());
        let at = stored["updatedAt"].take();
        assert!(is_stored(app, "referral", 2, &at).await, "{at}");
        assert_eq!(
            stored,
            json!({
                "id": null, "version": 2, "bonusRate": "0.4000", "maxBonusRate": "0.3000", "kycRequired": false,
                "maxReferralLevels": 1, "updatedAt": null, "updatedBy": {"uuid": admin.id().to_string()}, "reason": "a test",
            })
        );
        let alice = app.miner().await;
        app.miner().referred_by(&alice).await;
        // Active without KYC, with the bonus of the day, and capped.
        let referral = app.row("referrals", "status = 'ACTIVE'").await;
        assert_eq!(referral["bonus_bps"], 4_000);
        assert_eq!(alice.referral_bonus().await, "0.3000");
    });
}

#[test]
fn refuses_in_the_order_of_its_fields() {
    test(async |app| {
        let admin = app.admin();
        let mut reason = json!("");
        let mut wrong = json!({
            "bonusRate": "11", "maxBonusRate": "-0.1", "maxReferralLevels": 2, "version": 9,
        });
        for (field, right, code) in [
            ("reason", json!("a test"), "REASON_INVALID"),
            ("bonusRate", json!("0.12345"), "SETTING_OUT_OF_RANGE"),
            ("bonusRate", json!("0.1"), "SETTING_TOO_FINE"),
            ("maxBonusRate", json!("1"), "SETTING_OUT_OF_RANGE"),
            ("maxReferralLevels", json!(1), "REFERRAL_LEVELS_UNSUPPORTED"),
            ("version", json!(1), "CONFIGURATION_STALE"),
        ] {
            let outcome = update(&admin, wrong.clone()).with(json!({"reason": reason}));
            let outcome = outcome.await;
            if field == "reason" {
                outcome.refused(code, Some(field));
                reason = right;
            } else {
                outcome.refused(code, Some(&format!("configuration.{field}")));
                wrong[field] = right;
            }
        }
        update(&admin, wrong).await.ok();
    });
}
