use chrono::TimeDelta;
use domain::access::Role;
use serde_json::json;

use super::decisions::{self, decide, must};
use crate::support::test;

const FIELD: &str = "minerResetStreak";

#[test]
fn the_streak_is_really_gone() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 7).await;
        let points = alice.points().await;
        let mut socket = alice.socket().await;
        let follow = "subscription { minerUpdated { __typename ... on StreakBroken { lostDays } miner { currentStreak } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        let miner = must(&admin, FIELD, &alice, "1").await;
        assert_eq!(
            (&miner["currentStreak"], &miner["longestStreak"]),
            (&json!(0), &json!(7))
        );
        // What was earned stays; what was lost can't be recovered.
        assert_eq!(miner["streak"]["freezeTokens"], 1);
        assert_eq!(miner["streak"]["recoverableDays"], json!(null));
        assert_eq!(alice.points().await, points);
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "StreakBroken", "lostDays": 7, "miner": {"currentStreak": 0}})
        );
        let updated = "SELECT count(*) FROM outbox WHERE name = 'StreakUpdated'
            AND payload @> '{\"previousStreak\": 7, \"newStreak\": 0}'";
        assert_eq!(app.number(updated).await, 1);
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_reset_streak' AND outcome = 'APPLIED'
            AND (before->'streak'->>'currentStreak')::int = 7 AND (after->'streak'->>'currentStreak')::int = 0";
        assert_eq!(app.number(audited).await, 1);
        // The next run begins at 1, and is paid its milestones anew.
        for day in 1..=7 {
            alice.start().await;
            app.advance(TimeDelta::hours(24)).await;
            let paid = alice.must_claim(&format!("again {day}")).await;
            assert_eq!(paid["streakDays"], day);
            let bonus = if day == 7 { "50.0000" } else { "0.0000" };
            assert_eq!(paid["streakBonus"], bonus);
        }
    });
}

#[test]
fn a_broken_run_can_not_be_recovered_either() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 3).await;
        app.advance(TimeDelta::days(10)).await;
        alice.start().await;
        let broken = "SELECT count(*) FROM miners WHERE broken_days = 3";
        assert_eq!(app.number(broken).await, 1);
        must(&admin, FIELD, &alice, "1").await;
        assert_eq!(app.number(broken).await, 0);
    });
}

#[test]
fn refuses_unknown_miners_and_ones_own() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_the_banned() {
    test(async |app| {
        let alice = app.miner().await;
        app.sql("UPDATE miners SET status = 'BANNED'").await;
        let answer = decide(&app.person(&[Role::Admin]), FIELD, &alice, "1").await;
        assert_eq!(answer.refusals(), ["MINER_BANNED"]);
    });
}

#[test]
fn refuses_without_a_streak() {
    test(async |app| {
        let alice = app.miner().await;
        let answer = decide(&app.person(&[Role::Admin]), FIELD, &alice, "1").await;
        assert_eq!(answer.refusals(), ["STREAK_NOT_FOUND"]);
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
        let alice = decisions::with_streak(app, 1).await;
        decisions::replays(app, FIELD, &alice).await;
    });
}
