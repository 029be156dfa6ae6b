use chrono::TimeDelta;
use serde_json::{Value, json};

use super::decisions;
use crate::support::{assert_includes, test};

const FIELD: &str = "minerRestore";

#[test]
fn excludes_the_suspension_from_deadlines() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().streak(3).await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(30)).await;
        admin.suspend(&alice).await.ok();
        // Longer than the claim window.
        app.advance(TimeDelta::days(20)).await;
        let restored = admin.restore(&alice).await.ok();
        assert_includes(
            &restored["miner"],
            &json!({"status": "ACTIVE", "streak": {"streakDays": 3}}),
        );
        // Six hours of the day to be on time, and of the claim window, had passed before the suspension.
        app.advance(TimeDelta::hours(17)).await;
        assert_eq!(
            alice
                .own_miner("streak { status } session { status }")
                .await,
            json!({"streak": {"status": "ON_TIME"}, "session": {"status": "COMPLETED"}})
        );
        app.advance(TimeDelta::hours(2)).await;
        assert_eq!(
            alice.own_miner("streak { status }").await,
            json!({"streak": {"status": "GRACE"}})
        );
        assert_eq!(alice.claim().await.ok()["miner"]["streak"]["streakDays"], 4);
        let audited = app.audited("mining.miner_restore").await;
        assert_eq!(audited.len(), 1);
        let entry = &audited[0];
        assert_eq!(entry.outcome, "APPLIED");
        assert_eq!(entry.reason.as_deref(), Some("a test"));
        assert_eq!(entry.before["status"], "SUSPENDED");
        assert_eq!(entry.after["status"], "ACTIVE");
        let due = |miner: &Value| miner["streak"]["dueAt"].as_str().unwrap().to_owned();
        assert!(due(&entry.before) < due(&entry.after));
    });
}

#[test]
fn extends_the_claim_window_by_the_suspension() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(24 + 100)).await;
        for _ in 0..2 {
            admin.suspend(&alice).await.ok();
            app.advance(TimeDelta::hours(500)).await;
            admin.restore(&alice).await.ok();
        }
        app.advance(TimeDelta::hours(67)).await;
        assert_eq!(
            alice.own_miner("session { status }").await,
            json!({"session": {"status": "COMPLETED"}})
        );
        app.advance(TimeDelta::hours(2)).await;
        alice.claim().await.refused("SESSION_EXPIRED", None);
    });
}

#[test]
fn keeps_the_streak_over_a_month_with_two_suspensions() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        for day in 0..30 {
            // Once between two sessions, and once within one.
            if day == 10 {
                admin.suspend(&alice).await.ok();
                app.advance(TimeDelta::days(5)).await;
                admin.restore(&alice).await.ok();
            }
            alice.start().await.ok();
            if day == 20 {
                app.advance(TimeDelta::hours(12)).await;
                admin.suspend(&alice).await.ok();
                app.advance(TimeDelta::days(5)).await;
                admin.restore(&alice).await.ok();
            } else {
                app.advance(TimeDelta::hours(24)).await;
            }
            assert_eq!(
                alice.claim().await.ok()["miner"]["streak"]["streakDays"],
                day + 1
            );
        }
        assert!(app.events("StreakBroken").await.is_empty());
        assert_includes(
            &app.row_of(&alice).await,
            &json!({"freeze_tokens": 3, "is_grace_period": false}),
        );
    });
}

#[test]
fn excludes_the_suspension_from_the_recovery_window() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().streak(3).await;
        app.advance(TimeDelta::days(10)).await;
        alice.start().await.ok();
        admin.suspend(&alice).await.ok();
        app.advance(TimeDelta::days(30)).await;
        let recoverable = async || {
            let miner = alice.own_miner("streak { recoverableDays }").await;
            miner["streak"]["recoverableDays"].clone()
        };
        assert_eq!(recoverable().await, 3);
        admin.restore(&alice).await.ok();
        app.advance(TimeDelta::days(6)).await;
        assert_eq!(recoverable().await, 3);
        app.advance(TimeDelta::days(2)).await;
        assert_eq!(recoverable().await, Value::Null);
    });
}

#[test]
fn refuses_unknown_and_own_miners() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_active_and_banned_miners() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let outcome = admin.restore(&alice).await;
        outcome.refused("MINER_NOT_SUSPENDED", None);
        app.set_status(&alice, "BANNED").await;
        admin.restore(&alice).await.refused("MINER_BANNED", None);
    });
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| decisions::rejects_ids_of_other_types(app, FIELD).await);
}
