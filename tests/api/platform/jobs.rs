use domain::access::Role;
use serde_json::{Value, json};

use crate::support::test;

const JOBS: &str = "{ jobs { name isRunning dueAt startedAt finishedAt succeededAt runs consecutiveFailures lastError } }";

#[test]
fn returns_the_runs_of_each_job_to_staff() {
    test(async |app| {
        let staff = app.support();
        app.let_jobs_run().await;
        app.until_count(
            "jobs",
            "runs > 0",
            i64::try_from(goodgo::jobs::ALL.len()).unwrap(),
        )
        .await;
        let jobs = staff.get(JOBS, json!({})).await["jobs"].clone();
        let jobs = jobs.as_array().unwrap();
        let names: Vec<_> = jobs.iter().map(|job| &job["name"]).collect();
        assert_eq!(
            names,
            [
                "CAMPAIGN_COMPLETION",
                "CAMPAIGN_REVOCATION",
                "CIRCLE_INVITATION_EXPIRY",
                "FX_COUNT",
                "HOLD_EXPIRY",
                "ISSUANCE_COUNT",
                "MINING_SESSION_COMPLETION",
                "PARTITION_MAINTENANCE",
                "RECONCILIATION",
                "REDEMPTION_EXPIRY",
                "VOUCHER_EXPIRY",
                "WITHDRAWAL_PAYOUT"
            ]
        );
        let often = [
            "FX_COUNT",
            "HOLD_EXPIRY",
            "ISSUANCE_COUNT",
            "WITHDRAWAL_PAYOUT",
        ];
        let runs_again_at_once = |job: &&Value| often.iter().any(|name| job["name"] == *name);
        for job in jobs.iter().filter(|job| !runs_again_at_once(job)) {
            assert_eq!(
                (
                    &job["runs"],
                    &job["consecutiveFailures"],
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
fn refuses_others_than_staff() {
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
