use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::decisions;
use crate::support::{Actor, Answer, TestApp, test};

const ADJUST: &str =
    "mutation ($input: MinerAdjustPointsInput!) { minerAdjustPoints(input: $input) {
    totalPoints newBalance approval { id status amount reason } miner { totalMinedPoints }
    userErrors { code field message }
} }";

/// Corrects somebody's points.
pub async fn adjust(by: &Actor, whose: &Actor, amount: &str, key: &str) -> Answer {
    let miner = json!({"userId": whose.id().to_string()});
    ask(
        by,
        json!({"miner": miner, "amount": amount, "reason": "a test", "idempotencyKey": key}),
    )
    .await
}

async fn ask(by: &Actor, input: Value) -> Answer {
    by.ask(ADJUST, json!({"input": input})).await
}

/// Corrects points at once; answers the payload.
pub async fn must_adjust(by: &Actor, whose: &Actor, amount: &str, key: &str) -> Value {
    let payload = adjust(by, whose, amount, key).await.data()["minerAdjustPoints"].clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload
}

#[test]
fn corrects_both_ways_in_the_wallet_too() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        let follow = "subscription { minerUpdated { __typename ... on PointsAdjusted { points totalPoints } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        let up = must_adjust(&admin, &alice, "1000", "up").await;
        assert_eq!(
            up,
            json!({"totalPoints": "1000.0000", "newBalance": "1000.0000", "approval": null,
                   "miner": {"totalMinedPoints": "1000.0000"}, "userErrors": []})
        );
        let down = must_adjust(&admin, &alice, "-0.0001", "down").await;
        assert_eq!(down["newBalance"], "999.9999");
        assert_eq!(alice.points().await, "999.9999");
        for (points, total) in [("1000.0000", "1000.0000"), ("-0.0001", "999.9999")] {
            assert_eq!(
                socket.event("1").await["minerUpdated"],
                json!({"__typename": "PointsAdjusted", "points": points, "totalPoints": total})
            );
        }
        let history = alice
            .get(
                "{ viewer { miner { history(first: 9) { nodes { source pointsEarned } } } } }",
                json!({}),
            )
            .await["viewer"]["miner"]["history"]["nodes"]
            .clone();
        assert_eq!(
            history,
            json!([{"source": "ADJUSTMENT", "pointsEarned": "-0.0001"}, {"source": "ADJUSTMENT", "pointsEarned": "1000.0000"}])
        );
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_adjust_points' AND outcome = 'APPLIED'
            AND entity_kind = 'miner' AND reason = 'a test' AND transaction_id IS NOT NULL
            AND before->>'totalMinedPoints' = '1000.0000' AND after->>'totalMinedPoints' = '999.9999'";
        assert_eq!(app.number(audited).await, 1);
        let posted = "SELECT count(*) FROM transfers WHERE reason = 'ADJUSTMENT' AND origin = 'STAFF' AND reference_kind = 'miner'";
        assert_eq!(app.number(posted).await, 2);
    });
}

#[test]
fn beyond_the_limit_it_waits_for_a_second_person() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let waits = must_adjust(&admin, &alice, "1000.0001", "1").await;
        assert_eq!(
            (&waits["totalPoints"], &waits["newBalance"]),
            (&json!(null), &json!(null))
        );
        assert_eq!(waits["miner"]["totalMinedPoints"], "0.0000");
        let approval = &waits["approval"];
        assert_eq!(
            (
                &approval["status"],
                &approval["amount"],
                &approval["reason"]
            ),
            (&json!("PENDING"), &json!("1000.0001"), &json!("a test"))
        );
        assert_eq!(alice.points().await, "0.0000");
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_adjust_points' AND outcome = 'APPLIED'
            AND after->>'approval' = (SELECT id::text FROM approvals) AND transaction_id IS NULL";
        assert_eq!(app.number(audited).await, 1);
    });
}

#[test]
fn only_administrators_may() {
    test(async |app| {
        let alice = app.miner().await;
        for (who, code) in [
            (app.anonymous(), "UNAUTHENTICATED"),
            (alice.clone(), "FORBIDDEN"),
            (app.person(&[Role::Support]), "FORBIDDEN"),
            (app.person(&[Role::Finance]), "FORBIDDEN"),
            (app.service(&Scope::ALL), "FORBIDDEN"),
        ] {
            assert_eq!(adjust(&who, &alice, "1", "k").await.code(), code);
        }
        let forbidden = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'mining.miner_adjust_points'";
        assert_eq!(app.number(forbidden).await, 3);
    });
}

#[test]
fn needs_a_key() {
    test(async |app| {
        let alice = app.miner().await;
        let miner = json!({"userId": alice.id().to_string()});
        let input = json!({"miner": miner, "amount": "1", "reason": "r"});
        assert_eq!(
            ask(&app.person(&[Role::Admin]), input).await.code(),
            "BAD_USER_INPUT"
        );
    });
}

