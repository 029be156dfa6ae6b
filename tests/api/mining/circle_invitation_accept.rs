use chrono::TimeDelta;
use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::{Event, Miner, TestApp, assert_includes, at_once, test};

#[test]
fn activates_the_circle_with_its_third_member() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let carol = app.miner().await;
        assert_eq!(bob.role().await, "PIONEER");
        let payload = alice.take_in(&carol).await;
        assert_includes(
            &payload,
            &json!({
                "invitation": {"status": "ACCEPTED", "circle": {"status": "ACTIVE", "memberCount": 3}},
            }),
        );
        assert!(payload["invitation"]["decidedAt"].is_string());
        for member in [&alice, &bob, &carol] {
            assert_eq!(
                member.role_and_circle_bonus().await,
                ["CONTRIBUTOR", "0.2500"]
            );
            assert_eq!(member.own_circle("memberCount").await["memberCount"], 3);
        }
        let completed = app.events("CircleCompleted").await;
        assert_eq!(completed.len(), 1);
        assert_includes(
            &completed[0].payload,
            &json!({
                "memberCount": 3, "bonusMultiplier": "0.2500", "circleId": completed[0].subject_id,
                "ownerId": alice.uuid,
            }),
        );
        assert_eq!(app.events("CircleMemberJoined").await.len(), 2);
        assert_eq!(app.events("CircleInvitationAccepted").await.len(), 2);
        let roles = app.events("MinerRoleChanged").await;
        assert_eq!(roles.len(), 3);
        let is_promotion = |event: &Event| event.payload["newRole"] == "CONTRIBUTOR";
        assert!(roles.iter().all(is_promotion));
        // The circle's events are numbered without a gap, up to its version.
        let mut numbers: Vec<i64> = app
            .all_events()
            .await
            .iter()
            .filter(|event| event.subject_id == completed[0].subject_id)
            .map(|event| event.sequence)
            .collect();
        numbers.sort_unstable();
        let version = app.row("circles", "true").await["version"].as_i64();
        assert_eq!(numbers, (1..=version.unwrap()).collect::<Vec<_>>());
    });
}

#[test]
fn keeps_higher_roles() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let carol = app.miner().await;
        app.admin().grant_node_operator(&bob).await.ok();
        alice.take_in(&carol).await;
        assert_eq!(bob.role().await, "NODE_OPERATOR");
        assert_eq!(alice.role().await, "CONTRIBUTOR");
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| {
        let [alice] = app.circle().await;
        let invitation = alice.invite(&app.miner().await).await;
        refuses_inactive(app, |who| who.accept(&invitation), None).await;
    });
}

/// The owner of a circle, a miner, and an invitation from one to the other.
async fn invited(app: &TestApp) -> (Miner, Miner, Value) {
    let [alice] = app.circle().await;
    let bob = app.miner().await;
    let invitation = alice.invite(&bob).await;
    (alice, bob, invitation)
}

#[test]
fn refuses_members_of_a_circle() {
    test(async |app| {
        let (_, bob, invitation) = invited(app).await;
        bob.create_circle().await.ok();
        let outcome = bob.accept(&invitation).await;
        outcome.refused("ALREADY_IN_CIRCLE", None);
    });
}

#[test]
fn refuses_invitations_of_others() {
    test(async |app| {
        let (_, _, invitation) = invited(app).await;
        let carol = app.miner().await;
        let outcome = carol.accept(&invitation).await;
        outcome.refused("INVITATION_NOT_FOUND", Some("invitationId"));
        let outcome = carol.accept(&json!(carol.profile)).await;
        outcome.error("BAD_USER_INPUT");
    });
}

#[test]
fn refuses_decided_invitations() {
    test(async |app| {
        for end in ["decline", "cancel", "disband"] {
            let (alice, bob, invitation) = invited(app).await;
            match end {
                "decline" => bob.decline(&invitation),
                "cancel" => alice.cancel(&invitation),
                _ => alice.disband(),
            }
            .await
            .ok();
            let outcome = bob.accept(&invitation).await;
            outcome.refused("INVITATION_NOT_PENDING", Some("invitationId"));
        }
    });
}

#[test]
fn refuses_expired_invitations() {
    test(async |app| {
        let (_, bob, invitation) = invited(app).await;
        app.advance(TimeDelta::days(7)).await;
        let outcome = bob.accept(&invitation).await;
        outcome.refused("INVITATION_EXPIRED", Some("invitationId"));
    });
}

