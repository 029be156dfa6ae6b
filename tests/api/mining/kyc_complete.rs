use chrono::TimeDelta;
use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::{Miner, TestApp, at_once, test};

const FIELD: &str = "kycComplete";

async fn verified_status(app: &TestApp, miner: &Miner) -> Value {
    app.verify(miner).await.ok()["referral"]["status"].clone()
}

#[test]
fn activates_pending_referrals() {
    test(async |app| {
        let boss = app.miner().await;
        let mut friends = Vec::new();
        for _ in 0..5 {
            friends.push(app.miner().referred_by(&boss).await);
        }
        let mut events = app.follow(&boss, "__typename miner { role }").await;
        for friend in &friends {
            let done = app.verify(friend).await.ok();
            assert_eq!(done["user"]["uuid"], friend.id().to_string());
            assert_eq!(done["referral"]["status"], "ACTIVE");
            assert_eq!(
                done["referral"]["activatedAt"],
                done["user"]["kycCompletedAt"]
            );
            assert_eq!(events.next().await["__typename"], "ReferralActivated");
        }
        assert_eq!(
            events.next().await,
            json!({"__typename": "MinerRoleChanged", "miner": {"role": "AMBASSADOR"}})
        );
        let audited = app.audited("mining.kyc_complete").await;
        assert_eq!(audited.len(), 5);
        for entry in audited {
            assert_eq!(entry.outcome, "APPLIED");
            assert_eq!(entry.entity_kind.as_deref(), Some("user"));
            assert_eq!(entry.reason, None);
            assert!(entry.roles.contains(&"mining:events".to_owned()));
            assert_eq!(entry.before["kycCompletedAt"], Value::Null);
            assert!(entry.after["kycCompletedAt"].is_string());
        }
    });
}

#[test]
fn may_come_before_the_registration() {
    test(async |app| {
        let boss = app.miner().await;
        let carol = app.user();
        let done = app.verify(&carol).await.ok();
        assert_eq!(done["referral"], Value::Null);
        // A service that may not read people does not see the time.
        let service = app.service(&[Scope::MiningEvents]);
        let hidden = app.verify(&carol).by(&service).await.ok();
        assert_eq!(
            hidden["user"],
            json!({"uuid": carol.id().to_string(), "kycCompletedAt": null})
        );
        assert!(done["user"]["kycCompletedAt"].is_string());
        carol.register().await.ok();
        assert_eq!(
            carol.apply(&boss.code).await.ok()["referral"]["isActive"],
            true
        );
        // The first token names a user who was unknown until then.
        let name = carol.own_miner("profile { displayName }").await;
        assert_eq!(name, json!({"profile": {"displayName": "Tester"}}));
    });
}

#[test]
fn keeps_the_first_time() {
    test(async |app| {
        let bob = app.user();
        let complete = |at: &str| app.verify(&bob).with(json!({"completedAt": at}));
        let first = complete("2026-01-02T03:04:05Z").await.ok();
        assert_eq!(first["user"]["kycCompletedAt"], "2026-01-02T03:04:05Z");
        for other in ["2026-05-05T05:05:05Z", "2025-05-05T05:05:05Z"] {
            assert_eq!(complete(other).await.ok(), first);
        }
    });
}

#[test]
fn keeps_one_time_of_eight_at_once() {
    test(async |app| {
        let bob = app.user();
        let all = at_once((0..8).map(|_| app.verify(&bob))).await.all_ok();
        let mut times: Vec<_> = all
            .iter()
            .map(|done| &done["user"]["kycCompletedAt"])
            .collect();
        times.dedup();
        assert_eq!(times.len(), 1);
    });
}

#[test]
fn waits_for_the_end_of_a_suspension() {
    test(async |app| {
        let admin = app.admin();
        let boss = app.miner().await;
        let bob = app.miner().referred_by(&boss).await;
        admin.suspend(&bob).await.ok();
        assert_eq!(verified_status(app, &bob).await, "INACTIVE");
        assert!(app.events("ReferralActivated").await.is_empty());
        app.advance(TimeDelta::hours(1)).await;
        admin.restore(&bob).await.ok();
        assert_eq!(verified_status(app, &bob).await, "ACTIVE");
        let since = "activated_at >= created_at + interval '1 hour'";
        assert_eq!(app.count("referrals", since).await, 1);
        assert_eq!(app.events("ReferralActivated").await.len(), 1);
        assert!(app.events("ReferralDeactivated").await.is_empty());
    });
}

#[test]
fn leaves_the_referral_of_a_banned_miner_inactive() {
    test(async |app| {
        let boss = app.miner().await;
        let bob = app.miner().referred_by(&boss).await;
        app.set_status(&bob, "BANNED").await;
        assert_eq!(verified_status(app, &bob).await, "INACTIVE");
    });
}

#[test]
fn refuses_the_future_beyond_five_minutes() {
    test(async |app| {
        let now = app
            .number("SELECT extract(epoch FROM app_now())::bigint")
            .await;
        let complete = |seconds: i64| {
            let at = chrono::DateTime::from_timestamp(now + seconds, 0).unwrap();
            app.verify(&app.user())
                .with(json!({"completedAt": at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)}))
        };
        let outcome = complete(3_600).await;
        outcome.refused("KYC_IN_FUTURE", Some("completedAt"));
        assert_eq!(app.count("users", "true").await, 0);
        complete(240).await.ok();
    });
}

#[test]
fn rejects_times_before_1970() {
    test(async |app| {
        for bad in ["1969-12-31T23:59:59Z", "-0044-03-15T12:00:00Z"] {
            let outcome = app.verify(&app.user()).with(json!({"completedAt": bad}));
            outcome.await.error("BAD_USER_INPUT");
        }
    });
}

#[test]
fn replays_the_first_time() {
    test(async |app| {
        let bob = app.user();
        let first = app.verify(&bob).key("k").await.ok();
        app.advance(TimeDelta::hours(1)).await;
        assert_eq!(app.verify(&bob).key("k").await.replayed(), first);
    });
}

#[test]
fn stores_no_user_for_forbidden_callers() {
    test(async |app| {
        let subject = app.user().id();
        let input = json!({"userId": subject.to_string()});
        for who in [app.user(), app.admin(), app.service(&[Scope::MiningRead])] {
            who.run(FIELD, input.clone()).await.error("FORBIDDEN");
        }
        assert_eq!(app.audited("mining.kyc_complete").await.len(), 2);
        let stored = format!("id = '{subject}'");
        assert_eq!(app.count("users", &stored).await, 0);
    });
}
