use chrono::TimeDelta;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};

use super::mining_session_start::switch;
use crate::support::{Actor, TestApp, test};

/// A miner whose session is complete.
async fn ready(app: &TestApp) -> Actor {
    let alice = app.miner().await;
    alice.start().await;
    app.advance(TimeDelta::hours(24)).await;
    alice
}

#[test]
fn pays_the_reward_into_the_wallet() {
    test(async |app| {
        let alice = ready(app).await;
        assert_eq!(alice.points().await, "0.0000");
        let paid = alice.must_claim("1").await;
        assert_eq!(paid["pointsEarned"], "6.0000");
        assert_eq!(paid["streakBonus"], "0.0000");
        assert_eq!(paid["totalPoints"], "6.0000");
        assert_eq!(paid["streakDays"], 1);
        assert_eq!(
            paid["session"],
            json!({"status": "CLAIMED", "pointsEarned": "6.0000", "streakBonus": "0.0000"})
        );
        assert_eq!(alice.points().await, "6.0000");
        let query = "{ viewer { miner {
            history(first: 5) { totalCount nodes { pointsEarned source streakDays } }
            wallet { entries(first: 5) { totalCount nodes { entryType reason amount { amount currency } balanceAfter { amount } reference { referenceType } } } }
        } } }";
        let miner = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(
            miner["history"],
            json!({"totalCount": 1, "nodes": [{"pointsEarned": "6.0000", "source": "SESSION", "streakDays": 1}]})
        );
        assert_eq!(
            miner["wallet"]["entries"],
            json!({"totalCount": 1, "nodes": [{
                "entryType": "CREDIT", "reason": "MINING_REWARD", "amount": {"amount": "6.0000", "currency": "MP"},
                "balanceAfter": {"amount": "6.0000"}, "reference": {"referenceType": "mining_session"},
            }]})
        );
    });
}

#[test]
fn pays_each_milestone_of_a_streak_once() {
    test(async |app| {
        let alice = app.miner().await;
        let mut bonuses = Vec::new();
        for day in 0..14 {
            assert_eq!(alice.start().await["userErrors"], json!([]), "day {day}");
            app.advance(TimeDelta::hours(24)).await;
            let paid = alice.must_claim(&day.to_string()).await;
            assert_eq!(paid["streakDays"], day + 1);
            if paid["streakBonus"] != "0.0000" {
                bonuses.push((day + 1, paid["streakBonus"].clone()));
            }
        }
        assert_eq!(bonuses, [(7, json!("50.0000")), (14, json!("100.0000"))]);
        let query = "{ viewer { miner { totalMinedPoints streak { currentStreak freezeTokens badge bonusMultiplier status } } } }";
        let miner = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        // Sessions start with the streak of the day before: 3 at the base rate, 4 at +10 %, 7 at +25 %, and two milestones.
        assert_eq!(miner["totalMinedPoints"], "246.9000");
        assert_eq!(alice.points().await, "246.9000");
        assert_eq!(
            miner["streak"],
            json!({"currentStreak": 14, "freezeTokens": 2, "badge": "14-day", "bonusMultiplier": "0.5000", "status": "ON_TIME"})
        );
    });
}

#[test]
fn a_late_claim_breaks_the_streak() {
    test(async |app| {
        let alice = app.miner().await;
        for day in 0..3 {
            alice.start().await;
            app.advance(TimeDelta::hours(24)).await;
            alice.must_claim(&day.to_string()).await;
        }
        alice.start().await;
        // The session's end, a day to be on time, a day of grace, and an hour too much.
        app.advance(TimeDelta::hours(24 + 24 + 24 + 1)).await;
        let query =
            "{ viewer { miner { currentStreak longestStreak streakBonus streak { status } } } }";
        let seen = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(
            seen,
            json!({"currentStreak": 0, "longestStreak": 3, "streakBonus": "0.0000", "streak": {"status": "BROKEN"}})
        );
        assert_eq!(alice.must_claim("late").await["streakDays"], 1);
        assert_eq!(
            app.number("SELECT count(*) FROM outbox WHERE name = 'StreakBroken'")
                .await,
            1
        );
        assert_eq!(
            app.number("SELECT broken_days::bigint FROM miners").await,
            3
        );
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let alice = ready(app).await;
        let first = alice.claim("k").await;
        let again = alice.claim("k").await;
        assert_eq!(first.body["data"], again.body["data"]);
        assert_eq!(first.body["extensions"], Value::Null);
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["miningSessionClaim"]])
        );
        assert_eq!(alice.points().await, "6.0000");
        assert_eq!(
            alice.claim("other").await.refusals(),
            ["SESSION_ALREADY_CLAIMED"]
        );
        // The key belongs to its caller and its operation.
        assert_eq!(
            app.miner().await.claim("k").await.refusals(),
            ["SESSION_NOT_FOUND"]
        );
        let start = "mutation { miningSessionStart(input: {idempotencyKey: \"k\"}) { userErrors { code } } }";
        assert_eq!(
            alice.get(start, json!({})).await["miningSessionStart"]["userErrors"],
            json!([])
        );
    });
}

