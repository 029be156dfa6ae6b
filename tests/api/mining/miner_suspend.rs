use chrono::TimeDelta;
use domain::access::Role;
use serde_json::{Value, json};

use super::decisions::{self, decide, decide_about, must};
use crate::support::{Actor, TestApp, test};

const FIELD: &str = "minerSuspend";

#[test]
fn nothing_is_started_or_claimed_from_then_on() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(
            must(&admin, FIELD, &alice, "1").await["status"],
            "SUSPENDED"
        );
        assert_eq!(alice.claim("1").await.refusals(), ["MINER_SUSPENDED"]);
        assert_eq!(
            alice.start().await["userErrors"][0]["code"],
            "MINER_SUSPENDED"
        );
        assert_eq!(alice.points().await, "0.0000");
        // Suspended people are on no leaderboard.
        let top = alice
            .get("{ leaderboard { entries { rank } } }", json!({}))
            .await;
        assert_eq!(top["leaderboard"]["entries"], json!([]));
        let audited = "SELECT count(*) FROM audit_log
            WHERE action = 'mining.miner_suspend' AND outcome = 'APPLIED' AND entity_kind = 'miner'
              AND entity_id = (SELECT id::text FROM miners) AND reason = 'a test' AND 'ADMIN' = ANY(roles)
              AND before->>'status' = 'ACTIVE' AND after->>'status' = 'SUSPENDED' AND after->>'suspendedAt' IS NOT NULL";
        assert_eq!(app.number(audited).await, 1);
        assert_eq!(
            app.number("SELECT count(*) FROM outbox WHERE name = 'MinerSuspended'")
                .await,
            1
        );
    });
}

#[test]
fn a_miner_is_named_in_any_way() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for name in ["id", "uuid", "userId", "referralCode"] {
            let miner = app.user().register().await;
            let by = if name == "referralCode" { "code" } else { name };
            let answer = decide_about(&admin, FIELD, json!({by: miner[name]}), name).await;
            assert_eq!(answer.refusals(), Vec::<&str>::new(), "{name}");
        }
    });
}

#[test]
fn the_streak_stands_still_meanwhile() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 3).await;
        must(&admin, FIELD, &alice, "1").await;
        app.advance(TimeDelta::days(100)).await;
        let query = "{ viewer { miner { currentStreak profile { currentStreak } streak { status currentStreak } } } }";
        let seen = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(
            seen,
            json!({"currentStreak": 3, "profile": {"currentStreak": 3}, "streak": {"status": "ON_TIME", "currentStreak": 3}})
        );
    });
}

/// Somebody who brought five others, with the others.
async fn ambassador(app: &TestApp) -> (Actor, Vec<Actor>) {
    let boss = app.user();
    let code = boss.register().await["referralCode"].clone();
    let mut brought = Vec::new();
    for _ in 0..5 {
        let friend = app.user();
        let id = friend.id();
        app.sql(&format!(
            "INSERT INTO users (id, display_name, registered_at, kyc_completed_at) VALUES ('{id}', 'V', app_now(), app_now())"
        ))
        .await;
        let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) { userErrors { code } } }";
        let done = friend.get(register, json!({"code": code})).await;
        assert_eq!(done["minerRegister"]["userErrors"], json!([]));
        brought.push(friend);
    }
    (boss, brought)
}

async fn role_and_bonus(boss: &Actor) -> Value {
    let query = "{ viewer { miner { role rate { referralBonus } } } }";
    boss.get(query, json!({})).await["viewer"]["miner"].clone()
}

#[test]
fn the_referral_of_a_suspended_miner_counts_for_nobody() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let (boss, brought) = ambassador(app).await;
        let full = json!({"role": "AMBASSADOR", "rate": {"referralBonus": "1.0000"}});
        assert_eq!(role_and_bonus(&boss).await, full);
        let mut socket = boss.socket().await;
        let follow = "subscription { minerUpdated { __typename miner { role }
            ... on MinerRoleChanged { previousRole newRole } ... on ReferralDeactivated { bonusRate } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(boss.id()).await;
        must(&admin, FIELD, &brought[0], "1").await;
        must(&admin, FIELD, &brought[1], "2").await;
        assert_eq!(
            role_and_bonus(&boss).await,
            json!({"role": "PIONEER", "rate": {"referralBonus": "0.7500"}})
        );
        let told = socket.event("1").await["minerUpdated"].clone();
        assert_eq!(
            (&told["__typename"], &told["bonusRate"]),
            (&json!("ReferralDeactivated"), &json!("0.2500"))
        );
        let told = socket.event("1").await["minerUpdated"].clone();
        assert_eq!(
            (&told["__typename"], &told["previousRole"], &told["newRole"]),
            (
                &json!("MinerRoleChanged"),
                &json!("AMBASSADOR"),
                &json!("PIONEER")
            )
        );
        must(&admin, "minerRestore", &brought[0], "1").await;
        must(&admin, "minerRestore", &brought[1], "2").await;
        assert_eq!(role_and_bonus(&boss).await, full);
    });
}

