use chrono::TimeDelta;
use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::{Actor, assert_includes, test};

#[test]
fn starts_a_session_at_the_present_rate() {
    test(async |app| {
        let alice = app.miner().await;
        let payload = alice.start().await.ok();
        assert_includes(
            &payload,
            &json!({"session": {
                "status": "ACTIVE", "rate": {"hourlyRate": "0.2500"}, "miner": {"streak": {"streakDays": 0}}}}),
        );
        let miner = alice
            .own_miner("session { status endsAt accumulatedPoints }")
            .await;
        assert_eq!(miner["session"]["status"], "ACTIVE");
        assert_eq!(miner["session"]["endsAt"], payload["session"]["endsAt"]);
        app.advance(TimeDelta::hours(12)).await;
        let later = alice
            .own_miner("session { accumulatedPoints rate { hourlyRate } }")
            .await;
        let points = later["session"]["accumulatedPoints"].as_str().unwrap();
        assert!(points.starts_with("3.000"), "{later}");
        assert_eq!(later["session"]["rate"]["hourlyRate"], "0.2500");
    });
}

#[test]
fn fixes_the_rate_for_the_session() {
    test(async |app| {
        let [alice, bob, _carol] = app.circle().await;
        for _ in 0..2 {
            app.miner().verified().referred_by(&alice).await;
        }
        // 0.25 × 1.1 × 1.25 × 1.5
        assert_eq!(
            alice.start().await.ok()["session"]["rate"]["hourlyRate"],
            "0.5156"
        );
        alice.remove(&bob).await.ok();
        let miner = alice
            .own_miner(
                "rate { hourlyRate } session { rate { hourlyRate circleBonusRate referralBonusRate roleBonusRate } }",
            )
            .await;
        assert_eq!(
            miner,
            json!({"rate": {"hourlyRate": "0.3750"}, "session": {"rate": {
                "hourlyRate": "0.5156", "circleBonusRate": "0.2500", "referralBonusRate": "0.5000", "roleBonusRate": "0.1000"}}})
        );
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(alice.claim().await.ok()["pointsEarned"], "12.3744");
        // Without the two referrals: 0.34375 an hour, rounded half to even.
        let session = app.row("mining_sessions", "true").await;
        assert_eq!(session["referral_points"], 24 * (5_156 - 3_438));
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| refuses_inactive(app, Actor::start, None).await);
}

#[test]
fn refuses_while_mining_is_off() {
    test(async |app| {
        let alice = app.miner().await;
        app.switch_mining(false).await;
        alice.start().await.refused("MINING_DISABLED", None);
        app.switch_mining(true).await;
        alice.start().await.ok();
    });
}

#[test]
fn refuses_a_second_session() {
    test(async |app| {
        let alice = app.miner().await;
        let started = alice.start().await.ok();
        let refused = alice.start().await;
        refused.refused("SESSION_ACTIVE", None);
        assert_eq!(refused.field("session"), &Value::Null);
        assert_eq!(
            refused.refused("SESSION_ACTIVE", None)["retryAt"],
            started["session"]["endsAt"]
        );
        app.advance(TimeDelta::hours(24)).await;
        alice.start().await.refused("SESSION_UNCLAIMED", None);
    });
}

#[test]
fn refuses_more_sessions_than_a_day_allows() {
    test(async |app| {
        let alice = app.miner().await;
        app.configure("mining", &json!({"sessionDurationHours": 1}))
            .await;
        // The test begins in the first hour of a day, so that its first part stays within that day.
        let into_day = app
            .number("SELECT (extract(epoch FROM app_now()) * 1000000)::bigint % 86400000000")
            .await;
        app.advance(TimeDelta::days(1) - TimeDelta::microseconds(into_day))
            .await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(1)).await;
        alice.claim().await.ok();
        let error = alice.start().await.refused("DAILY_SESSION_LIMIT", None);
        assert_eq!(error["limit"], 1);
        assert!(error["retryAt"].as_str().unwrap().ends_with("T00:00:00Z"));
        app.advance(TimeDelta::hours(23)).await;
        alice.start().await.ok();
    });
}

#[test]
fn starts_after_an_expired_session() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(24 + 169)).await;
        assert_eq!(
            alice.own_miner("session { status }").await,
            json!({"session": {"status": "EXPIRED"}})
        );
        alice.start().await.ok();
        let expired = app.count("mining_sessions", "status = 'EXPIRED'").await;
        assert_eq!(expired, 1);
        // The start writes the event that the job has not written yet.
        let expired = app.events("MiningSessionExpired").await;
        let started = app.events("MiningSessionStarted").await;
        assert_eq!((expired.len(), started.len()), (1, 2));
        assert_eq!(expired[0].sequence + 1, started[1].sequence);
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
        let ended = at(expired[0].payload["endsAt"].as_str().unwrap());
        assert!(at(&expired[0].occurred_at) - ended > TimeDelta::hours(168));
    });
}