#[test]
fn refuses_in_this_order() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        admin.register().await;
        let own = json!({"userId": admin.id().to_string()});
        let nobody = json!({"uuid": "00000000-0000-7000-8000-000000000000"});
        for (key, miner, amount, reason, code, field) in [
            ("1", &nobody, "0", " ", "REASON_INVALID", Some("reason")),
            ("2", &nobody, "0", "r", "NOT_FOUND", Some("miner")),
            ("3", &own, "0", "r", "POINTS_INVALID", Some("amount")),
            ("4", &own, "0.00001", "r", "POINTS_INVALID", Some("amount")),
            (
                "5",
                &own,
                "1000000000001",
                "r",
                "POINTS_INVALID",
                Some("amount"),
            ),
            ("6", &own, "1", "r", "OWN_ACCOUNT", Some("miner")),
        ] {
            let input =
                json!({"miner": miner, "amount": amount, "reason": reason, "idempotencyKey": key});
            let answer = ask(&admin, input).await;
            assert_eq!(answer.refusals(), [code], "{key}");
            let error = &answer.body["data"]["minerAdjustPoints"]["userErrors"][0];
            assert_eq!(error["field"], json!(field.map(|field| [field])), "{key}");
        }
        let other = app.person(&[Role::Admin]);
        app.sql("UPDATE miners SET status = 'BANNED'").await;
        assert_eq!(
            adjust(&other, &admin, "1", "7").await.refusals(),
            ["MINER_BANNED"]
        );
        let refused =
            "SELECT count(*) FROM audit_log WHERE outcome = 'REFUSED' AND refusal = 'OWN_ACCOUNT'";
        assert_eq!(app.number(refused).await, 1);
    });
}

#[test]
fn refuses_to_take_what_is_not_there() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        must_adjust(&admin, &alice, "10", "1").await;
        let message = |answer: &Answer| {
            answer.body["data"]["minerAdjustPoints"]["userErrors"][0]["message"].clone()
        };
        // More than was ever mined, also where it would wait.
        for (amount, key) in [("-10.0001", "2"), ("-5000", "3")] {
            let answer = adjust(&admin, &alice, amount, key).await;
            assert_eq!(answer.refusals(), ["INSUFFICIENT_POINTS"]);
            assert_eq!(message(&answer), "there are only 10.0000 points");
        }
        // Mined, but not in the wallet any more.
        app.sql("UPDATE miners SET lifetime_points = lifetime_points + 50000")
            .await;
        let answer = adjust(&admin, &alice, "-12", "4").await;
        assert_eq!(answer.refusals(), ["INSUFFICIENT_POINTS"]);
        assert_eq!(message(&answer), "there are only 10.0000 points");
        app.sql("UPDATE wallets SET is_frozen = true WHERE owner_kind = 'USER'")
            .await;
        assert_eq!(
            adjust(&admin, &alice, "-1", "5").await.refusals(),
            ["WALLET_FROZEN"]
        );
        // What comes may come.
        assert_eq!(
            must_adjust(&admin, &alice, "1", "6").await["newBalance"],
            "11.0000"
        );
        app.sql("UPDATE miners SET lifetime_points = lifetime_points - 50000")
            .await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let first = must_adjust(&admin, &alice, "5", "k").await;
        let again = adjust(&admin, &alice, "5", "k").await;
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["minerAdjustPoints"]])
        );
        assert_eq!(again.data()["minerAdjustPoints"], first);
        assert_eq!(
            adjust(&admin, &alice, "6", "k").await.reason(),
            "IDEMPOTENCY_KEY_REUSED"
        );
        assert_eq!(alice.points().await, "5.0000");
    });
}

/// A miner with 60 points, 50 of which a broken streak costs.
async fn with_a_broken_streak(app: &TestApp, admin: &Actor) -> Actor {
    let alice = decisions::with_streak(app, 1).await;
    app.advance(chrono::TimeDelta::days(10)).await;
    alice.start().await;
    must_adjust(admin, &alice, "54", &alice.id().to_string()).await;
    alice
}

#[test]
fn against_a_spend_at_the_same_time_one_of_them_finds_too_little() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let spend =
            "mutation { streakRecover(input: {idempotencyKey: \"s\"}) { userErrors { code } } }";
        for round in 0..10 {
            let alice = with_a_broken_streak(app, &admin).await;
            let key = format!("take {round}");
            let (taken, spent) = tokio::join!(
                adjust(&admin, &alice, "-20", &key),
                alice.ask(spend, json!({}))
            );
            let mut refusals = [taken.refusals(), spent.refusals()];
            refusals.sort();
            assert_eq!(
                refusals,
                [vec![], vec!["INSUFFICIENT_POINTS"]],
                "round {round}"
            );
        }
    });
}
