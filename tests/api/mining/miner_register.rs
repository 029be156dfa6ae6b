use serde_json::{Value, json};

use crate::support::{Actor, TestApp, test};

const REGISTER: &str = "mutation ($code: String, $key: String) {
    minerRegister(input: {referralCode: $code, idempotencyKey: $key}) {
        miner { id role status totalMinedPoints currentStreak referralCode referredBy { id displayName } rate { totalRate } }
        userErrors { code field message }
    }
}";

async fn register_with(actor: &Actor, code: &str) -> Value {
    actor.get(REGISTER, json!({"code": code})).await["minerRegister"].clone()
}

#[test]
fn makes_a_miner_once() {
    test(async |app| {
        let alice = app.user();
        let first = alice.get(REGISTER, json!({})).await["minerRegister"]["miner"].clone();
        assert_eq!(first["role"], "PIONEER");
        assert_eq!(first["status"], "ACTIVE");
        assert_eq!(first["totalMinedPoints"], "0.0000");
        assert_eq!(first["currentStreak"], 0);
        assert_eq!(first["referredBy"], Value::Null);
        assert_eq!(first["rate"]["totalRate"], "0.2500");
        assert_eq!(first["referralCode"].as_str().unwrap().len(), 8);
        let again = alice.get(REGISTER, json!({})).await;
        assert_eq!(again["minerRegister"]["miner"], first);
        assert_eq!(
            app.number("SELECT count(*) FROM outbox WHERE name = 'MinerCreated'")
                .await,
            1
        );
    });
}

/// Instances with the same seed draw the same codes.
#[test]
fn a_code_that_is_taken_is_drawn_again() {
    test(async |app| {
        let register =
            "mutation { minerRegister(input: {}) { miner { referralCode } userErrors { code } } }";
        let code = async || {
            let data = app.execute_elsewhere(1, app.user().id(), register).await;
            assert_eq!(data["minerRegister"]["userErrors"], json!([]));
            data["minerRegister"]["miner"]["referralCode"].clone()
        };
        let first = code().await;
        app.sql("UPDATE miners SET referral_code = 'SPARE222'")
            .await;
        assert_eq!(code().await, first);
        let other = code().await;
        assert_ne!(other, first);
        let codes = format!(
            "SELECT count(*) FROM miners WHERE referral_code IN ('SPARE222', {first}, {other})"
        );
        assert_eq!(app.number(&codes.replace('"', "'")).await, 3);
    });
}

#[test]
fn a_referral_waits_for_kyc() {
    test(async |app| {
        let alice = app.user();
        let code = alice.register().await["referralCode"]
            .as_str()
            .unwrap()
            .to_owned();
        let bob = app.user();
        let miner = register_with(&bob, &code.to_lowercase()).await["miner"].clone();
        assert_eq!(miner["referredBy"]["displayName"], "Tester");
        assert_eq!(
            app.number("SELECT count(*) FROM referrals WHERE status = 'PENDING'")
                .await,
            1
        );
        let rate = alice
            .get("{ viewer { miner { rate { referralBonus } } } }", json!({}))
            .await;
        assert_eq!(rate["viewer"]["miner"]["rate"]["referralBonus"], "0.0000");
    });
}

#[test]
fn a_referral_of_somebody_verified_counts_at_once() {
    test(async |app| {
        let alice = app.user();
        let code = alice.register().await["referralCode"]
            .as_str()
            .unwrap()
            .to_owned();
        for _ in 0..5 {
            let friend = app.user();
            verified(app, &friend).await;
            register_with(&friend, &code).await;
        }
        let query = "{ viewer { miner { role rate { roleMultiplier referralBonus totalRate } } } }";
        let miner = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        // Five active referrals: the bonus is capped at 100 %, and they make an ambassador.
        assert_eq!(miner["role"], "AMBASSADOR");
        assert_eq!(miner["rate"]["referralBonus"], "1.0000");
        assert_eq!(miner["rate"]["totalRate"], "0.6250");
        assert_eq!(
            app.number("SELECT count(*) FROM outbox WHERE name = 'ReferralActivated'")
                .await,
            5
        );
    });
}

async fn verified(app: &TestApp, person: &Actor) {
    let id = person.id();
    app.sql(&format!(
        "INSERT INTO users (id, display_name, registered_at, kyc_completed_at) VALUES ('{id}', 'Verified', app_now(), app_now())"
    ))
    .await;
}

#[test]
fn refuses_an_unknown_code() {
    test(async |app| {
        let suspended = app.user();
        let code = suspended.register().await["referralCode"]
            .as_str()
            .unwrap()
            .to_owned();
        app.sql("UPDATE miners SET status = 'SUSPENDED'").await;
        for code in ["NOBODYS2", "not a code", &code] {
            let payload = register_with(&app.user(), code).await;
            assert_eq!(payload["miner"], Value::Null);
            assert_eq!(payload["userErrors"][0]["code"], "REFERRAL_CODE_UNKNOWN");
            assert_eq!(payload["userErrors"][0]["field"], json!(["referralCode"]));
        }
        assert_eq!(app.number("SELECT count(*) FROM miners").await, 1);
    });
}

#[test]
fn a_refusal_is_replayed_too() {
    test(async |app| {
        let carol = app.user();
        let alice = app.user();
        let code = alice.register().await["referralCode"]
            .as_str()
            .unwrap()
            .to_owned();
        app.sql("UPDATE miners SET status = 'SUSPENDED'").await;
        let variables = json!({"code": code, "key": "once"});
        let first = carol.ask(REGISTER, variables.clone()).await;
        assert_eq!(first.refusals(), ["REFERRAL_CODE_UNKNOWN"]);
        app.sql("UPDATE miners SET status = 'ACTIVE'").await;
        let again = carol.ask(REGISTER, variables).await;
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["minerRegister"]])
        );
        assert_eq!(again.refusals(), ["REFERRAL_CODE_UNKNOWN"]);
        // Another key is another intent.
        assert_eq!(
            carol
                .ask(REGISTER, json!({"code": code, "key": "twice"}))
                .await
                .refusals(),
            [""; 0]
        );
    });
}

#[test]
fn two_requests_of_one_person_make_one_miner() {
    test(async |app| {
        let alice = app.user();
        let all =
            futures_util::future::join_all((0..8).map(|_| alice.ask(REGISTER, json!({})))).await;
        let ids: std::collections::HashSet<String> = all
            .into_iter()
            .map(|answer| answer.data()["minerRegister"]["miner"]["id"].to_string())
            .collect();
        assert_eq!(ids.len(), 1);
    });
}
