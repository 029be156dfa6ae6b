use serde_json::{Value, json};

use crate::support::{assert_includes, at_once, test};

#[test]
fn registers_a_miner_once() {
    test(async |app| {
        let alice = app.user();
        let first = alice.register().await.ok()["miner"].clone();
        assert_includes(
            &first,
            &json!({
                "role": "PIONEER", "status": "ACTIVE", "totalMinedPoints": "0.0000", "streak": {"streakDays": 0},
                "referredBy": null, "rate": {"hourlyRate": "0.2500"},
            }),
        );
        assert_eq!(first["referralCode"].as_str().unwrap().len(), 8);
        assert_eq!(alice.register().await.ok()["miner"], first);
        assert_eq!(app.events("MinerCreated").await.len(), 1);
    });
}

/// Instances with the same seed draw the same codes.
#[test]
fn draws_a_taken_code_again() {
    test(async |app| {
        let register =
            "mutation { minerRegister(input: {}) { miner { referralCode } userErrors { code } } }";
        let code = async || {
            let data = app.execute_elsewhere(1, app.user().id(), register).await;
            assert_eq!(data["minerRegister"]["userErrors"], json!([]));
            let code = &data["minerRegister"]["miner"]["referralCode"];
            code.as_str().unwrap().to_owned()
        };
        let first = code().await;
        app.sql("DELETE FROM referral_codes").await;
        assert_eq!(code().await, first);
        let other = code().await;
        assert_ne!(other, first);
        let known = format!("referral_code IN ('SPARE222', '{first}', '{other}')");
        assert_eq!(app.count("miners", &known).await, 3);
    });
}

#[test]
fn keeps_a_referral_pending_until_kyc() {
    test(async |app| {
        let alice = app.miner().await;
        let outcome = app.user().register_with(&alice.code.to_lowercase()).await;
        let miner = outcome.ok()["miner"].clone();
        assert_eq!(miner["referredBy"]["referrer"]["displayName"], "Tester");
        assert_eq!(app.count("referrals", "status = 'PENDING'").await, 1);
        assert_eq!(alice.referral_bonus().await, "0.0000");
    });
}

#[test]
fn activates_referrals_of_verified_people() {
    test(async |app| {
        let alice = app.miner().referrals(5).await;
        // Five active referrals reach the cap of 100 % and the role of an ambassador.
        assert_eq!(
            alice
                .own_miner("role rate { roleBonusRate referralBonusRate hourlyRate }")
                .await,
            json!({"role": "AMBASSADOR", "rate": {
                "roleBonusRate": "0.2500", "referralBonusRate": "1.0000", "hourlyRate": "0.6250"}})
        );
        assert_eq!(app.events("ReferralActivated").await.len(), 5);
    });
}

#[test]
fn writes_the_events_of_referrals_and_roles() {
    test(async |app| {
        app.miner().referrals(5).await;
        for (name, expected) in [
            ("ReferralApplied", 5),
            ("ReferralActivated", 5),
            ("MinerRoleChanged", 1),
        ] {
            assert_eq!(app.events(name).await.len(), expected, "{name}");
        }
        // Events of a subject are numbered without gaps.
        let mut numbers = std::collections::HashSet::new();
        for event in app.all_events().await {
            assert!(numbers.insert((event.subject_id, event.sequence)));
        }
    });
}

#[test]
fn refuses_codes_of_nobody_active() {
    test(async |app| {
        let suspended = app.miner().await;
        app.set_status(&suspended, "SUSPENDED").await;
        for code in ["NOBODYS2", "not a code", &suspended.code] {
            let outcome = app.user().register_with(code).await;
            outcome.refused("REFERRAL_CODE_UNKNOWN", Some("referralCode"));
            assert_eq!(outcome.field("miner"), &Value::Null);
        }
        assert_eq!(app.count("miners", "true").await, 1);
        assert_eq!(app.count("referral_codes", "true").await, 1);
    });
}

#[test]
fn replays_a_refusal() {
    test(async |app| {
        let carol = app.user();
        let alice = app.miner().await;
        app.set_status(&alice, "SUSPENDED").await;
        let register = |key| carol.register_with(&alice.code).key(key);
        let outcome = register("once").await;
        outcome.refused("REFERRAL_CODE_UNKNOWN", Some("referralCode"));
        app.set_status(&alice, "ACTIVE").await;
        let again = register("once").await;
        assert!(again.is_replay());
        again.refused("REFERRAL_CODE_UNKNOWN", Some("referralCode"));
        register("twice").await.ok();
    });
}

#[test]
fn registers_once_of_eight_at_once() {
    test(async |app| {
        let alice = app.user();
        let all = at_once((0..8).map(|_| alice.register())).await.all_ok();
        assert!(
            all.iter()
                .all(|payload| payload["miner"]["id"] == all[0]["miner"]["id"])
        );
        assert_eq!(app.count("miners", "true").await, 1);
    });
}

#[test]
fn takes_only_visible_names_of_tokens() {
    test(async |app| {
        let name = async |id, name: &str| {
            let registered = app.named(id, name).register();
            let payload = registered
                .select("miner { user { displayName } }")
                .await
                .ok();
            payload["miner"]["user"]["displayName"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let new = || app.user().id();
        assert_eq!(name(new(), " Tha\u{309}o ").await, "Thảo");
        let long = "é".repeat(101);
        assert_eq!(name(new(), &long).await, "é".repeat(100));
        for hidden in [
            "",
            "Admin\u{202E}",
            "A\nB",
            "A\u{2028}B",
            "\u{200B}",
            "\u{2800}",
            "A\u{E0041}",
            "\u{F8FF}",
        ] {
            let given = name(new(), hidden).await;
            let is_generated = given
                .strip_prefix("Miner ")
                .is_some_and(|random| random.len() == 4);
            assert!(is_generated, "{hidden:?}: {given:?}");
        }
    });
}

#[test]
fn takes_codes_as_people_paste_them() {
    test(async |app| {
        let alice = app.miner().await;
        let link = alice.own_miner("referralShareUrl").await["referralShareUrl"].clone();
        for pasted in super::pasted(&alice.code, link.as_str().unwrap()) {
            let payload = app.user().register_with(&pasted).await.ok();
            let referrer = &payload["miner"]["referredBy"]["referrer"]["id"];
            assert_eq!(referrer, &alice.profile, "{pasted:?}");
        }
    });
}
