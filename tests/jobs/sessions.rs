//! What time makes of sessions is written down, whoever else is busy with them.

use chrono::TimeDelta;
use db::mining::commands::{Place, sessions_settle};
use serde_json::json;

use crate::api::mining::mining_session_start::switch;
use crate::support::{Actor, TestApp, test};

/// Runs the job's batches to the end; answers how many sessions it completed and expired.
async fn settle(app: &TestApp) -> (usize, usize) {
    let (mut completed, mut expired, mut next) = (0, 0, Some(Place::START));
    while let Some(from) = next {
        let batch = app
            .db
            .write("mining.sessions_settle", async move |tx| {
                sessions_settle(tx, from).await
            })
            .await
            .unwrap();
        completed += batch.completed;
        expired += batch.expired;
        next = batch.next;
    }
    (completed, expired)
}

/// Runs the job's batches while somebody is busy.
async fn settle_past(app: &TestApp, busy: &Actor) -> (usize, usize) {
    let (client, connection) = tokio_postgres::connect(&app.database_url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let hold = format!(
        "BEGIN; SELECT FROM miners WHERE user_id = '{}' FOR NO KEY UPDATE",
        busy.id()
    );
    client.batch_execute(&hold).await.unwrap();
    let settled = settle(app).await;
    client.batch_execute("COMMIT").await.unwrap();
    settled
}

#[test]
fn a_session_is_complete_at_its_end_and_expired_after_its_window() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await;
        let mut socket = alice.socket().await;
        let follow =
            "subscription { minerUpdated { __typename sequence miner { session { status } }
            ... on MiningSessionCompleted { endedAt } ... on MiningSessionExpired { endedAt } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        assert_eq!(settle(app).await, (0, 0));
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(settle(app).await, (1, 0));
        assert_eq!(settle(app).await, (0, 0));
        let told = socket.event("1").await["minerUpdated"].clone();
        assert_eq!(
            (&told["__typename"], &told["miner"]["session"]["status"]),
            (&json!("MiningSessionCompleted"), &json!("COMPLETED"))
        );
        app.advance(TimeDelta::hours(167)).await;
        assert_eq!(settle(app).await, (0, 0));
        app.advance(TimeDelta::hours(1)).await;
        assert_eq!(settle(app).await, (0, 1));
        let later = socket.event("1").await["minerUpdated"].clone();
        assert_eq!(later["__typename"], "MiningSessionExpired");
        assert_eq!(later["endedAt"], told["endedAt"]);
        assert!(later["sequence"].as_i64() > told["sequence"].as_i64());
        assert_eq!(alice.claim("late").await.refusals(), ["SESSION_EXPIRED"]);
    });
}

#[test]
fn what_waits_longer_than_the_job_was_away_expires_at_once() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::days(30)).await;
        assert_eq!(settle(app).await, (0, 1));
        assert_eq!(alice.start().await["userErrors"], json!([]));
    });
}

#[test]
fn a_suspended_miners_window_stands_still() {
    test(async |app| {
        let admin = app.person(&[domain::access::Role::Admin]);
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        let by = json!({"userId": alice.id().to_string()});
        let of = |field: &str| {
            let name = format!("{}{}", field[..1].to_uppercase(), &field[1..]);
            format!(
                "mutation ($input: {name}Input!) {{ {field}(input: $input) {{ userErrors {{ code }} }} }}"
            )
        };
        let input = json!({"input": {"miner": by, "reason": "r"}});
        admin.get(&of("minerSuspend"), input.clone()).await;
        app.advance(TimeDelta::days(30)).await;
        assert_eq!(settle(app).await, (1, 0));
        admin.get(&of("minerRestore"), input).await;
        app.advance(TimeDelta::days(6)).await;
        assert_eq!(settle(app).await, (0, 0));
        alice.must_claim("in time").await;
    });
}

