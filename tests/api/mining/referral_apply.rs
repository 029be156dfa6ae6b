use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::decisions::{decide, must};
use crate::support::{Actor, Answer, TestApp, test};

const APPLY: &str = "mutation ($code: String!, $key: String) {
    referralApply(input: {referralCode: $code, idempotencyKey: $key}) {
        referral { id uuid code status isActive level bonusRate activatedAt referrer { id } referred { id } }
        referrer { id displayName } isActive
        miner { uuid referredBy { id } profile { id } }
        userErrors { code field message }
    }
}";

/// A miner with their code.
pub async fn coded(app: &TestApp) -> (Actor, String) {
    let actor = app.user();
    let code = actor.register().await["referralCode"].clone();
    (actor, code.as_str().unwrap().to_owned())
}

/// Applies a code.
pub async fn apply(by: &Actor, code: &str) -> Answer {
    by.ask(APPLY, json!({"code": code})).await
}

/// Applies a code that must not be refused.
pub async fn must_apply(by: &Actor, code: &str) -> Value {
    let payload = apply(by, code).await.data()["referralApply"].clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload
}

/// Says that somebody is verified.
pub async fn verify(app: &TestApp, who: &Actor) -> Answer {
    let query = "mutation ($user: UUID!) { kycComplete(input: {userId: $user}) {
        userId kycCompletedAt referral { status isActive activatedAt } userErrors { code field } } }";
    let user = json!({"user": who.id().to_string()});
    app.service(&[Scope::MiningEvents]).ask(query, user).await
}

#[test]
fn waits_for_kyc_and_carries_the_bonus_of_its_day() {
    test(async |app| {
        let ((alice, code), (bob, _)) = (coded(app).await, coded(app).await);
        let payload = must_apply(&bob, &format!(" {} ", code.to_lowercase())).await;
        let referral = &payload["referral"];
        assert_eq!(referral["status"], "PENDING");
        assert_eq!(
            (&payload["isActive"], &referral["isActive"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(
            (&referral["level"], &referral["activatedAt"]),
            (&json!(1), &Value::Null)
        );
        assert_eq!(referral["code"], code);
        assert_eq!(referral["referrer"]["id"], payload["referrer"]["id"]);
        assert_eq!(
            payload["miner"]["referredBy"]["id"],
            payload["referrer"]["id"]
        );
        assert_eq!(
            referral["referred"]["id"],
            payload["miner"]["profile"]["id"]
        );
        let applied = "SELECT count(*) FROM outbox o JOIN miners m ON m.id = o.subject_id AND m.version = o.sequence
             WHERE name = 'ReferralApplied' AND payload->>'isActive' = 'false' AND payload->>'bonusRate' = '0.2500'";
        assert_eq!(app.number(applied).await, 1);
        // What the bonus is later is for who applies later.
        let update = r#"mutation { referralConfigurationUpdate(input: {bonusPerReferral: "0.5", maxBonusCap: "1", kycRequired: false,
            maxReferralLevels: 1, version: 1, reason: "r"}) { userErrors { code } } }"#;
        app.person(&[Role::Admin]).get(update, json!({})).await;
        let (carol, _) = coded(app).await;
        let later = must_apply(&carol, &code).await;
        assert_eq!(later["referral"]["bonusRate"], "0.5000");
        assert_eq!(later["isActive"], true);
        assert!(later["referral"]["activatedAt"].is_string());
        verify(app, &bob).await;
        let rate = "{ viewer { miner { rate { referralBonus } } } }";
        let seen = alice.get(rate, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(seen["rate"]["referralBonus"], "0.7500");
    });
}

#[test]
fn five_verified_people_make_an_ambassador_who_is_told() {
    test(async |app| {
        let (boss, code) = coded(app).await;
        let mut socket = boss.socket().await;
        let follow = "subscription { minerUpdated { __typename ... on MinerRoleChanged { previousRole newRole }
            ... on ReferralActivated { bonusRate } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(boss.id()).await;
        for _ in 0..5 {
            let friend = app.user();
            verify(app, &friend).await;
            friend.register().await;
            assert_eq!(must_apply(&friend, &code).await["isActive"], true);
            assert_eq!(
                socket.event("1").await["minerUpdated"],
                json!({"__typename": "ReferralActivated", "bonusRate": "0.2500"})
            );
        }
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "MinerRoleChanged", "previousRole": "PIONEER", "newRole": "AMBASSADOR"})
        );
    });
}

