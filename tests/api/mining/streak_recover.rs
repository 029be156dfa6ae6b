use chrono::TimeDelta;
use domain::access::{Role, Scope};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::decisions::{self, must};
use crate::support::{Actor, Answer, TestApp, test};

const RECOVER: &str = "mutation ($key: String) { streakRecover(input: {idempotencyKey: $key}) {
        recoveredDays cost streakBonus totalPoints streakDays
        miner { currentStreak longestStreak streak { recoverableDays freezeTokens } }
        userErrors { code field message }
    } }";

async fn recover(who: &Actor, key: &str) -> Answer {
    who.ask(RECOVER, json!({"key": key})).await
}

async fn must_recover(who: &Actor, key: &str) -> Value {
    let payload = recover(who, key).await.data()["streakRecover"].clone();
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload
}

/// A miner who lost a run of so many days and has claimed once since.
async fn after_a_break(app: &TestApp, days: i64) -> Actor {
    let alice = decisions::with_streak(app, days).await;
    app.advance(TimeDelta::days(10)).await;
    alice.start().await;
    app.advance(TimeDelta::hours(24)).await;
    assert_eq!(alice.must_claim("since").await["streakDays"], 1);
    alice
}

#[test]
fn adds_the_broken_run_to_the_present_one_for_its_price() {
    test(async |app| {
        let alice = after_a_break(app, 13).await;
        let before: Decimal = alice.points().await.parse().unwrap();
        let mut socket = alice.socket().await;
        let follow = "subscription { minerUpdated { __typename miner { currentStreak }
            ... on StreakRecovered { recoveredDays streakDays cost }
            ... on StreakMilestoneReached { bonusPoints days: streakDays } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        let done = must_recover(&alice, "1").await;
        assert_eq!(
            (&done["recoveredDays"], &done["cost"], &done["streakDays"]),
            (&json!(13), &json!("50.0000"), &json!(14))
        );
        // The fourteenth day is reached by it; the seventh was paid before.
        assert_eq!(done["streakBonus"], "100.0000");
        assert_eq!(done["miner"]["currentStreak"], 14);
        assert_eq!(done["miner"]["longestStreak"], 14);
        assert_eq!(done["miner"]["streak"]["recoverableDays"], json!(null));
        // One token for the seventh day, one for the fourteenth; none again for the seventh.
        assert_eq!(done["miner"]["streak"]["freezeTokens"], 2);
        let after: Decimal = alice.points().await.parse().unwrap();
        assert_eq!(after - before, Decimal::from(50));
        let recovered = socket.event("1").await["minerUpdated"].clone();
        assert_eq!(
            recovered,
            json!({"__typename": "StreakRecovered", "recoveredDays": 13, "streakDays": 14, "cost": "50.0000",
                   "miner": {"currentStreak": 14}})
        );
        let milestone = socket.event("1").await["minerUpdated"].clone();
        assert_eq!(
            milestone,
            json!({"__typename": "StreakMilestoneReached", "days": 14, "bonusPoints": "100.0000",
                   "miner": {"currentStreak": 14}})
        );
        let history = alice
            .get("{ viewer { miner { history(first: 2) { nodes { source pointsEarned streakDays } } } } }", json!({}))
            .await["viewer"]["miner"]["history"]["nodes"]
            .clone();
        let line =
            |points, source| json!({"source": source, "pointsEarned": points, "streakDays": 14});
        for expected in [
            line("-50.0000", "STREAK_RECOVERY"),
            line("100.0000", "STREAK_MILESTONE"),
        ] {
            assert!(history.as_array().unwrap().contains(&expected), "{history}");
        }
        // What was spent was mined all the same.
        let lifetime = "SELECT count(*) FROM miners m WHERE lifetime_points =
            (SELECT sum(points) FROM mining_history h WHERE h.miner_id = m.id AND source <> 'STREAK_RECOVERY')";
        assert_eq!(app.number(lifetime).await, 1);
        let updated = "SELECT count(*) FROM outbox WHERE name = 'StreakUpdated'
            AND payload @> '{\"previousStreak\": 1, \"newStreak\": 14}'";
        assert_eq!(app.number(updated).await, 1);
        // The run goes on from there.
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(alice.must_claim("next").await["streakDays"], 15);
    });
}

#[test]
fn may_cost_nothing() {
    test(async |app| {
        app.sql("UPDATE configurations SET body = body || '{\"recoveryCost\": 0}' WHERE section = 'streak'")
            .await;
        let alice = after_a_break(app, 3).await;
        let before = alice.points().await;
        assert_eq!(must_recover(&alice, "1").await["cost"], "0.0000");
        assert_eq!(alice.points().await, before);
    });
}

