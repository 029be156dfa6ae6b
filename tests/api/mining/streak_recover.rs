use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::json;

use super::standing::refuses_inactive;
use crate::support::{Actor, Miner, TestApp, assert_includes, at_once, test};

/// A miner with a broken run of some days who has claimed once since.
async fn after_a_break(app: &TestApp, days: u32) -> Miner {
    let alice = app.miner().streak(days).await;
    app.advance(TimeDelta::days(10)).await;
    app.mine(&[&alice]).await;
    assert_eq!(alice.claim().await.ok()["miner"]["streak"]["streakDays"], 1);
    alice
}

async fn points(who: &Actor) -> Decimal {
    who.points().await.parse().unwrap()
}

#[test]
fn adds_the_broken_run_for_its_price() {
    test(async |app| {
        let alice = after_a_break(app, 13).await;
        let before = points(&alice).await;
        let selection = "__typename miner { streak { streakDays } }
            ... on StreakRecovered { recoveredDays streakDays }
            ... on StreakMilestoneReached { milestonePoints days: streakDays }";
        let mut events = app.follow(&alice, selection).await;
        let done = alice.recover().await.ok();
        // The run reaches its fourteenth day; the milestone of the seventh was paid before. There is one freeze token
        // for each of both.
        assert_includes(
            &done,
            &json!({
                "recoveredDays": 13, "milestonePoints": "100.0000",
                "entry": {"source": "STREAK_RECOVERY", "pointsEarned": "-50.0000", "streakDays": 14},
                "miner": {"streak": {
                    "streakDays": 14, "longestStreakDays": 14, "recoverableDays": null, "freezeTokens": 2}},
            }),
        );
        assert_eq!(points(&alice).await - before, Decimal::from(50));
        assert_eq!(
            events.next().await,
            json!({"__typename": "StreakRecovered", "recoveredDays": 13, "streakDays": 14,
                   "miner": {"streak": {"streakDays": 14}}})
        );
        assert_eq!(
            events.next().await,
            json!({"__typename": "StreakMilestoneReached", "days": 14, "milestonePoints": "100.0000",
                   "miner": {"streak": {"streakDays": 14}}})
        );
        let history = "history(first: 2) { nodes { source pointsEarned streakDays } }";
        let history = alice.own_miner(history).await["history"]["nodes"].clone();
        for (points, source) in [
            ("-50.0000", "STREAK_RECOVERY"),
            ("100.0000", "STREAK_MILESTONE"),
        ] {
            let line = json!({"source": source, "pointsEarned": points, "streakDays": 14});
            assert!(history.as_array().unwrap().contains(&line), "{history}");
        }
        // Spending does not reduce lifetime points.
        let mined = "lifetime_points = (SELECT sum(points) FROM mining_history h
            WHERE h.user_id = miners.user_id AND source <> 'STREAK_RECOVERY')";
        assert_eq!(app.count("miners", mined).await, 1);
        let updated = app.events("StreakUpdated").await;
        let change = json!({"previousStreak": 1, "newStreak": 14});
        assert_includes(&updated.last().unwrap().payload, &change);
        // The run goes on from there.
        app.mine(&[&alice]).await;
        assert_eq!(
            alice.claim().await.ok()["miner"]["streak"]["streakDays"],
            15
        );
    });
}

#[test]
fn costs_nothing_when_the_price_is_zero() {
    test(async |app| {
        app.configure("streak", &json!({"recoveryCost": 0})).await;
        let alice = after_a_break(app, 3).await;
        let before = alice.points().await;
        let done = alice.recover().await.ok();
        assert_eq!(done["recoveredDays"], 3);
        assert_eq!(alice.points().await, before);
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| refuses_inactive(app, Actor::recover, None).await);
}

#[test]
fn refuses_without_a_broken_run() {
    test(async |app| {
        let outcome = app.miner().await.recover().await;
        outcome.refused("STREAK_NOT_RECOVERABLE", None);
    });
}

#[test]
fn refuses_a_run_broken_over_seven_days_ago() {
    test(async |app| {
        let alice = after_a_break(app, 7).await;
        // The run was found broken a day before the claim.
        app.advance(TimeDelta::days(6) + TimeDelta::minutes(1))
            .await;
        let outcome = alice.recover().await;
        outcome.refused("STREAK_NOT_RECOVERABLE", None);
    });
}

#[test]
fn refuses_a_run_that_would_be_late_at_once() {
    test(async |app| {
        let alice = app.miner().streak(7).await;
        app.advance(TimeDelta::days(10)).await;
        // Found broken by the start; five days without a claim make the next run late before it begins.
        alice.start().await.ok();
        app.advance(TimeDelta::days(5)).await;
        alice.recover().await.refused("STREAK_LATE", None);
        alice.claim().await.ok();
        assert_eq!(
            alice.recover().await.ok()["miner"]["streak"]["streakDays"],
            8
        );
    });
}

#[test]
fn refuses_a_frozen_wallet_and_too_few_points() {
    test(async |app| {
        let alice = after_a_break(app, 3).await;
        app.freeze_users(true).await;
        alice.recover().await.refused("WALLET_FROZEN", None);
        app.freeze_users(false).await;
        let error = alice.recover().await.refused("INSUFFICIENT_POINTS", None);
        let points = alice.points().await;
        assert_eq!(
            error["message"],
            format!("only {points} points are available")
        );
        assert_eq!(error["availablePoints"], points);
        assert_eq!(app.row_of(&alice).await["broken_days"], 3);
    });
}

#[test]
fn refuses_a_second_recovery() {
    test(async |app| {
        let alice = after_a_break(app, 7).await;
        alice.recover().await.ok();
        let outcome = alice.recover().await;
        outcome.refused("STREAK_NOT_RECOVERABLE", None);
    });
}

#[test]
fn recovers_once_of_two_at_once() {
    test(async |app| {
        let alice = after_a_break(app, 8).await;
        let recovered = at_once([alice.recover(), alice.recover()]).await;
        recovered.one_applied("STREAK_NOT_RECOVERABLE");
        assert_eq!(app.transfers("STREAK_RECOVERY").await.len(), 1);
    });
}