#[test]
fn a_key_lives_over_midnight_and_the_last_partition() {
    test(async |app| {
        let alice = ready(app).await;
        alice.must_claim("k").await;
        app.advance(TimeDelta::hours(24)).await;
        assert_eq!(
            alice.claim("k").await.body["extensions"]["idempotentReplay"],
            json!([["miningSessionClaim"]])
        );
        // Behind the back of the command that moves the clock, which makes partitions: writes must mend that.
        app.sql(
            "UPDATE app_clock SET offset_microseconds = offset_microseconds + 30 * 86400000000",
        )
        .await;
        assert_eq!(alice.start().await["userErrors"], json!([]));
        app.sql("UPDATE app_clock SET offset_microseconds = offset_microseconds + 86400000000")
            .await;
        alice.must_claim("next").await;
    });
}

#[test]
fn needs_a_key_from_the_input_or_the_header() {
    test(async |app| {
        let alice = ready(app).await;
        let claim = "mutation ($key: String) { miningSessionClaim(input: {idempotencyKey: $key}) { pointsEarned userErrors { code } } }";
        for (key, header) in [
            (json!(null), None),
            (json!(""), None),
            (json!("k".repeat(129)), None),
            (json!("a"), Some("b")),
        ] {
            let headers: Vec<_> = header
                .iter()
                .map(|header| ("idempotency-key", *header))
                .collect();
            let answer = alice.send(claim, json!({"key": key}), &headers).await;
            assert_eq!(
                (answer.status, answer.code()),
                (200, "BAD_USER_INPUT"),
                "{key} {header:?}"
            );
        }
        let two = "mutation { a: miningSessionClaim(input: {}) { pointsEarned } b: miningSessionClaim(input: {}) { pointsEarned } }";
        let answer = alice
            .send(two, json!({}), &[("idempotency-key", "k")])
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let answer = alice
            .send(claim, json!({}), &[("idempotency-key", "k")])
            .await;
        assert_eq!(
            answer.data()["miningSessionClaim"]["pointsEarned"],
            "6.0000"
        );
    });
}

#[test]
fn refuses_who_has_no_miner() {
    test(async |app| assert_eq!(app.user().claim("1").await.refusals(), ["MINER_NOT_FOUND"]));
}

#[test]
fn refuses_the_suspended_and_the_banned() {
    test(async |app| {
        let alice = ready(app).await;
        app.sql("UPDATE miners SET status = 'SUSPENDED'").await;
        assert_eq!(alice.claim("1").await.refusals(), ["MINER_SUSPENDED"]);
        app.sql("UPDATE miners SET status = 'BANNED'").await;
        assert_eq!(alice.claim("2").await.refusals(), ["MINER_BANNED"]);
        assert_eq!(alice.points().await, "0.0000");
    });
}

#[test]
fn refuses_without_a_session() {
    test(async |app| {
        assert_eq!(
            app.miner().await.claim("1").await.refusals(),
            ["SESSION_NOT_FOUND"]
        );
    });
}

#[test]
fn refuses_a_session_that_runs() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24) - TimeDelta::minutes(1))
            .await;
        assert_eq!(alice.claim("1").await.refusals(), ["SESSION_NOT_COMPLETE"]);
    });
}

#[test]
fn refuses_an_expired_session() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await;
        app.advance(TimeDelta::hours(24 + 168) + TimeDelta::minutes(1))
            .await;
        assert_eq!(alice.claim("1").await.refusals(), ["SESSION_EXPIRED"]);
    });
}

