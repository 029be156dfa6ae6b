use chrono::TimeDelta;
use serde_json::{Value, json};

use super::decisions;
use crate::support::{assert_includes, test};

const FIELD: &str = "minerStreakReset";

#[test]
fn sets_the_streak_to_zero_for_good() {
    test(async |app| {
        let alice = app.miner().streak(7).await;
        let points = alice.points().await;
        let selection =
            "__typename ... on StreakBroken { lostDays } miner { streak { streakDays } }";
        let mut events = app.follow(&alice, selection).await;
        let reset = app.admin().reset_streak(&alice).await.ok();
        // Freeze tokens and points stay; the lost run can't be recovered.
        assert_includes(
            &reset["miner"],
            &json!({"streak": {"streakDays": 0, "longestStreakDays": 7, "freezeTokens": 1, "recoverableDays": null}}),
        );
        assert_eq!(alice.points().await, points);
        assert_eq!(
            events.next().await,
            json!({"__typename": "StreakBroken", "lostDays": 7, "miner": {"streak": {"streakDays": 0}}})
        );
        let updated = app.events("StreakUpdated").await;
        let change = json!({"previousStreak": 7, "newStreak": 0});
        assert_includes(&updated.last().unwrap().payload, &change);
        let audited = app.audited("mining.miner_streak_reset").await;
        assert_eq!(audited.len(), 1);
        assert_eq!(audited[0].outcome, "APPLIED");
        assert_eq!(audited[0].before["streak"]["streakDays"], 7);
        assert_eq!(audited[0].after["streak"]["streakDays"], 0);
        // The next run begins at 1 and is paid its milestones again.
        for day in 1..=7 {
            app.mine(&[&alice]).await;
            let bonus = if day == 7 { "50.0000" } else { "0.0000" };
            let paid = alice.claim().await.ok();
            assert_includes(
                &paid,
                &json!({"milestonePoints": bonus, "miner": {"streak": {"streakDays": day}}}),
            );
        }
    });
}

#[test]
fn discards_a_broken_run() {
    test(async |app| {
        let alice = app.miner().streak(3).await;
        app.advance(TimeDelta::days(10)).await;
        alice.start().await.ok();
        assert_eq!(app.row_of(&alice).await["broken_days"], 3);
        app.admin().reset_streak(&alice).await.ok();
        assert_eq!(app.row_of(&alice).await["broken_days"], Value::Null);
    });
}

#[test]
fn refuses_unknown_and_own_miners() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_banned_miners() {
    test(async |app| {
        let alice = app.miner().await;
        app.set_status(&alice, "BANNED").await;
        let outcome = app.admin().reset_streak(&alice).await;
        outcome.refused("MINER_BANNED", None);
    });
}

#[test]
fn refuses_miners_without_a_streak() {
    test(async |app| {
        let alice = app.miner().await;
        let outcome = app.admin().reset_streak(&alice).await;
        outcome.refused("STREAK_NOT_FOUND", None);
    });
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| decisions::rejects_ids_of_other_types(app, FIELD).await);
}
