use chrono::TimeDelta;
use serde_json::{Value, json};

use super::decisions;
use crate::support::{Miner, TestApp, assert_includes, at_once, test};

const FIELD: &str = "minerSuspend";

#[test]
fn stops_starts_and_claims() {
    test(async |app| {
        let alice = app.miner().ready().await;
        let suspended = app.admin().suspend(&alice).await.ok();
        assert_eq!(suspended["miner"]["status"], "SUSPENDED");
        alice.claim().await.refused("MINER_SUSPENDED", None);
        alice.start().await.refused("MINER_SUSPENDED", None);
        assert_eq!(alice.points().await, "0.0000");
        // Suspended miners are on no leaderboard.
        let top = "{ leaderboard { entries { rank } } }";
        let top = alice.get(top, json!({})).await;
        assert_eq!(top["leaderboard"]["entries"], json!([]));
        let audited = app.audited("mining.miner_suspend").await;
        assert_eq!(audited.len(), 1);
        let entry = &audited[0];
        assert_eq!(entry.outcome, "APPLIED");
        assert_eq!(entry.entity_kind.as_deref(), Some("miner"));
        assert_eq!(entry.entity_id, Some(alice.id().to_string()));
        assert_eq!(entry.reason.as_deref(), Some("a test"));
        assert!(entry.roles.contains(&"ADMIN".to_owned()));
        assert_eq!(entry.before["status"], "ACTIVE");
        assert_eq!(entry.after["status"], "SUSPENDED");
        assert!(entry.after["suspendedAt"].is_string());
        assert_eq!(app.events("MinerSuspended").await.len(), 1);
    });
}

#[test]
fn finds_a_miner_by_each_of_its_names() {
    test(async |app| {
        let admin = app.admin();
        for (by, path) in [
            ("id", "/id"),
            ("uuid", "/uuid"),
            ("userId", "/user/uuid"),
            ("code", "/referralCode"),
        ] {
            let miner = app.user().register().await.ok()["miner"].clone();
            let outcome = admin.decide_about(FIELD, &json!({by: miner.pointer(path)}));
            let outcome = outcome.await;
            outcome.ok();
        }
    });
}

#[test]
fn keeps_the_streak_during_the_suspension() {
    test(async |app| {
        let alice = app.miner().streak(3).await;
        app.admin().suspend(&alice).await.ok();
        app.advance(TimeDelta::days(100)).await;
        let selection = "profile { streakDays } streak { status streakDays }";
        assert_eq!(
            alice.own_miner(selection).await,
            json!({"profile": {"streakDays": 3}, "streak": {"status": "ON_TIME", "streakDays": 3}})
        );
    });
}

/// A miner with five active referrals, and the miners they brought.
async fn ambassador(app: &TestApp) -> (Miner, Vec<Miner>) {
    let boss = app.miner().await;
    let mut brought = Vec::new();
    for _ in 0..5 {
        brought.push(app.miner().verified().referred_by(&boss).await);
    }
    (boss, brought)
}

async fn role_and_bonus(boss: &Miner) -> Value {
    boss.own_miner("role rate { referralBonusRate }").await
}

#[test]
fn deactivates_the_referral_that_brought_the_miner() {
    test(async |app| {
        let admin = app.admin();
        let (boss, brought) = ambassador(app).await;
        let full = json!({"role": "AMBASSADOR", "rate": {"referralBonusRate": "1.0000"}});
        assert_eq!(role_and_bonus(&boss).await, full);
        let selection = "__typename miner { role }
            ... on MinerRoleChanged { previousRole role } ... on ReferralDeactivated { referral { status bonusRate } }";
        let mut events = app.follow(&boss, selection).await;
        admin.suspend(&brought[0]).await.ok();
        admin.suspend(&brought[1]).await.ok();
        assert_eq!(
            role_and_bonus(&boss).await,
            json!({"role": "PIONEER", "rate": {"referralBonusRate": "0.7500"}})
        );
        assert_includes(
            &events.next().await,
            &json!({"__typename": "ReferralDeactivated", "referral": {"status": "INACTIVE", "bonusRate": "0.2500"}}),
        );
        assert_includes(
            &events.next().await,
            &json!({"__typename": "MinerRoleChanged", "previousRole": "AMBASSADOR", "role": "PIONEER"}),
        );
        admin.restore(&brought[0]).await.ok();
        admin.restore(&brought[1]).await.ok();
        assert_eq!(role_and_bonus(&boss).await, full);
    });
}