#[test]
fn registering_with_a_code_tells_of_the_new_role_too() {
    test(async |app| {
        let (_, code) = coded(app).await;
        for _ in 0..5 {
            let friend = app.user();
            verify(app, &friend).await;
            let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) { userErrors { code } } }";
            friend.get(register, json!({"code": code})).await;
        }
        for (name, expected) in [
            ("ReferralApplied", 5),
            ("ReferralActivated", 5),
            ("MinerRoleChanged", 1),
        ] {
            let told = format!("SELECT count(*) FROM outbox WHERE name = '{name}'");
            assert_eq!(app.number(&told).await, expected, "{name}");
        }
        // Each event of a subject has a number of its own.
        let twice = "SELECT count(*) FROM (SELECT FROM outbox GROUP BY subject_id, sequence HAVING count(*) > 1) t";
        assert_eq!(app.number(twice).await, 0);
    });
}

#[test]
fn refuses_who_is_no_miner() {
    test(async |app| {
        let (_, code) = coded(app).await;
        assert_eq!(
            apply(&app.user(), &code).await.refusals(),
            ["MINER_NOT_FOUND"]
        );
    });
}

#[test]
fn refuses_the_suspended_and_the_banned() {
    test(async |app| {
        let ((bob, _), (_, code)) = (coded(app).await, coded(app).await);
        must(&app.person(&[Role::Admin]), "minerSuspend", &bob, "1").await;
        assert_eq!(apply(&bob, &code).await.refusals(), ["MINER_SUSPENDED"]);
        app.sql(
            "UPDATE miners SET status = 'BANNED', suspended_at = NULL WHERE status = 'SUSPENDED'",
        )
        .await;
        assert_eq!(apply(&bob, "NOBODYS2").await.refusals(), ["MINER_BANNED"]);
    });
}

#[test]
fn refuses_a_second_time_for_ever() {
    test(async |app| {
        let ((bob, _), (_, code), (_, other)) =
            (coded(app).await, coded(app).await, coded(app).await);
        must_apply(&bob, &code).await;
        for code in [&code, &other, "NOBODYS2"] {
            assert_eq!(apply(&bob, code).await.refusals(), ["ALREADY_REFERRED"]);
        }
    });
}

#[test]
fn refuses_a_code_of_nobody_active() {
    test(async |app| {
        let ((bob, _), (alice, code)) = (coded(app).await, coded(app).await);
        must(&app.person(&[Role::Admin]), "minerSuspend", &alice, "1").await;
        for code in ["NOBODYS2", "not a code", "", "\0", &code] {
            let answer = apply(&bob, code).await;
            assert_eq!(answer.refusals(), ["REFERRAL_CODE_UNKNOWN"], "{code:?}");
            let payload = &answer.body["data"]["referralApply"];
            assert_eq!(payload["userErrors"][0]["field"], json!(["referralCode"]));
            assert_eq!(
                (&payload["referral"], &payload["isActive"]),
                (&Value::Null, &Value::Null)
            );
        }
    });
}

#[test]
fn refuses_ones_own_code() {
    test(async |app| {
        let (bob, code) = coded(app).await;
        assert_eq!(apply(&bob, &code).await.refusals(), ["OWN_REFERRAL_CODE"]);
    });
}

#[test]
fn refuses_the_code_of_whom_one_brought_however_deep() {
    test(async |app| {
        let (first, first_code) = coded(app).await;
        let mut above = first_code;
        for depth in 1..=6 {
            let (next, code) = coded(app).await;
            must_apply(&next, &above).await;
            let answer = apply(&first, &code).await;
            assert_eq!(answer.refusals(), ["REFERRAL_CYCLE"], "{depth} deep");
            above = code;
        }
        let (_, stranger) = coded(app).await;
        must_apply(&first, &stranger).await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let ((bob, _), (_, code)) = (coded(app).await, coded(app).await);
        let variables = json!({"code": code, "key": "k"});
        let first = bob.ask(APPLY, variables.clone()).await;
        let again = bob.ask(APPLY, variables).await;
        assert_eq!(first.refusals(), [""; 0]);
        assert_eq!(first.body["data"], again.body["data"]);
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["referralApply"]])
        );
        let other = bob
            .ask(APPLY, json!({"code": "NOBODYS2", "key": "k"}))
            .await;
        assert_eq!(other.reason(), "IDEMPOTENCY_KEY_REUSED");
    });
}

#[test]
fn of_two_by_one_miner_at_once_one_succeeds() {
    test(async |app| {
        let ((_, one), (_, other)) = (coded(app).await, coded(app).await);
        for round in 0..10 {
            let (bob, _) = coded(app).await;
            let (left, right) = tokio::join!(apply(&bob, &one), apply(&bob, &other));
            let mut refusals = [left.refusals(), right.refusals()];
            refusals.sort();
            assert_eq!(
                refusals,
                [vec![], vec!["ALREADY_REFERRED"]],
                "round {round}"
            );
        }
    });
}

