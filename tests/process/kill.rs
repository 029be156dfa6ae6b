//! `kill -9` of server and postmaster during claims: every claim takes effect exactly once. The server starts a
//! postmaster again that was killed alone.

use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::json;

use super::program::{Program, folder, postmaster};
use crate::support::{Actor, is_soak};

/// Number of concurrent callers.
const PEOPLE: usize = 60;

/// Number of callers who prepare and check at the same time.
const AT_ONCE: usize = 8;

/// Number of kills. More in script/soak.
fn kills() -> usize {
    if is_soak() { 20 } else { 3 }
}

#[test]
fn soak_killed_in_the_middle_of_claims_it_comes_back_right() {
    let folder = folder();
    let mut program = Program::start(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let newcomers: Vec<Actor> = (0..PEOPLE).map(|_| program.newcomer()).collect();
        let people = |program: &Program| -> Vec<Actor> {
            newcomers.iter().map(|person| person.at(program.address)).collect()
        };
        each(&people(&program), async |person| drop(person.register().await.ok())).await;
        for round in 1..=kills() {
            let claiming = people(&program);
            each(&claiming, async |person| drop(person.start().await.ok())).await;
            program.beside(&["clock", "advance", "24h"]);
            // Claims until about a third is answered, then the lights go out.
            let key = format!("round-{round}");
            let mut waiting: FuturesUnordered<_> =
                claiming.iter().map(|person| person.claim().key(&key).attempt()).collect();
            let mut paid = 0;
            while paid < PEOPLE / 3 {
                let outcome = waiting.next().await.expect("an outcome").expect("an outcome before the kill");
                outcome.ok();
                paid += 1;
            }
            program.kill();
            while let Some(outcome) = waiting.next().await {
                paid += usize::from(outcome.is_some_and(|outcome| outcome.answer.code().is_empty()));
            }
            program = Program::start(folder.path());
            // The same keys again: who was paid hears the same answer, who was not is paid now.
            let people = people(&program);
            let replayed = std::sync::atomic::AtomicUsize::new(0);
            each(&people, async |person| {
                let outcome = person.claim().key(&key).await;
                let is_replay = outcome.is_replay();
                outcome.ok();
                replayed.fetch_add(usize::from(is_replay), std::sync::atomic::Ordering::Relaxed);
            })
            .await;
            assert!(replayed.into_inner() >= paid, "every answer that was given is remembered");
            let verified = program.beside(&["verify"]);
            assert!(verified.starts_with("the ledger is right"), "{verified}");
            let query = r#"{ viewer { wallet(currency: "MP") { entries(first: 1) { totalCount } } miner { history(first: 1) { totalCount } } } }"#;
            each(&people, async |person| {
                let viewer = person.get(query, json!({})).await["viewer"].clone();
                // Without milestones there is one reward per round: the wallet's credit equals the history's points.
                let lines = viewer["miner"]["history"]["totalCount"].clone();
                assert_eq!(viewer["wallet"]["entries"]["totalCount"], lines);
                assert!(lines.as_u64().is_some_and(|lines| lines >= round as u64), "{viewer}");
            })
            .await;
        }
        program.stop();
        println!("soak: {} kills, nothing lost, nothing twice", kills());
    });
}

#[test]
fn starts_a_killed_cluster_again() {
    let folder = folder();
    let program = Program::start(folder.path());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let person = program.newcomer();
        person.register().await.ok();
        program.kill_postmaster().await;
        person.start().await.ok();
    });
    let log = program.log_after_stop();
    let is_told = |line: &String| line.contains("PostgreSQL has ended: starting it again (1 of 5)");
    assert!(log.iter().any(is_told), "{log:?}");
    assert_eq!(postmaster(folder.path()), None);
}

/// Runs a body for each person, for a few at a time: a busy machine refuses what waits long for a connection.
async fn each(people: &[Actor], body: impl AsyncFn(&Actor)) {
    let bodies = people.iter().map(|person| body(person));
    futures_util::stream::iter(bodies)
        .buffer_unordered(AT_ONCE)
        .for_each(async |()| ())
        .await;
}
