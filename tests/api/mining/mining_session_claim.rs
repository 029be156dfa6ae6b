use chrono::TimeDelta;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::lock::{Lock, until_waiting};
use crate::support::{Actor, assert_includes, at_once, test};

#[test]
fn pays_the_reward_into_the_wallet() {
    test(async |app| {
        let alice = app.miner().ready().await;
        assert_eq!(alice.points().await, "0.0000");
        let paid = alice.claim().await.ok();
        assert_includes(
            &paid,
            &json!({
                "pointsEarned": "6.0000", "milestonePoints": "0.0000",
                "miner": {"totalMinedPoints": "6.0000", "streak": {"streakDays": 1}},
                "session": {"status": "CLAIMED", "pointsEarned": "6.0000", "milestonePoints": "0.0000"},
            }),
        );
        assert_eq!(alice.points().await, "6.0000");
        let miner = alice.own_miner("history(first: 5) { totalCount nodes { pointsEarned source streakDays } }
            wallet { entries(first: 5) { totalCount nodes {
                side amount { amount currency } balanceAfter { amount }
                transfer { reason transaction { cause reference { ... on MiningSession { status } } } }
            } } }").await;
        assert_eq!(
            miner["history"],
            json!({"totalCount": 1, "nodes": [{"pointsEarned": "6.0000", "source": "SESSION", "streakDays": 1}]})
        );
        assert_eq!(
            miner["wallet"]["entries"],
            json!({"totalCount": 1, "nodes": [{
                "side": "CREDIT", "amount": {"amount": "6.0000", "currency": "MP"}, "balanceAfter": {"amount": "6.0000"},
                "transfer": {"reason": "MINING_REWARD",
                    "transaction": {"cause": "MINING_REWARD", "reference": {"status": "CLAIMED"}}},
            }]})
        );
    });
}

#[test]
fn pays_each_milestone_of_a_streak_once() {
    test(async |app| {
        let alice = app.miner().await;
        let mut bonuses = Vec::new();
        for day in 1..=14 {
            app.mine(&[&alice]).await;
            let paid = alice.claim().await.ok();
            assert_eq!(paid["miner"]["streak"]["streakDays"], day);
            if paid["milestonePoints"] != "0.0000" {
                bonuses.push((day, paid["milestonePoints"].clone()));
            }
        }
        assert_eq!(bonuses, [(7, json!("50.0000")), (14, json!("100.0000"))]);
        let selection =
            "totalMinedPoints streak { streakDays freezeTokens badge bonusRate status }";
        let miner = alice.own_miner(selection).await;
        // A session has the bonus of the day before: 3 at the base rate, 4 at +10 %, 7 at +25 %, and two milestones.
        assert_eq!(miner["totalMinedPoints"], "246.9000");
        assert_eq!(alice.points().await, "246.9000");
        assert_eq!(
            miner["streak"],
            json!({"streakDays": 14, "freezeTokens": 2, "badge": "14-day", "bonusRate": "0.5000", "status": "ON_TIME"})
        );
    });
}

#[test]
fn breaks_the_streak_when_late() {
    test(async |app| {
        let alice = app.miner().streak(3).await;
        alice.start().await.ok();
        // The session, a day to be on time, a day of grace, and an hour more.
        app.advance(TimeDelta::hours(24 + 24 + 24 + 1)).await;
        assert_eq!(
            alice
                .own_miner(
                    "rate { streakBonusRate } streak { streakDays longestStreakDays status }"
                )
                .await,
            json!({"rate": {"streakBonusRate": "0.0000"},
                "streak": {"streakDays": 0, "longestStreakDays": 3, "status": "BROKEN"}})
        );
        assert_eq!(alice.claim().await.ok()["miner"]["streak"]["streakDays"], 1);
        assert_eq!(app.events("StreakBroken").await.len(), 1);
        assert_eq!(app.row_of(&alice).await["broken_days"], 3);
    });
}

#[test]
fn replays_a_key_of_the_same_caller_and_operation_only() {
    test(async |app| {
        let alice = app.miner().ready().await;
        let first = alice.claim().key("k").await;
        assert_eq!(first.answer.body["extensions"], Value::Null);
        let first = first.ok();
        assert_eq!(alice.claim().key("k").await.replayed(), first);
        assert_eq!(alice.points().await, "6.0000");
        let outcome = alice.claim().await;
        outcome.refused("SESSION_ALREADY_CLAIMED", None);
        let outcome = app.miner().await.claim().key("k").await;
        outcome.refused("SESSION_NOT_FOUND", None);
        alice.start().key("k").await.ok();
    });
}

#[test]
fn keeps_keys_over_midnight_and_the_last_partition() {
    test(async |app| {
        let alice = app.miner().ready().await;
        alice.claim().key("k").await.ok();
        app.advance(TimeDelta::hours(24)).await;
        alice.claim().key("k").await.replayed();
        // Moved without the command that makes partitions: the write makes the missing one.
        let skip = async |days: i32| {
            app.sql(&format!(
                "UPDATE app_clock SET offset_microseconds = offset_microseconds + {days} * 86400000000"
            ))
            .await;
        };
        skip(30).await;
        alice.start().await.ok();
        skip(1).await;
        alice.claim().await.ok();
    });
}

#[test]
fn takes_the_key_from_the_header_for_one_mutation() {
    test(async |app| {
        let alice = app.miner().ready().await;
        let key = "idempotency-key";
        let outcome = alice.claim().key("a").header(key, "b").await;
        outcome.error("BAD_USER_INPUT");
        assert_eq!(outcome.answer.status, 200);
        // A header is the key of one command only.
        let start = "miningSessionStart(input: {}) { userErrors { code } }";
        let two = format!("mutation {{ a: {start} b: {start} }}");
        let answer = alice.send(&two, json!({}), &[(key, "k")]).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        // The header does not replace the key of the input.
        let outcome = alice.claim().without_key().header(key, "k").await;
        assert!(!outcome.answer.code().is_empty());
        let paid = alice.claim().key("k").header(key, "k").await.ok();
        assert_eq!(paid["pointsEarned"], "6.0000");
        alice.start().without_key().header(key, "s").await.ok();
        alice.start().key("s").await.replayed();
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| refuses_inactive(app, Actor::claim, None).await);
}

#[test]
fn refuses_without_a_session() {
    test(async |app| {
        let outcome = app.miner().await.claim().await;
        outcome.refused("SESSION_NOT_FOUND", None);
    });
}

#[test]
fn refuses_a_running_session() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(24) - TimeDelta::minutes(1))
            .await;
        alice.claim().await.refused("SESSION_NOT_COMPLETE", None);
    });
}

