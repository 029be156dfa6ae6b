use chrono::TimeDelta;
use domain::access::Role;
use serde_json::json;

use super::decisions::{self, decide, must};
use crate::support::test;

const FIELD: &str = "minerRestore";

#[test]
fn the_time_of_the_suspension_counts_against_nobody() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 3).await;
        alice.start().await;
        app.advance(TimeDelta::hours(30)).await;
        must(&admin, "minerSuspend", &alice, "1").await;
        // Longer than the claim window.
        app.advance(TimeDelta::days(20)).await;
        let restored = must(&admin, FIELD, &alice, "1").await;
        assert_eq!(
            (&restored["status"], &restored["currentStreak"]),
            (&json!("ACTIVE"), &json!(3))
        );
        // Six hours of the day to be on time were over, and of the claim window.
        app.advance(TimeDelta::hours(17)).await;
        let query = "{ viewer { miner { streak { status } session { status } } } }";
        assert_eq!(
            alice.get(query, json!({})).await["viewer"]["miner"],
            json!({"streak": {"status": "ON_TIME"}, "session": {"status": "COMPLETED"}})
        );
        app.advance(TimeDelta::hours(2)).await;
        assert_eq!(
            alice.get(query, json!({})).await["viewer"]["miner"]["streak"]["status"],
            "GRACE"
        );
        assert_eq!(alice.must_claim("late").await["streakDays"], 4);
        let audited = "SELECT count(*) FROM audit_log
            WHERE action = 'mining.miner_restore' AND outcome = 'APPLIED' AND reason = 'a test'
              AND before->>'status' = 'SUSPENDED' AND after->>'status' = 'ACTIVE'
              AND before->'streak'->>'dueAt' < after->'streak'->>'dueAt'";
        assert_eq!(app.number(audited).await, 1);
    });
}

#[test]
fn the_claim_window_is_longer_by_the_suspension_and_no_more() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24 + 100)).await;
        for round in 0..2 {
            must(&admin, "minerSuspend", &alice, &format!("s{round}")).await;
            app.advance(TimeDelta::hours(500)).await;
            must(&admin, FIELD, &alice, &format!("r{round}")).await;
        }
        app.advance(TimeDelta::hours(67)).await;
        let query = "{ viewer { miner { session { status } } } }";
        let seen = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(seen["session"]["status"], "COMPLETED");
        app.advance(TimeDelta::hours(2)).await;
        assert_eq!(alice.claim("late").await.refusals(), ["SESSION_EXPIRED"]);
    });
}

#[test]
fn a_month_with_five_days_of_suspension_keeps_the_streak() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        for day in 0..30 {
            // Once between two sessions, and once in the middle of one.
            if day == 10 {
                must(&admin, "minerSuspend", &alice, "between").await;
                app.advance(TimeDelta::days(5)).await;
                must(&admin, FIELD, &alice, "between").await;
            }
            assert_eq!(alice.start().await["userErrors"], json!([]), "day {day}");
            if day == 20 {
                app.advance(TimeDelta::hours(12)).await;
                must(&admin, "minerSuspend", &alice, "within").await;
                app.advance(TimeDelta::days(5)).await;
                must(&admin, FIELD, &alice, "within").await;
            } else {
                app.advance(TimeDelta::hours(24)).await;
            }
            let paid = alice.must_claim(&day.to_string()).await;
            assert_eq!(paid["streakDays"], day + 1);
        }
        assert_eq!(
            app.number("SELECT count(*) FROM outbox WHERE name = 'StreakBroken'")
                .await,
            0
        );
        assert_eq!(
            app.number("SELECT freeze_tokens::bigint FROM miners WHERE NOT is_grace_period")
                .await,
            3
        );
    });
}

#[test]
fn a_broken_run_can_be_recovered_for_as_long_as_before() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = decisions::with_streak(app, 3).await;
        app.advance(TimeDelta::days(10)).await;
        alice.start().await;
        let query = "{ viewer { miner { streak { recoverableDays } } } }";
        must(&admin, "minerSuspend", &alice, "1").await;
        app.advance(TimeDelta::days(30)).await;
        let recoverable = async || {
            let seen = alice.get(query, json!({})).await["viewer"]["miner"].clone();
            seen["streak"]["recoverableDays"].clone()
        };
        assert_eq!(recoverable().await, 3);
        must(&admin, FIELD, &alice, "1").await;
        app.advance(TimeDelta::days(6)).await;
        assert_eq!(recoverable().await, 3);
        app.advance(TimeDelta::days(2)).await;
        assert_eq!(recoverable().await, json!(null));
    });
}

#[test]
fn refuses_unknown_miners_and_ones_own() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_who_is_not_suspended() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let active = decide(&admin, FIELD, &alice, "1").await;
        assert_eq!(active.refusals(), ["MINER_NOT_SUSPENDED"]);
        app.sql("UPDATE miners SET status = 'BANNED'").await;
        let banned = decide(&admin, FIELD, &alice, "2").await;
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
        app.sql("UPDATE miners SET status = 'SUSPENDED', suspended_at = app_now()")
            .await;
        decisions::replays(app, FIELD, &alice).await;
    });
}