#[test]
fn refuses_former_members_in_cooldown() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let [carol] = app.circle().await;
        bob.leave().await.ok();
        app.advance(TimeDelta::hours(100)).await;
        let invitation = carol.invite(&bob).await;
        let outcome = bob.accept(&invitation).await;
        outcome.refused("CIRCLE_COOLDOWN", None);
        app.advance(TimeDelta::hours(68)).await;
        let payload = bob.accept(&invitation).await.ok();
        assert_eq!(payload["invitation"]["circle"]["memberCount"], 2);
        assert_eq!(alice.own_circle("memberCount").await["memberCount"], 1);
    });
}

#[test]
fn refuses_a_sixth_member() {
    test(async |app| {
        let [alice, ..] = app.circle::<4>().await;
        let [eve, finn] = app.miners().await;
        let (first, second) = (alice.invite(&eve).await, alice.invite(&finn).await);
        eve.accept(&first).await.ok();
        finn.accept(&second).await.refused("CIRCLE_FULL", None);
    });
}

#[test]
fn refuses_a_place_in_cooldown() {
    test(async |app| {
        let [alice, bob, carol, ..] = app.circle::<5>().await;
        let [eve, finn] = app.miners().await;
        bob.leave().await.ok();
        app.advance(TimeDelta::hours(10)).await;
        alice.remove(&carol).await.ok();
        app.advance(TimeDelta::hours(90)).await;
        let invitation = alice.invite(&eve).await;
        let cooling = "CIRCLE_PLACE_COOLING";
        eve.accept(&invitation).await.refused(cooling, None);
        // The first of two places ends its cooldown.
        app.advance(TimeDelta::hours(67)).await;
        eve.accept(&invitation).await.refused(cooling, None);
        app.advance(TimeDelta::hours(1)).await;
        eve.accept(&invitation).await.ok();
        let invitation = alice.invite(&finn).await;
        finn.accept(&invitation).await.refused(cooling, None);
        app.advance(TimeDelta::hours(10)).await;
        finn.accept(&invitation).await.ok();
    });
}

#[test]
fn gives_the_last_place_to_one_of_two() {
    test(async |app| {
        for _ in 0..5 {
            let [alice, ..] = app.circle::<4>().await;
            let [eve, finn] = app.miners().await;
            let (first, second) = (alice.invite(&eve).await, alice.invite(&finn).await);
            let accepted = at_once([eve.accept(&first), finn.accept(&second)]).await;
            accepted.one_applied("CIRCLE_FULL");
            assert_eq!(alice.own_circle("memberCount").await["memberCount"], 5);
        }
    });
}

#[test]
fn accepts_an_invitation_once() {
    test(async |app| {
        for _ in 0..10 {
            let (_, bob, invitation) = invited(app).await;
            let accepted = at_once([bob.accept(&invitation), bob.accept(&invitation)]).await;
            accepted.one_applied("ALREADY_IN_CIRCLE");
        }
    });
}

#[test]
fn accepts_one_of_two_invitations() {
    test(async |app| {
        for _ in 0..10 {
            let [alice] = app.circle().await;
            let [bob] = app.circle().await;
            let carol = app.miner().await;
            let (first, second) = (alice.invite(&carol).await, bob.invite(&carol).await);
            let accepted = at_once([carol.accept(&first), carol.accept(&second)]).await;
            accepted.one_applied("ALREADY_IN_CIRCLE");
        }
    });
}

#[test]
fn leaves_no_member_of_a_circle_disbanded_at_once() {
    test(async |app| {
        for round in 0..10 {
            let (alice, bob, invitation) = invited(app).await;
            let outcomes = at_once([bob.accept(&invitation), alice.disband()]).await;
            let refusals = outcomes.refusals();
            assert_eq!(refusals[1], None, "round {round}");
            let expected = [None, Some("INVITATION_NOT_PENDING")];
            assert!(
                expected.contains(&refusals[0]),
                "round {round}: {refusals:?}"
            );
            let circle = bob.own_circle("name").await;
            assert_eq!(circle, Value::Null, "round {round}");
        }
    });
}

#[test]
fn decides_an_invitation_once_against_a_cancel() {
    test(async |app| {
        for round in 0..10 {
            let (alice, bob, invitation) = invited(app).await;
            let outcomes = at_once([bob.accept(&invitation), alice.cancel(&invitation)]).await;
            outcomes.one_applied("INVITATION_NOT_PENDING");
            let is_member = outcomes.refusals()[0].is_none();
            let circle = bob.own_circle("name").await;
            assert_eq!(circle.is_object(), is_member, "round {round}");
        }
    });
}