#[test]
fn a_referral_that_waits_for_kyc_still_waits_afterwards() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let code = app.user().register().await["referralCode"].clone();
        let friend = app.user();
        let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code}) { userErrors { code } } }";
        friend.get(register, json!({"code": code})).await;
        must(&admin, FIELD, &friend, "1").await;
        must(&admin, "minerRestore", &friend, "2").await;
        let pending = "SELECT count(*) FROM referrals WHERE status = 'PENDING'";
        assert_eq!(app.number(pending).await, 1);
    });
}

#[test]
fn subscribers_are_told() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        let follow = "subscription { minerUpdated { __typename sequence miner { status }
            ... on MinerStatusChanged { previousStatus newStatus } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        must(&admin, FIELD, &alice, "1").await;
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "MinerStatusChanged", "sequence": 2, "miner": {"status": "SUSPENDED"},
                "previousStatus": "ACTIVE", "newStatus": "SUSPENDED"})
        );
        must(&admin, "minerRestore", &alice, "1").await;
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "MinerStatusChanged", "sequence": 3, "miner": {"status": "ACTIVE"},
                "previousStatus": "SUSPENDED", "newStatus": "ACTIVE"})
        );
    });
}

#[test]
fn refuses_unknown_miners_and_ones_own() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_the_suspended_and_the_banned() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        must(&admin, FIELD, &alice, "1").await;
        let again = decide(&admin, FIELD, &alice, "2").await;
        assert_eq!(again.refusals(), ["MINER_SUSPENDED"]);
        app.sql("UPDATE miners SET status = 'BANNED', suspended_at = NULL")
            .await;
        let banned = decide(&admin, FIELD, &alice, "3").await;
        assert_eq!(banned.refusals(), ["MINER_BANNED"]);
    });
}

#[test]
fn refuses_bad_input() {
    test(async |app| decisions::refuses_bad_input(app, FIELD).await);
}

#[test]
fn only_administrators_may() {
    test(async |app| decisions::only_administrators(app, FIELD).await);
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let alice = app.miner().await;
        decisions::replays(app, FIELD, &alice).await;
    });
}

#[test]
fn of_two_at_once_exactly_one_succeeds() {
    test(async |app| {
        let (one, other) = (app.person(&[Role::Admin]), app.person(&[Role::Admin]));
        let alice = app.miner().await;
        for round in 0..10 {
            let key = round.to_string();
            let (left, right) = tokio::join!(
                decide(&one, FIELD, &alice, &key),
                decide(&other, FIELD, &alice, &key)
            );
            let mut refusals = [left.refusals(), right.refusals()];
            refusals.sort();
            assert_eq!(refusals, [vec![], vec!["MINER_SUSPENDED"]], "round {round}");
            must(&one, "minerRestore", &alice, &key).await;
        }
    });
}

#[test]
fn a_claim_at_the_same_time_is_paid_or_refused() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        for round in 0..20 {
            let key = format!("round {round}");
            assert_eq!(alice.start().await["userErrors"], json!([]), "{key}");
            app.advance(TimeDelta::hours(24)).await;
            let (claimed, suspended) =
                tokio::join!(alice.claim(&key), decide(&admin, FIELD, &alice, &key));
            assert_eq!(suspended.refusals(), Vec::<&str>::new(), "{key}");
            let claimed = claimed.refusals() == Vec::<&str>::new();
            let sessions = "SELECT count(*) FROM mining_sessions WHERE status = 'CLAIMED'";
            assert_eq!(
                app.number(sessions).await,
                round + i64::from(claimed),
                "{key}"
            );
            must(&admin, "minerRestore", &alice, &key).await;
            if !claimed {
                alice.must_claim(&format!("{key} again")).await;
            }
        }
        assert_eq!(
            app.number("SELECT current_streak::bigint FROM miners")
                .await,
            20
        );
    });
}

#[test]
fn who_brought_whom_is_suspended_at_once_without_a_deadlock() {
    test(async |app| {
        let (one, other) = (app.person(&[Role::Admin]), app.person(&[Role::Admin]));
        let (boss, brought) = ambassador(app).await;
        for round in 0..10 {
            for field in [FIELD, "minerRestore"] {
                let key = format!("{field} {round}");
                let both = tokio::join!(
                    must(&one, field, &brought[0], &key),
                    must(&other, field, &boss, &key)
                );
                assert_eq!(both.0["status"], both.1["status"]);
            }
        }
        assert_eq!(role_and_bonus(&boss).await["role"], "AMBASSADOR");
    });
}
