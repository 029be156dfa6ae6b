use std::time::Duration;

use domain::access::Role;
use serde_json::{Value, json};

use crate::support::{Actor, test};

const JOBS: &str =
    "{ jobs { name isRunning dueAt startedAt finishedAt succeededAt runs failures lastError } }";

/// Asks until every job has run once; answers them.
async fn after_the_first_run(staff: &Actor) -> Vec<Value> {
    let ran = async {
        loop {
            let jobs = staff.get(JOBS, json!({})).await["jobs"].clone();
            let jobs = jobs.as_array().unwrap().clone();
            if !jobs.is_empty() && jobs.iter().all(|job| job["runs"] != 0) {
                return jobs;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ran)
        .await
        .expect("every job to run in time")
}

#[test]
fn staff_see_each_job_and_how_it_went() {
    test(async |app| {
        let staff = app.person(&[Role::Support]);
        app.let_jobs_run().await;
        let jobs = after_the_first_run(&staff).await;
        let names: Vec<_> = jobs.iter().map(|job| &job["name"]).collect();
        assert_eq!(
            names,
            [
                "circle-invitations",
                "ledger-check",
                "mining-sessions",
                "partitions"
            ]
        );
        for job in &jobs {
            assert_eq!(
                (
                    &job["runs"],
                    &job["failures"],
                    &job["lastError"],
                    &job["isRunning"]
                ),
                (&json!(1), &json!(0), &Value::Null, &json!(false)),
                "{job}"
            );
            let at = |field: &str| job[field].as_str().unwrap().to_owned();
            assert!(
                at("startedAt") <= at("finishedAt") && at("finishedAt") < at("dueAt"),
                "{job}"
            );
            assert_eq!(at("succeededAt"), at("finishedAt"));
        }
    });
}

#[test]
fn others_see_none() {
    test(async |app| {
        for (actor, code) in [
            (app.anonymous(), "UNAUTHENTICATED"),
            (app.user(), "FORBIDDEN"),
            (app.person(&[Role::Merchant]), "FORBIDDEN"),
        ] {
            let answer = actor.ask(JOBS, json!({})).await;
            assert_eq!(
                (answer.code(), &answer.body["data"]["jobs"]),
                (code, &Value::Null)
            );
        }
    });
}