#[test]
fn time_while_mining_was_off_counts_against_nobody() {
    test(async |app| {
        let alice = ready(app).await;
        switch(app, false).await;
        app.advance(TimeDelta::hours(1_000)).await;
        switch(app, true).await;
        let paid = alice.must_claim("1").await;
        assert_eq!(paid["pointsEarned"], "6.0000");
    });
}

#[test]
fn thirty_two_identical_requests_have_one_effect() {
    test(async |app| {
        let alice = ready(app).await;
        // The one that has the key waits for the miner's row, so that all others surely meet it.
        let holder = hold_miners(app).await;
        let mut waiting: FuturesUnordered<_> = (0..32).map(|_| alice.claim("same")).collect();
        for _ in 0..31 {
            let answer = waiting.next().await.unwrap();
            assert_eq!(
                (answer.code(), answer.reason()),
                ("CONFLICT", "IN_PROGRESS")
            );
            assert_eq!(
                answer.body["errors"][0]["extensions"]["retryAfterSeconds"],
                1
            );
        }
        holder.batch_execute("COMMIT").await.unwrap();
        let first = waiting.next().await.unwrap().data();
        assert_eq!(first["miningSessionClaim"]["pointsEarned"], "6.0000");
        for _ in 0..31 {
            assert_eq!(alice.claim("same").await.data(), first);
        }
        assert_eq!(alice.points().await, "6.0000");
        assert_eq!(app.number("SELECT count(*) FROM transfers").await, 1);
    });
}

/// Locks every miner until the answered client says COMMIT.
async fn hold_miners(app: &TestApp) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&app.database_url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let lock = "BEGIN; SELECT id FROM miners FOR NO KEY UPDATE";
    client.batch_execute(lock).await.unwrap();
    client
}

#[test]
fn of_two_claims_at_once_exactly_one_succeeds_a_hundred_times() {
    test(async |app| {
        let alice = app.miner().await;
        for round in 0..100 {
            assert_eq!(
                alice.start().await["userErrors"],
                json!([]),
                "round {round}"
            );
            app.advance(TimeDelta::hours(24)).await;
            let (left, right) = (format!("{round}l"), format!("{round}r"));
            let (one, other) = tokio::join!(alice.claim(&left), alice.claim(&right));
            let mut refusals = [one.refusals(), other.refusals()];
            refusals.sort();
            assert_eq!(
                refusals,
                [vec![], vec!["SESSION_ALREADY_CLAIMED"]],
                "round {round}"
            );
        }
        assert_eq!(
            app.number("SELECT count(*) FROM transfers WHERE reason = 'MINING_REWARD'")
                .await,
            100
        );
    });
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    test(async |app| {
        let alice = app.user();
        let register = "mutation ($code: String) { minerRegister(input: {referralCode: $code, idempotencyKey: \"k\"}) { userErrors { code } } }";
        alice.get(register, json!({})).await;
        let answer = alice.ask(register, json!({"code": "ABCDEFGH"})).await;
        assert_eq!(
            (answer.code(), answer.reason()),
            ("CONFLICT", "IDEMPOTENCY_KEY_REUSED")
        );
    });
}

#[test]
fn a_client_that_goes_away_leaves_nothing_half_done() {
    test(async |app| {
        let alice = ready(app).await;
        // A lock that the claim has to wait for, so that it is surely cut in the middle.
        let (client, connection) =
            tokio_postgres::connect(&app.database_url, tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        client
            .batch_execute("BEGIN; SELECT id FROM miners FOR NO KEY UPDATE")
            .await
            .unwrap();
        let waiting = tokio::spawn({
            let alice = alice.clone();
            async move { alice.claim("cut").await }
        });
        let blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while app.number(blocked).await == 0 {}
        waiting.abort();
        client.batch_execute("COMMIT").await.unwrap();
        // The write goes on to its end without the client, and the key answers what it did.
        let answer = loop {
            let answer = alice.claim("cut").await;
            if answer.reason() != "IN_PROGRESS" {
                break answer;
            }
        };
        assert_eq!(
            answer.body["extensions"]["idempotentReplay"],
            json!([["miningSessionClaim"]])
        );
        assert_eq!(alice.points().await, "6.0000");
    });
}