#[test]
fn of_two_who_apply_each_others_code_one_succeeds() {
    test(async |app| {
        for round in 0..10 {
            let ((alice, a), (bob, b)) = (coded(app).await, coded(app).await);
            let (left, right) = tokio::join!(apply(&alice, &b), apply(&bob, &a));
            let mut refusals = [left.refusals(), right.refusals()];
            refusals.sort();
            assert_eq!(refusals, [vec![], vec!["REFERRAL_CYCLE"]], "round {round}");
        }
    });
}

#[test]
fn a_ring_is_never_closed() {
    test(async |app| {
        for round in 0..5 {
            let mut ring = Vec::new();
            for _ in 0..4 {
                ring.push(coded(app).await);
            }
            let racing = (0..4).map(|n| apply(&ring[n].0, &ring[(n + 1) % 4].1));
            let answers = futures_util::future::join_all(racing).await;
            let refused: Vec<_> = answers.iter().flat_map(Answer::refusals).collect();
            assert_eq!(refused, ["REFERRAL_CYCLE"], "round {round}");
        }
    });
}

#[test]
fn a_verification_at_the_same_time_is_not_missed() {
    test(async |app| {
        let (_, code) = coded(app).await;
        for round in 0..10 {
            let (bob, _) = coded(app).await;
            let (applied, verified) = tokio::join!(apply(&bob, &code), verify(app, &bob));
            assert_eq!(applied.refusals(), [""; 0], "round {round}");
            assert_eq!(verified.refusals(), [""; 0], "round {round}");
            let carol = app.user();
            let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) { userErrors { code } } }";
            let (registered, verified) = tokio::join!(
                carol.ask(register, json!({"code": code})),
                verify(app, &carol)
            );
            assert_eq!(registered.refusals(), [""; 0], "round {round}");
            assert_eq!(verified.refusals(), [""; 0], "round {round}");
            let active = "SELECT count(*) FROM referrals WHERE status = 'ACTIVE'";
            assert_eq!(app.number(active).await, 2 * (round + 1), "round {round}");
        }
        let told = "SELECT count(*) FROM outbox WHERE name = 'ReferralActivated'";
        assert_eq!(app.number(told).await, 20);
    });
}

#[test]
fn a_referrer_who_is_suspended_at_the_same_time_brings_them_or_not() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let (boss, code) = coded(app).await;
        let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) { userErrors { code } } }";
        for round in 0..10 {
            let key = round.to_string();
            let (friend, before) = (
                app.user(),
                app.number("SELECT count(*) FROM referrals").await,
            );
            let (registered, suspended) = tokio::join!(
                friend.ask(register, json!({"code": code})),
                decide(&admin, "minerSuspend", &boss, &key)
            );
            assert_eq!(suspended.refusals(), [""; 0], "round {round}");
            let after = app.number("SELECT count(*) FROM referrals").await;
            match registered.refusals().as_slice() {
                [] => assert_eq!(after, before + 1, "round {round}"),
                refused => {
                    assert_eq!(refused, ["REFERRAL_CODE_UNKNOWN"], "round {round}");
                    assert_eq!(after, before, "round {round}");
                }
            }
            must(&admin, "minerRestore", &boss, &key).await;
        }
    });
}

#[test]
fn whoever_is_suspended_or_banned_at_the_same_time_counts_for_nobody() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        app.sql("UPDATE configurations SET body = body || '{\"kycRequired\": false}' WHERE section = 'referral'")
            .await;
        let (_, code) = coded(app).await;
        for round in 0..20 {
            let field = if round % 2 == 0 {
                "minerSuspend"
            } else {
                "minerBan"
            };
            let (friend, _) = coded(app).await;
            let key = round.to_string();
            let (applied, decided) =
                tokio::join!(apply(&friend, &code), decide(&admin, field, &friend, &key));
            assert_eq!(decided.refusals(), [""; 0], "round {round}");
            assert!(applied.refusals().len() <= 1, "round {round}");
            let active = "SELECT count(*) FROM referrals WHERE status = 'ACTIVE'";
            assert_eq!(app.number(active).await, 0, "round {round}");
        }
    });
}

#[test]
fn a_referral_is_seen_by_its_two_sides_and_staff() {
    test(async |app| {
        let ((alice, code), (bob, _), (carol, _)) =
            (coded(app).await, coded(app).await, coded(app).await);
        let id = must_apply(&bob, &code).await["referral"]["id"].clone();
        let query = "query ($id: ID!) { node(id: $id) { id ... on Referral { referred { displayName } } } }";
        for (who, sees) in [
            (&alice, true),
            (&bob, true),
            (&carol, false),
            (&app.user(), false),
            (&app.anonymous(), false),
            (&app.person(&[Role::Support]), true),
            (&app.service(&[Scope::MiningRead]), true),
            (&app.service(&[Scope::WalletRead]), false),
        ] {
            let seen = who.get(query, json!({"id": id})).await;
            assert_eq!(!seen["node"].is_null(), sees);
        }
    });
}