#[test]
fn keeps_a_pending_referral_pending() {
    test(async |app| {
        let admin = app.admin();
        let boss = app.miner().await;
        let friend = app.miner().referred_by(&boss).await;
        admin.suspend(&friend).await.ok();
        admin.restore(&friend).await.ok();
        assert_eq!(app.count("referrals", "status = 'PENDING'").await, 1);
    });
}

#[test]
fn delivers_the_change_to_subscribers() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let selection = "__typename sequence miner { status }
            ... on MinerStatusChanged { previousStatus status }";
        let mut events = app.follow(&alice, selection).await;
        admin.suspend(&alice).await.ok();
        assert_eq!(
            events.next().await,
            json!({"__typename": "MinerStatusChanged", "sequence": "2", "miner": {"status": "SUSPENDED"},
                "previousStatus": "ACTIVE", "status": "SUSPENDED"})
        );
        admin.restore(&alice).await.ok();
        assert_eq!(
            events.next().await,
            json!({"__typename": "MinerStatusChanged", "sequence": "3", "miner": {"status": "ACTIVE"},
                "previousStatus": "SUSPENDED", "status": "ACTIVE"})
        );
    });
}

#[test]
fn refuses_unknown_and_own_miners() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_suspended_and_banned_miners() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        admin.suspend(&alice).await.ok();
        admin.suspend(&alice).await.refused("MINER_SUSPENDED", None);
        app.set_status(&alice, "BANNED").await;
        admin.suspend(&alice).await.refused("MINER_BANNED", None);
    });
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| decisions::rejects_ids_of_other_types(app, FIELD).await);
}

#[test]
fn suspends_once_of_two_at_once() {
    test(async |app| {
        let (one, other) = (app.admin(), app.admin());
        let alice = app.miner().await;
        for _ in 0..10 {
            let suspended = at_once([one.suspend(&alice), other.suspend(&alice)]).await;
            suspended.one_applied("MINER_SUSPENDED");
            one.restore(&alice).await.ok();
        }
    });
}

#[test]
fn pays_or_refuses_a_claim_at_the_same_time() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        for round in 0..20 {
            app.mine(&[&alice]).await;
            let outcomes = at_once([alice.claim(), admin.suspend(&alice)]).await;
            let refusals = outcomes.refusals();
            assert_eq!(refusals[1], None, "round {round}");
            let is_claimed = refusals[0].is_none();
            let claimed = app.count("mining_sessions", "status = 'CLAIMED'").await;
            assert_eq!(claimed, round + i64::from(is_claimed), "round {round}");
            admin.restore(&alice).await.ok();
            if !is_claimed {
                alice.claim().await.ok();
            }
        }
        assert_eq!(app.row_of(&alice).await["current_streak"], 20);
    });
}

#[test]
fn suspends_both_sides_of_a_referral_without_deadlock() {
    test(async |app| {
        let (one, other) = (app.admin(), app.admin());
        let (boss, brought) = ambassador(app).await;
        for _ in 0..10 {
            for field in [FIELD, "minerRestore"] {
                let both = [one.decide(field, &brought[0]), other.decide(field, &boss)];
                let both = at_once(both).await.all_ok();
                assert_eq!(both[0]["miner"]["status"], both[1]["miner"]["status"]);
            }
        }
        assert_eq!(role_and_bonus(&boss).await["role"], "AMBASSADOR");
    });
}

#[test]
fn refuses_reasons_with_hidden_characters() {
    test(async |app| {
        let alice = app.miner().await;
        let suspend = |reason: &str| {
            let input = json!({"miner": alice.by_user(), "reason": reason});
            app.admin().run(FIELD, input)
        };
        for reason in [
            "a\u{202E}b",
            "a\nb",
            "\u{3164}",
            "a\u{E0041}b",
            "a\u{10FFFF}",
        ] {
            suspend(reason)
                .await
                .refused("REASON_INVALID", Some("reason"));
        }
        suspend(" vi pha\u{323}m ").await.ok();
        let audited = app.audited("mining.miner_suspend").await;
        let applied = audited.iter().find(|entry| entry.outcome == "APPLIED");
        assert_eq!(applied.unwrap().reason.as_deref(), Some("vi phạm"));
    });
}
