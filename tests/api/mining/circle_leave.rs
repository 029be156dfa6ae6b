use serde_json::json;

use super::standing::refuses_inactive;
use crate::support::{Actor, at_once, test};

#[test]
fn updates_all_roles_with_the_leave() {
    test(async |app| {
        let [alice, bob, carol] = app.circle().await;
        let payload = bob.leave().await.ok();
        assert_eq!(payload["miner"], json!({"role": "PIONEER", "circle": null}));
        for member in [&alice, &carol] {
            assert_eq!(member.role_and_circle_bonus().await, ["PIONEER", "0.0000"]);
            let circle = member.own_circle("status").await;
            assert_eq!(circle, json!({"status": "INCOMPLETE"}));
        }
        assert_eq!(app.events("CircleIncomplete").await.len(), 1);
        let left = app.events("CircleMemberLeft").await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].payload["how"], "LEFT");
    });
}

#[test]
fn counts_suspended_members_and_lets_them_leave() {
    test(async |app| {
        let [alice, bob, carol] = app.circle().await;
        app.set_status(&bob, "SUSPENDED").await;
        assert_eq!(carol.role().await, "CONTRIBUTOR");
        bob.leave().await.ok();
        assert_eq!(alice.role().await, "PIONEER");
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        refuses_inactive(app, Actor::leave, Some("CIRCLE_NOT_FOUND")).await;
        let [alice] = app.circle().await;
        let nobody = app.miner().await;
        nobody.leave().await.refused("CIRCLE_NOT_FOUND", None);
        alice.leave().await.refused("OWNER_CANNOT_LEAVE", None);
    });
}

#[test]
fn applies_all_leaves_at_once() {
    test(async |app| {
        for _ in 0..5 {
            let [alice, bob, carol, dina] = app.circle().await;
            let left = at_once([bob.leave(), carol.leave(), dina.leave()]).await;
            left.all_ok();
            assert_eq!(
                alice.own_circle("name memberCount status").await,
                json!({"name": "Night shift", "memberCount": 1, "status": "INCOMPLETE"})
            );
        }
    });
}

#[test]
fn hides_the_circle_from_replays_of_a_former_member() {
    test(async |app| {
        let [alice] = app.circle().await;
        let bob = app.miner().await;
        let invitation = alice.invite(&bob).await;
        let accept = || {
            let run = bob.accept(&invitation).key("k");
            run.select("invitation { status circle { members { joinedAt } } }")
        };
        let joined = accept().await.ok();
        let members = joined["invitation"]["circle"]["members"].as_array();
        assert_eq!(members.map(Vec::len), Some(2));
        bob.leave().await.ok();
        let replay = accept().await.replayed();
        assert_eq!(replay["invitation"]["status"], "ACCEPTED");
        assert_eq!(replay["invitation"]["circle"]["members"], json!(null));
    });
}

#[test]
fn decides_anew_once_the_caller_is_a_miner() {
    test(async |app| {
        let nobody = app.user();
        let outcome = nobody.leave().key("k").await;
        outcome.refused("MINER_NOT_FOUND", None);
        nobody.register().await.ok();
        let outcome = nobody.leave().key("k").await;
        outcome.refused("CIRCLE_NOT_FOUND", None);
        assert!(!outcome.is_replay());
    });
}