#[test]
fn refuses_an_expired_session() {
    test(async |app| {
        let alice = app.miner().await;
        alice.start().await.ok();
        app.advance(TimeDelta::hours(24 + 168) + TimeDelta::minutes(1))
            .await;
        alice.claim().await.refused("SESSION_EXPIRED", None);
    });
}

#[test]
fn excludes_the_time_while_mining_is_off() {
    test(async |app| {
        let alice = app.miner().ready().await;
        app.switch_mining(false).await;
        app.advance(TimeDelta::hours(1_000)).await;
        app.switch_mining(true).await;
        assert_eq!(alice.claim().await.ok()["pointsEarned"], "6.0000");
    });
}

#[test]
fn applies_32_identical_requests_once() {
    test(async |app| {
        let alice = app.miner().ready().await;
        // The request that holds the key waits for the miner's row, so that all others find the key in use.
        let lock = Lock::on_miners(app, "true").await;
        let mut waiting: FuturesUnordered<_> = (0..32)
            .map(|_| alice.claim().key("same").into_future())
            .collect();
        for _ in 0..31 {
            let outcome = waiting.next().await.unwrap();
            outcome.error_with_reason("CONFLICT", "IN_PROGRESS");
            let extensions = &outcome.answer.body["errors"][0]["extensions"];
            assert_eq!(extensions["retryAfterSeconds"], 1);
        }
        lock.release().await;
        let first = waiting.next().await.unwrap().ok();
        assert_eq!(first["pointsEarned"], "6.0000");
        for _ in 0..31 {
            assert_eq!(alice.claim().key("same").await.replayed(), first);
        }
        assert_eq!(alice.points().await, "6.0000");
        assert_eq!(app.count("transfers", "true").await, 1);
    });
}

#[test]
fn claims_once_of_two_at_once_a_hundred_times() {
    test(async |app| {
        let alice = app.miner().await;
        for _ in 0..100 {
            app.mine(&[&alice]).await;
            let claimed = at_once([alice.claim(), alice.claim()]).await;
            claimed.one_applied("SESSION_ALREADY_CLAIMED");
        }
        assert_eq!(app.transfers("MINING_REWARD").await.len(), 100);
    });
}

#[test]
fn completes_after_its_client_disconnects() {
    test(async |app| {
        let alice = app.miner().ready().await;
        // The claim waits for this lock when its client disconnects.
        let lock = Lock::on_miners(app, "true").await;
        let waiting = tokio::spawn(alice.claim().key("cut").into_future());
        until_waiting(app, 1).await;
        waiting.abort();
        lock.release().await;
        app.until_count("transfers", "true", 1).await;
        assert_eq!(
            alice.claim().key("cut").await.replayed()["pointsEarned"],
            "6.0000"
        );
        assert_eq!(alice.points().await, "6.0000");
    });
}

/// More than the ledger can hold is refused; neither lifetime points nor the wallet change.
#[test]
fn refuses_points_beyond_the_ledger() {
    test(async |app| {
        let alice = app.miner().ready().await;
        let set = async |points: i64| {
            app.sql(&format!("UPDATE miners SET lifetime_points = {points}"))
                .await;
        };
        set(i64::MAX).await;
        alice.claim().await.refused("BALANCE_OVERFLOW", None);
        set(0).await;
        alice.claim().await.ok();
        // The wallet alone is full.
        app.mine(&[&alice]).await;
        let full = "UPDATE wallets SET available = available + 9223372036854700000 WHERE owner_kind = 'USER'";
        app.sql(full).await;
        alice.claim().await.refused("BALANCE_OVERFLOW", None);
        app.sql(&full.replace(" + ", " - ")).await;
        assert_eq!(alice.points().await, "6.0000");
        alice.claim().await.ok();
    });
}
