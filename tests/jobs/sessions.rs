//! The job that completes and expires sessions.

use chrono::TimeDelta;
use db::mining::session::settle::{Place, sessions_settle};
use serde_json::json;

use crate::support::lock::Lock;
use crate::support::{Miner, TestApp, assert_includes, number, test};

/// Runs the job's batches to the end; returns the number of sessions it completed and expired.
pub async fn settle(app: &TestApp) -> (usize, usize) {
    let (mut completed, mut expired, mut next) = (0, 0, Some(Place::START));
    for _ in 0..100 {
        let Some(from) = next else {
            return (completed, expired);
        };
        let settle = async move |tx: &mut db::Tx| sessions_settle(tx, from).await;
        let batch = app
            .db
            .write("mining.sessions_settle", settle)
            .await
            .unwrap();
        completed += batch.completed;
        expired += batch.expired;
        next = batch.next;
    }
    panic!("the job does not come to an end");
}

/// Runs the job's batches while a miner is locked.
async fn settle_past(app: &TestApp, locked: &Miner) -> (usize, usize) {
    let lock = Lock::on_miners(app, &format!("id = '{}'", locked.uuid)).await;
    let settled = settle(app).await;
    lock.release().await;
    settled
}

#[test]
fn completes_and_expires_sessions_in_time() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await.ok();
        let selection = "__typename sequence miner { session { status } }
            ... on MiningSessionCompleted { session { endsAt } } ... on MiningSessionExpired { session { endsAt } }";
        let mut events = app.follow(&alice, selection).await;
        assert_eq!(settle(app).await, (0, 0));
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(settle(app).await, (1, 0));
        assert_eq!(settle(app).await, (0, 0));
        let completed = events.next().await;
        assert_includes(
            &completed,
            &json!({"__typename": "MiningSessionCompleted", "miner": {"session": {"status": "COMPLETED"}}}),
        );
        app.advance(TimeDelta::hours(167)).await;
        assert_eq!(settle(app).await, (0, 0));
        app.advance(TimeDelta::hours(1)).await;
        assert_eq!(settle(app).await, (0, 1));
        let expired = events.next().await;
        assert_eq!(expired["__typename"], "MiningSessionExpired");
        assert_eq!(expired["session"], completed["session"]);
        assert!(number(&expired["sequence"]) > number(&completed["sequence"]));
        alice.claim().await.refused("SESSION_EXPIRED", None);
    });
}

#[test]
fn expires_at_once_after_a_long_outage() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await.ok();
        app.advance(TimeDelta::days(30)).await;
        assert_eq!(settle(app).await, (0, 1));
        alice.start().await.ok();
    });
}

#[test]
fn extends_the_window_by_a_suspension() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().ready().await;
        admin.suspend(&alice).await.ok();
        app.advance(TimeDelta::days(30)).await;
        assert_eq!(settle(app).await, (1, 0));
        admin.restore(&alice).await.ok();
        app.advance(TimeDelta::days(6)).await;
        assert_eq!(settle(app).await, (0, 0));
        alice.claim().await.ok();
    });
}

/// An unclaimed session does not extend a streak, whether the job or the next start expires it.
#[test]
fn restores_the_due_time_of_an_unclaimed_session() {
    test(async |app| {
        let [alice, bob]: [Miner; 2] = app.miners().await;
        for _ in 0..2 {
            app.mine(&[&alice, &bob]).await;
            for miner in [&alice, &bob] {
                miner.claim().await.ok();
            }
        }
        app.configure("mining", &json!({"claimWindowHours": 12}))
            .await;
        let streak = async |who: &Miner| {
            let miner = who.own_miner("streak { streakDays dueAt }").await;
            miner["streak"].clone()
        };
        let due = streak(&alice).await["dueAt"].clone();
        for miner in [&alice, &bob] {
            miner.start().await.ok();
        }
        assert_ne!(streak(&alice).await["dueAt"], due);
        app.advance(TimeDelta::hours(37)).await;
        assert_eq!(settle_past(app, &bob).await, (0, 1));
        assert_eq!(streak(&alice).await, json!({"streakDays": 2, "dueAt": due}));
        for miner in [&alice, &bob] {
            assert_eq!(
                miner.start().await.ok()["session"]["miner"]["streak"]["streakDays"],
                2
            );
        }
        // More than a day later, without another claim.
        app.advance(TimeDelta::hours(37)).await;
        assert_eq!(settle_past(app, &bob).await, (0, 1));
        for miner in [&alice, &bob] {
            assert_eq!(
                miner.start().await.ok()["session"]["miner"]["streak"]["streakDays"],
                0
            );
        }
    });
}

#[test]
fn locks_no_miner_without_a_change() {
    test(async |app| {
        let _alice = app.miner().ready().await;
        assert_eq!(settle(app).await, (1, 0));
        // A row's xmax is the last transaction that locked it.
        let locked = "SELECT m.xmax::text::bigint + s.xmax::text::bigint FROM miners m JOIN mining_sessions s ON s.user_id = m.user_id";
        let before = app.number(locked).await;
        app.switch_mining(false).await;
        app.advance(TimeDelta::days(30)).await;
        assert_eq!(settle(app).await, (0, 0));
        app.switch_mining(true).await;
        assert_eq!(settle(app).await, (0, 0));
        app.advance(TimeDelta::hours(167)).await;
        assert_eq!(settle(app).await, (0, 0));
        assert_eq!(app.number(locked).await, before);
        app.advance(TimeDelta::hours(2)).await;
        assert_eq!(settle(app).await, (0, 1));
    });
}

#[test]
fn settles_hundreds_in_batches_past_locked_miners() {
    test(async |app| {
        app.sql(
            "INSERT INTO users (id, display_name, display_name_folded, registered_at) SELECT gen_random_uuid(), 'X', 'x', app_now() FROM generate_series(1, 450);
             INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, freeze_tokens, is_grace_period,
                                 milestones_paid, referral_code, version, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'PIONEER', 'ACTIVE', 0, 0, 0, 0, false, '{}',
                    translate(lpad(row_number() OVER ()::text, 8, 'A'), '01', 'YZ'), 1, app_now(), app_now() FROM users;
             INSERT INTO mining_sessions (id, user_id, status, started_at, ends_at, claim_window_hours, base_rate, role_bonus_bps,
                                          circle_bonus_bps, referral_bonus_bps, streak_bonus_bps, hourly_rate, started_in_grace, configuration_version)
             SELECT gen_random_uuid(), user_id, 'ACTIVE', app_now() - interval '25 hours', app_now() - interval '1 hour', 168, 2500, 0, 0, 0, 0, 2500, false, 1
             FROM miners;",
        )
        .await;
        let first = "id IN (SELECT id FROM miners ORDER BY id LIMIT 50)";
        let lock = Lock::on_miners(app, first).await;
        assert_eq!(settle(app).await, (400, 0));
        lock.release().await;
        // Two runs at once complete each session once.
        let (one, other) = tokio::join!(settle(app), settle(app));
        let rest = if one.0 + other.0 == 50 {
            0
        } else {
            settle(app).await.0
        };
        assert_eq!(one.0 + other.0 + rest, 50);
        let events = app.all_events().await;
        let miners: std::collections::HashSet<_> =
            events.iter().map(|event| &event.subject_id).collect();
        assert_eq!((events.len(), miners.len()), (450, 450));
        assert!(
            events
                .iter()
                .all(|event| event.name == "MiningSessionCompleted")
        );
    });
}