/// As far as lateness goes, there was no such session, whether the job or the next start finds it.
#[test]
fn a_session_that_is_not_claimed_holds_no_streak() {
    test(async |app| {
        let (alice, bob) = (app.miner().await, app.miner().await);
        for day in 0..2 {
            for miner in [&alice, &bob] {
                miner.start().await;
            }
            app.advance(TimeDelta::hours(24)).await;
            for miner in [&alice, &bob] {
                miner.must_claim(&format!("day {day}")).await;
            }
        }
        app.sql(
            "INSERT INTO configurations SELECT section, version + 1, body || '{\"claimWindowHours\": 12}', app_now(), 'test', 'test'
             FROM configurations WHERE section = 'mining'",
        )
        .await;
        let streak = "{ viewer { miner { streak { currentStreak dueAt } } } }";
        let seen = async |who: &Actor| {
            who.get(streak, json!({})).await["viewer"]["miner"]["streak"].clone()
        };
        let due = seen(&alice).await["dueAt"].clone();
        for miner in [&alice, &bob] {
            miner.start().await;
        }
        assert_ne!(seen(&alice).await["dueAt"], due);
        app.advance(TimeDelta::hours(37)).await;
        // What was due after the claim is due again.
        assert_eq!(settle_past(app, &bob).await, (0, 1));
        assert_eq!(
            seen(&alice).await,
            json!({"currentStreak": 2, "dueAt": due})
        );
        for miner in [&alice, &bob] {
            assert_eq!(miner.start().await["streakDays"], 2);
        }
        // More than a day after that, without a claim since.
        app.advance(TimeDelta::hours(37)).await;
        assert_eq!(settle_past(app, &bob).await, (0, 1));
        for miner in [&alice, &bob] {
            assert_eq!(miner.start().await["streakDays"], 0);
        }
    });
}

/// Locking somebody for nothing would keep them waiting.
#[test]
fn nobody_is_locked_whose_time_stands_still_or_was_made_longer() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(settle(app).await, (1, 0));
        // A row says who locked it last.
        let locked = "SELECT m.xmax::text::bigint + s.xmax::text::bigint FROM miners m JOIN mining_sessions s ON s.miner_id = m.id";
        let before = app.number(locked).await;
        switch(app, false).await;
        app.advance(TimeDelta::days(30)).await;
        assert_eq!(settle(app).await, (0, 0));
        switch(app, true).await;
        assert_eq!(settle(app).await, (0, 0));
        app.advance(TimeDelta::hours(167)).await;
        assert_eq!(settle(app).await, (0, 0));
        assert_eq!(app.number(locked).await, before);
        app.advance(TimeDelta::hours(2)).await;
        assert_eq!(settle(app).await, (0, 1));
    });
}

#[test]
fn hundreds_are_settled_in_batches_past_those_who_are_busy() {
    test(async |app| {
        app.sql(
            "INSERT INTO users (id, display_name, registered_at) SELECT gen_random_uuid(), 'X', app_now() FROM generate_series(1, 450);
             INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak, freeze_tokens, is_grace_period,
                                 milestones_paid, referral_code, version, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'PIONEER', 'ACTIVE', 0, 0, 0, 0, false, '{}',
                    translate(lpad(row_number() OVER ()::text, 8, 'A'), '01', 'YZ'), 1, app_now(), app_now() FROM users;
             INSERT INTO mining_sessions (id, miner_id, status, started_at, ends_at, claim_window_hours, base_rate, role_bonus_bps,
                                          circle_bonus_bps, referral_bonus_bps, streak_bonus_bps, hourly_rate, started_in_grace, configuration_version)
             SELECT gen_random_uuid(), id, 'ACTIVE', app_now() - interval '25 hours', app_now() - interval '1 hour', 168, 2500, 0, 0, 0, 0, 2500, false, 1
             FROM miners;",
        )
        .await;
        let (client, connection) =
            tokio_postgres::connect(&app.database_url, tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let hold = "BEGIN; SELECT id FROM miners ORDER BY id LIMIT 50 FOR NO KEY UPDATE";
        client.batch_execute(hold).await.unwrap();
        assert_eq!(settle(app).await, (400, 0));
        client.batch_execute("COMMIT").await.unwrap();
        // Two at once do each once.
        let (one, other) = tokio::join!(settle(app), settle(app));
        let rest = if one.0 + other.0 == 50 {
            0
        } else {
            settle(app).await.0
        };
        assert_eq!(one.0 + other.0 + rest, 50);
        let told =
            "SELECT count(DISTINCT subject_id) FROM outbox WHERE name = 'MiningSessionCompleted'";
        assert_eq!(app.number(told).await, 450);
        assert_eq!(app.number("SELECT count(*) FROM outbox").await, 450);
    });
}
