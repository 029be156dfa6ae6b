use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::test;

#[test]
fn starts_a_session_at_the_present_rate() {
    test(async |app| {
        let alice = app.miner().await;
        let payload = alice.start().await;
        assert_eq!(payload["userErrors"], json!([]));
        assert_eq!(payload["hourlyRate"], "0.2500");
        assert_eq!(payload["session"]["status"], "ACTIVE");
        assert_eq!(payload["streakDays"], 0);
        let query = "{ viewer { miner { hasActiveSession sessionEndsAt session { accumulatedPoints rate { totalRate } } } } }";
        let miner = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(miner["hasActiveSession"], true);
        assert_eq!(miner["sessionEndsAt"], payload["endsAt"]);
        app.advance(TimeDelta::hours(12)).await;
        let later =
            alice.get(query, json!({})).await["viewer"]["miner"]["session"]["accumulatedPoints"]
                .clone();
        assert!(later.as_str().unwrap().starts_with("3.000"), "{later}");
    });
}

#[test]
fn the_rate_of_a_circle_and_a_referral_is_kept_for_the_session() {
    test(async |app| {
        let alice = app.miner().await;
        let (bob, carol) = (app.miner().await, app.miner().await);
        app.sql(&format!(
            "WITH circle AS (INSERT INTO circles (id, owner_id, name, status, member_count, version, created_at, updated_at)
                 SELECT gen_random_uuid(), id, 'C', 'ACTIVE', 3, 1, app_now(), app_now() FROM miners WHERE user_id = '{}' RETURNING id)
             UPDATE miners SET circle_id = (SELECT id FROM circle), role = 'CONTRIBUTOR';
             INSERT INTO referrals (id, referrer_id, referred_id, referral_code, bonus_bps, status, created_at)
             SELECT gen_random_uuid(), a.id, b.id, a.referral_code, 2500, 'ACTIVE', app_now() FROM miners a, miners b
             WHERE a.user_id = '{}' AND b.user_id IN ('{}', '{}')",
            alice.id(), alice.id(), bob.id(), carol.id()
        ))
        .await;
        // 0.25 × 1.1 × 1.25 × 1.5
        assert_eq!(alice.start().await["hourlyRate"], "0.5156");
        app.sql("UPDATE miners SET circle_id = NULL, role = 'PIONEER'")
            .await;
        let query = "{ viewer { miner { hourlyRate session { hourlyRate rate { circleBonus referralBonus roleMultiplier } } } } }";
        let miner = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(miner["hourlyRate"], "0.3750");
        assert_eq!(miner["session"]["hourlyRate"], "0.5156");
        assert_eq!(
            miner["session"]["rate"],
            json!({"circleBonus": "0.2500", "referralBonus": "0.5000", "roleMultiplier": "0.1000"})
        );
        app.advance(TimeDelta::hours(24)).await;
        let paid = alice.must_claim("1").await;
        assert_eq!(paid["pointsEarned"], "12.3744");
        // What it had been without the two referrals: 0.34375 an hour, half to even.
        assert_eq!(
            app.number("SELECT referral_points FROM mining_sessions")
                .await,
            24 * (5_156 - 3_438)
        );
    });
}

#[test]
fn refuses_who_has_no_miner() {
    test(async |app| assert_eq!(refusal(&app.user().start().await), "MINER_NOT_FOUND"));
}

#[test]
fn refuses_the_suspended_and_the_banned() {
    test(async |app| {
        let alice = app.miner().await;
        app.sql("UPDATE miners SET status = 'SUSPENDED'").await;
        assert_eq!(refusal(&alice.start().await), "MINER_SUSPENDED");
        app.sql("UPDATE miners SET status = 'BANNED'").await;
        assert_eq!(refusal(&alice.start().await), "MINER_BANNED");
    });
}

#[test]
fn refuses_while_mining_is_switched_off() {
    test(async |app| {
        let alice = app.miner().await;
        switch(app, false).await;
        assert_eq!(refusal(&alice.start().await), "MINING_DISABLED");
        switch(app, true).await;
        assert_eq!(alice.start().await["userErrors"], json!([]));
    });
}

/// Stores a version of the configuration that switches mining on or off.
pub async fn switch(app: &crate::support::TestApp, on: bool) {
    app.sql(&format!(
        "INSERT INTO configurations SELECT section, version + 1, body || '{{\"isGloballyEnabled\": {on}}}', app_now(), 'test', 'test'
         FROM configurations WHERE section = 'mining' ORDER BY version DESC LIMIT 1"
    ))
    .await;
}

#[test]
fn refuses_a_second_session() {
    test(async |app| {
        let alice = app.miner().await;
        let started = alice.start().await;
        let refused = alice.start().await;
        assert_eq!(refusal(&refused), "SESSION_ACTIVE");
        assert_eq!(refused["session"], Value::Null);
        assert!(started["endsAt"].is_string());
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(refusal(&alice.start().await), "SESSION_UNCLAIMED");
    });
}

#[test]
fn refuses_more_sessions_than_a_day_allows() {
    test(async |app| {
        let alice = app.miner().await;
        app.sql("UPDATE configurations SET body = body || '{\"sessionDurationHours\": 1}' WHERE section = 'mining'").await;
        // From the first hour of a day, so that all of it happens on one.
        let into_day = app
            .number("SELECT (extract(epoch FROM app_now()) * 1000000)::bigint % 86400000000")
            .await;
        app.advance(TimeDelta::days(1) - TimeDelta::microseconds(into_day))
            .await;
        alice.start().await;
        app.advance(TimeDelta::hours(1)).await;
        alice.must_claim("1").await;
        assert_eq!(refusal(&alice.start().await), "DAILY_SESSION_LIMIT");
        app.advance(TimeDelta::hours(23)).await;
        assert_eq!(alice.start().await["userErrors"], json!([]));
    });
}

#[test]
fn an_expired_session_stands_in_nobodys_way() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24 + 169)).await;
        let query = "{ viewer { miner { session { status } } } }";
        assert_eq!(
            alice.get(query, json!({})).await["viewer"]["miner"]["session"]["status"],
            "EXPIRED"
        );
        assert_eq!(alice.start().await["userErrors"], json!([]));
        assert_eq!(
            app.number("SELECT count(*) FROM mining_sessions WHERE status = 'EXPIRED'")
                .await,
            1
        );
        // The job was not there yet to tell of it, so the start does.
        let told = "SELECT count(*) FROM outbox expired JOIN outbox started USING (subject_id)
            WHERE expired.name = 'MiningSessionExpired' AND started.name = 'MiningSessionStarted'
              AND expired.sequence = started.sequence - 1
              AND (expired.payload->>'endsAt')::timestamptz < app_now() - interval '168 hours'";
        assert_eq!(app.number(told).await, 1);
    });
}

fn refusal(payload: &Value) -> &str {
    payload["userErrors"][0]["code"]
        .as_str()
        .unwrap_or_default()
}