#[test]
fn asks_to_sign_in_and_for_a_key() {
    test(async |app| {
        assert_eq!(
            recover(&app.anonymous(), "k").await.code(),
            "UNAUTHENTICATED"
        );
        assert_eq!(
            recover(&app.service(&Scope::ALL), "k").await.code(),
            "FORBIDDEN"
        );
        let alice = app.miner().await;
        assert_eq!(alice.ask(RECOVER, json!({})).await.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn refuses_who_has_no_miner() {
    test(async |app| {
        assert_eq!(
            recover(&app.user(), "1").await.refusals(),
            ["MINER_NOT_FOUND"]
        );
    });
}

#[test]
fn refuses_the_suspended_and_the_banned() {
    test(async |app| {
        let alice = after_a_break(app, 7).await;
        let admin = app.person(&[Role::Admin]);
        must(&admin, "minerSuspend", &alice, "1").await;
        assert_eq!(recover(&alice, "1").await.refusals(), ["MINER_SUSPENDED"]);
        app.sql("UPDATE miners SET status = 'BANNED', suspended_at = NULL")
            .await;
        assert_eq!(recover(&alice, "2").await.refusals(), ["MINER_BANNED"]);
    });
}

#[test]
fn refuses_where_nothing_was_lost_or_too_long_ago() {
    test(async |app| {
        let alice = app.miner().await;
        assert_eq!(
            recover(&alice, "1").await.refusals(),
            ["STREAK_NOT_RECOVERABLE"]
        );
        let bob = after_a_break(app, 7).await;
        // Found broken a day before it was claimed; seven days from then are over a minute after six from now.
        app.advance(TimeDelta::days(6) + TimeDelta::minutes(1))
            .await;
        assert_eq!(
            recover(&bob, "1").await.refusals(),
            ["STREAK_NOT_RECOVERABLE"]
        );
    });
}

#[test]
fn refuses_what_would_be_lost_at_once() {
    test(async |app| {
        let alice = decisions::with_streak(app, 7).await;
        app.advance(TimeDelta::days(10)).await;
        // Found broken by a start; a week without a claim then makes the next run late before it has begun.
        alice.start().await;
        app.advance(TimeDelta::days(5)).await;
        assert_eq!(recover(&alice, "1").await.refusals(), ["STREAK_LATE"]);
        alice.must_claim("late").await;
        assert_eq!(must_recover(&alice, "2").await["streakDays"], 8);
    });
}

#[test]
fn refuses_a_frozen_wallet_and_one_with_too_little() {
    test(async |app| {
        let alice = after_a_break(app, 3).await;
        app.sql("UPDATE wallets SET is_frozen = true WHERE owner_kind = 'USER'")
            .await;
        assert_eq!(recover(&alice, "1").await.refusals(), ["WALLET_FROZEN"]);
        app.sql("UPDATE wallets SET is_frozen = false WHERE owner_kind = 'USER'")
            .await;
        let refused = recover(&alice, "2").await;
        assert_eq!(refused.refusals(), ["INSUFFICIENT_POINTS"]);
        let points = alice.points().await;
        let message = &refused.body["data"]["streakRecover"]["userErrors"][0]["message"];
        assert_eq!(message, &json!(format!("there are only {points} points")));
        assert_eq!(
            app.number("SELECT count(*) FROM miners WHERE broken_days = 3")
                .await,
            1
        );
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let alice = after_a_break(app, 7).await;
        let first = must_recover(&alice, "k").await;
        let again = recover(&alice, "k").await;
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["streakRecover"]])
        );
        assert_eq!(again.data()["streakRecover"], first);
        assert_eq!(
            recover(&alice, "other").await.refusals(),
            ["STREAK_NOT_RECOVERABLE"]
        );
    });
}

#[test]
fn of_two_at_once_exactly_one_pays() {
    test(async |app| {
        let alice = after_a_break(app, 8).await;
        let (one, other) = tokio::join!(recover(&alice, "1"), recover(&alice, "2"));
        let mut refusals = [one.refusals(), other.refusals()];
        refusals.sort();
        assert_eq!(refusals, [vec![], vec!["STREAK_NOT_RECOVERABLE"]]);
        let paid = "SELECT count(*) FROM transfers WHERE reason = 'STREAK_RECOVERY'";
        assert_eq!(app.number(paid).await, 1);
    });
}
