use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::decisions::must;
use super::referral_apply::{coded, must_apply, verify};
use crate::support::{Actor, TestApp, test};

const COMPLETE: &str = "mutation ($input: KycCompleteInput!) { kycComplete(input: $input) {
    userId kycCompletedAt referral { status isActive } userErrors { code field }
} }";

async fn status(app: &TestApp, who: &Actor) -> Value {
    verify(app, who).await.data()["kycComplete"]["referral"]["status"].clone()
}

#[test]
fn a_referral_that_waited_counts_and_the_referrer_is_told() {
    test(async |app| {
        let (boss, code) = coded(app).await;
        let mut friends = Vec::new();
        for _ in 0..5 {
            let (friend, _) = coded(app).await;
            must_apply(&friend, &code).await;
            friends.push(friend);
        }
        let mut socket = boss.socket().await;
        socket
            .subscribe(
                "1",
                "subscription { minerUpdated { __typename miner { role } } }",
            )
            .await;
        app.until_followed(boss.id()).await;
        for friend in &friends {
            let done = verify(app, friend).await.data()["kycComplete"].clone();
            assert_eq!(done["userErrors"], json!([]));
            assert_eq!(done["userId"], friend.id().to_string());
            assert_eq!(done["referral"]["status"], "ACTIVE");
            assert_eq!(done["referral"]["activatedAt"], done["kycCompletedAt"]);
            assert_eq!(
                socket.event("1").await["minerUpdated"]["__typename"],
                "ReferralActivated"
            );
        }
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "MinerRoleChanged", "miner": {"role": "AMBASSADOR"}})
        );
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.kyc_complete' AND outcome = 'APPLIED'
             AND entity_kind = 'user' AND reason IS NULL AND 'mining:events' = ANY(roles)
             AND before->>'kycCompletedAt' IS NULL AND after->>'kycCompletedAt' IS NOT NULL";
        assert_eq!(app.number(audited).await, 5);
    });
}

#[test]
fn comes_before_registration_as_well() {
    test(async |app| {
        let (_, code) = coded(app).await;
        let carol = app.user();
        let done = verify(app, &carol).await.data()["kycComplete"].clone();
        assert_eq!(done["referral"], Value::Null);
        assert!(done["kycCompletedAt"].is_string());
        carol.register().await;
        assert_eq!(must_apply(&carol, &code).await["isActive"], true);
        // Who was heard of before their first token is called what that says.
        let query = "{ viewer { miner { displayName } } }";
        let seen = carol.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(seen["displayName"], "Tester");
    });
}

#[test]
fn the_first_one_wins() {
    test(async |app| {
        let service = app.service(&[Scope::MiningEvents]);
        let bob = app.user();
        let at = |at: &str| json!({"input": {"userId": bob.id().to_string(), "completedAt": at}});
        let first = service.get(COMPLETE, at("2026-01-02T03:04:05Z")).await;
        assert_eq!(
            first["kycComplete"]["kycCompletedAt"],
            "2026-01-02T03:04:05Z"
        );
        for other in ["2026-05-05T05:05:05Z", "2025-05-05T05:05:05Z"] {
            assert_eq!(service.get(COMPLETE, at(other)).await, first);
        }
        let racing = app.user();
        let all = futures_util::future::join_all((0..8).map(|_| verify(app, &racing))).await;
        let mut moments: Vec<_> = all
            .into_iter()
            .map(|answer| answer.data()["kycComplete"]["kycCompletedAt"].to_string())
            .collect();
        moments.dedup();
        assert_eq!(moments.len(), 1);
    });
}

#[test]
fn during_a_suspension_it_counts_once_that_is_over() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let ((_, code), (bob, _)) = (coded(app).await, coded(app).await);
        must_apply(&bob, &code).await;
        must(&admin, "minerSuspend", &bob, "1").await;
        assert_eq!(status(app, &bob).await, "INACTIVE");
        let told = "SELECT count(*) FROM outbox WHERE name IN ('ReferralActivated', 'ReferralDeactivated')";
        assert_eq!(app.number(told).await, 0);
        app.advance(TimeDelta::hours(1)).await;
        must(&admin, "minerRestore", &bob, "1").await;
        assert_eq!(status(app, &bob).await, "ACTIVE");
        let since =
            "SELECT count(*) FROM referrals WHERE activated_at >= created_at + interval '1 hour'";
        assert_eq!(app.number(since).await, 1);
        assert_eq!(app.number(told).await, 1);
    });
}

#[test]
fn of_a_banned_miner_it_counts_for_nobody() {
    test(async |app| {
        let ((_, code), (bob, _)) = (coded(app).await, coded(app).await);
        must_apply(&bob, &code).await;
        app.sql("UPDATE miners SET status = 'BANNED' WHERE referred_by IS NOT NULL")
            .await;
        assert_eq!(status(app, &bob).await, "INACTIVE");
    });
}

#[test]
fn refuses_the_future_and_takes_clocks_that_differ() {
    test(async |app| {
        let service = app.service(&[Scope::MiningEvents]);
        let now = app
            .number("SELECT extract(epoch FROM app_now())::bigint")
            .await;
        let at = |seconds: i64| {
            let at = chrono::DateTime::from_timestamp(now + seconds, 0).unwrap();
            json!({"input": {"userId": app.user().id().to_string(), "completedAt": at.to_rfc3339()}})
        };
        let refused = service.ask(COMPLETE, at(3_600)).await;
        assert_eq!(refused.refusals(), ["KYC_IN_FUTURE"]);
        let error = &refused.body["data"]["kycComplete"]["userErrors"][0];
        assert_eq!(error["field"], json!(["completedAt"]));
        assert_eq!(app.number("SELECT count(*) FROM users").await, 0);
        assert_eq!(service.ask(COMPLETE, at(240)).await.refusals(), [""; 0]);
        for bad in ["1969-12-31T23:59:59Z", "-0044-03-15T12:00:00Z"] {
            let input =
                json!({"input": {"userId": app.user().id().to_string(), "completedAt": bad}});
            assert_eq!(
                service.ask(COMPLETE, input).await.code(),
                "BAD_USER_INPUT",
                "{bad}"
            );
        }
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let service = app.service(&[Scope::MiningEvents]);
        let input =
            json!({"input": {"userId": app.user().id().to_string(), "idempotencyKey": "k"}});
        let first = service.ask(COMPLETE, input.clone()).await;
        app.advance(TimeDelta::hours(1)).await;
        let again = service.ask(COMPLETE, input).await;
        assert_eq!(first.body["data"], again.body["data"]);
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["kycComplete"]])
        );
    });
}

#[test]
fn is_for_services_that_tell_of_events() {
    test(async |app| {
        let input = json!({"input": {"userId": app.user().id().to_string()}});
        for (who, code) in [
            (app.anonymous(), "UNAUTHENTICATED"),
            (app.user(), "FORBIDDEN"),
            (app.person(&[Role::Admin]), "FORBIDDEN"),
            (app.service(&[Scope::MiningRead]), "FORBIDDEN"),
        ] {
            assert_eq!(who.ask(COMPLETE, input.clone()).await.code(), code);
        }
        let forbidden = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'mining.kyc_complete'";
        assert_eq!(app.number(forbidden).await, 2);
        assert_eq!(app.number("SELECT count(*) FROM users").await, 0);
    });
}
