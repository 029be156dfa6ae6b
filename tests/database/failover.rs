//! Synchronous standbys: failover under load loses and doubles nothing; a missing standby stops writes, not reads.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::support::{Actor, Miner, Postgres, Servers, TestApp, is_soak, on_servers};

/// Number of concurrent callers.
const PEOPLE: usize = 40;
/// Pause of a client before it repeats a command, as `retryAfterSeconds` tells it; shorter, to see the gap.
const BACKOFF: Duration = Duration::from_millis(50);

const SYNCHRONOUS: &[(&str, &str)] = &[
    ("synchronous_standby_names", "ANY 1 (a, b, c)"),
    ("max_connections", "60"),
];

/// Number of failovers. More in script/soak.
fn failovers() -> usize {
    if is_soak() { 100 } else { 3 }
}

/// Repeats a claim with its key until it is answered; notes when.
async fn claim(person: &Actor, key: &str, answered: &Mutex<Vec<Instant>>) {
    loop {
        let outcome = person.claim().key(key).await;
        match outcome.answer.code() {
            "" => {
                outcome.ok();
                answered.lock().unwrap().push(Instant::now());
                return;
            }
            "UNAVAILABLE" | "CONFLICT" | "TIMEOUT" => tokio::time::sleep(BACKOFF).await,
            other => panic!("{other}: {}", outcome.answer.body),
        }
    }
}

/// Waits for a number of answers.
async fn until_answered(answered: &Mutex<Vec<Instant>>, count: usize) {
    while answered.lock().unwrap().len() < count {
        tokio::task::yield_now().await;
    }
}

/// Kills the primary and promotes the standby that received most. Returns the servers, primary first.
async fn fail_over(servers: [Postgres<'_>; 3]) -> [Postgres<'_>; 3] {
    let [old, first, second] = servers;
    old.stop("immediate");
    let received = async |server: &Postgres<'_>| {
        let position = "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn";
        let position = server.sql(position).await.unwrap();
        position.parse::<u64>().unwrap()
    };
    let (new, other) = if received(&first).await >= received(&second).await {
        (first, second)
    } else {
        (second, first)
    };
    new.promote();
    [new, other, old]
}

#[test]
fn soak_loses_and_doubles_no_claim_in_failovers() {
    let servers = Servers::new();
    let a = servers.primary("a", SYNCHRONOUS);
    let [b, c] = servers.standbys(&a, ["b", "c"]);
    let url = servers.url_of(&[&a, &b, &c]);
    on_servers(&url, &[], async move |app: &TestApp| {
        let people: Vec<Miner> = join_all((0..PEOPLE).map(|_| async { app.miner().await })).await;
        let mut roles = [a, b, c];
        let mut longest = Duration::ZERO;
        for round in 1..=failovers() {
            join_all(
                people
                    .iter()
                    .map(async |person| drop(person.start().await.ok())),
            )
            .await;
            app.advance(TimeDelta::hours(24)).await;
            let (answered, key) = (Mutex::new(vec![Instant::now()]), format!("round-{round}"));
            let claims = join_all(people.iter().map(|person| claim(person, &key, &answered)));
            let failover = async {
                until_answered(&answered, PEOPLE / 4).await;
                fail_over(roles).await
            };
            roles = tokio::join!(claims, failover).1;
            let mut moments = answered.into_inner().unwrap();
            moments.sort_unstable();
            let gaps = moments.windows(2).map(|pair| pair[1] - pair[0]);
            longest = gaps.fold(longest, Duration::max);
            // Every answer was given for good: a replay, one payment a day.
            for person in &people {
                person.claim().key(&key).await.replayed();
            }
            assert_eq!(
                app.count("transfers", "reason = 'MINING_REWARD'").await,
                i64::try_from(PEOPLE * round).unwrap()
            );
            // The old primary returns as a standby.
            let [new, other, old] = &roles;
            old.copy(new, &[new, other, old]);
            new.until(
                "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'",
                "2",
            )
            .await;
        }
        println!(
            "soak: {} failovers to a synchronous standby, nothing lost, nothing twice; at most {:.1} s without an accepted write",
            failovers(),
            longest.as_secs_f64()
        );
        roles
    });
}

#[test]
fn soak_answers_outcome_unknown_without_the_standby() {
    let away = Duration::from_secs(if is_soak() { 30 } else { 1 });
    let servers = Servers::new();
    // Commits that hang must not use up the connections.
    let limits = [
        ("synchronous_standby_names", "b"),
        ("max_connections", "30"),
    ];
    let a = servers.primary("a", &limits);
    let [b, _c] = servers.standbys(&a, ["b", "c"]);
    // A timeout of statements does not end the wait of a commit, which the database would then report as done.
    let settings = [("GOODGO_STATEMENT_TIMEOUT_MS", "1000")];
    on_servers(&a.url("goodgo"), &settings, async |app: &TestApp| {
        let people: Vec<Miner> = join_all((0..12).map(|_| async { app.miner().await })).await;
        join_all(
            people
                .iter()
                .map(async |person| drop(person.start().await.ok())),
        )
        .await;
        app.advance(TimeDelta::hours(24)).await;
        b.stop("immediate");
        let since = Instant::now();
        // More writes than there are connections for writes; reads go on meanwhile.
        let writes = join_all(people.iter().map(async |person| {
            let mut is_unknown = false;
            loop {
                let answer = person.claim().key("once").await.answer;
                assert!(
                    matches!(answer.code(), "UNAVAILABLE" | "TIMEOUT" | "CONFLICT"),
                    "{}",
                    answer.body
                );
                is_unknown |= answer.reason() == "OUTCOME_UNKNOWN";
                if since.elapsed() >= away {
                    return is_unknown;
                }
            }
        }));
        let reads = async {
            while since.elapsed() < away {
                let asked = Instant::now();
                assert_eq!(people[0].points().await, "0.0000");
                assert!(
                    asked.elapsed() < Duration::from_secs(3),
                    "{:?}",
                    asked.elapsed()
                );
            }
        };
        let (unknown, ()) = tokio::join!(writes, reads);
        assert!(unknown.iter().any(|is_unknown| *is_unknown), "{unknown:?}");
        b.start();
        for (person, is_unknown) in people.iter().zip(unknown) {
            let answered = Mutex::new(Vec::new());
            claim(person, "once", &answered).await;
            let outcome = person.claim().key("once").await;
            outcome.replayed();
            assert_eq!(person.points().await, "6.0000", "{is_unknown}");
        }
        let rewards = app.count("transfers", "reason = 'MINING_REWARD'").await;
        assert_eq!(rewards, i64::try_from(people.len()).unwrap());
    });
}
