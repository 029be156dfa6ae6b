use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::{Actor, Miner, assert_includes, at_once, test};

#[test]
fn ends_memberships_and_invitations() {
    test(async |app| {
        let [alice, bob, carol] = app.circle().await;
        let dina = app.miner().await;
        alice.invite(&dina).await;
        let circle = alice.disband().await.ok()["circle"].clone();
        assert_includes(
            &circle,
            &json!({"status": "DISBANDED", "memberCount": 0, "members": []}),
        );
        for member in [&alice, &bob, &carol] {
            assert_eq!(member.role_and_circle_bonus().await, ["PIONEER", "0.0000"]);
            assert_eq!(member.own_circle("name").await, Value::Null);
        }
        assert_eq!(app.events("CircleDisbanded").await.len(), 1);
        assert_eq!(app.events("CircleInvitationCancelled").await.len(), 1);
        let received = dina
            .viewer("circleInvitations(first: 1) { nodes { status } }")
            .await;
        assert_eq!(
            received["circleInvitations"]["nodes"][0]["status"],
            "CANCELLED"
        );
        // A command of the owner is not audited.
        assert!(app.audit_log().await.is_empty());
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        refuses_inactive(app, Actor::disband, Some("CIRCLE_NOT_FOUND")).await;
        let [_, bob] = app.circle().await;
        let nobody = app.miner().await;
        nobody.disband().await.refused("CIRCLE_NOT_FOUND", None);
        bob.disband().await.refused("NOT_CIRCLE_OWNER", None);
    });
}

/// The id of an owner's circle.
async fn circle_of(owner: &Miner) -> Value {
    owner.own_circle("id").await["id"].clone()
}

#[test]
fn lets_administrators_disband_circles_of_others() {
    test(async |app| {
        let admin = app.admin();
        let [alice, bob, carol] = app.circle().await;
        let circle = circle_of(&alice).await;
        let uuid = alice.own_circle("uuid").await["uuid"].clone();
        let payload = admin.force_disband(&circle).await.ok();
        assert_eq!(payload["circle"]["status"], "DISBANDED");
        assert_eq!(carol.role().await, "PIONEER");
        let audited = app.audited("mining.circle_force_disband").await;
        assert_eq!(audited.len(), 1);
        let entry = &audited[0];
        assert_eq!(entry.outcome, "APPLIED");
        assert_eq!(entry.entity_kind.as_deref(), Some("circle"));
        assert_eq!(json!(entry.entity_id), uuid);
        assert_eq!(entry.reason.as_deref(), Some("a test"));
        assert_eq!(entry.before["status"], "ACTIVE");
        assert_eq!(entry.before["members"].as_array().unwrap().len(), 3);
        assert_eq!(entry.after["status"], "DISBANDED");
        admin
            .force_disband(&circle)
            .await
            .refused("CIRCLE_DISBANDED", Some("circleId"));
        // Only the owner has a cooldown.
        bob.create_circle().await.ok();
        alice.create_circle().await.refused("CIRCLE_COOLDOWN", None);
    });
}

#[test]
fn refuses_administrators_in_documented_order() {
    test(async |app| {
        let admin = app.admin();
        let [gone] = app.circle().await;
        let unknown = circle_of(&gone).await;
        app.sql(
            "DELETE FROM circle_members; UPDATE miners SET circle_id = NULL, is_circle_valid = false; DELETE FROM circles",
        )
        .await;
        for reason in [json!(" "), json!("r".repeat(501))] {
            let outcome = admin
                .force_disband(&unknown)
                .with(json!({"reason": reason}));
            outcome.await.refused("REASON_INVALID", Some("reason"));
        }
        let path = Some("circleId");
        admin
            .force_disband(&unknown)
            .await
            .refused("CIRCLE_NOT_FOUND", path);
        admin.register().await.ok();
        let own = admin.create_circle().await.ok()["circle"]["id"].clone();
        admin.force_disband(&own).await.refused("OWN_ACCOUNT", path);
        for name in ["NotFound", "OwnCircle"] {
            let entries = app.audited_refusals(name).await;
            assert_eq!(entries.len(), 1, "{name}");
            assert_eq!(entries[0].reason.as_deref(), Some("a test"));
        }
        // Their own circle they disband like other owners, without a reason.
        let outcome = admin.disband().with(json!({"reason": "mine"})).await;
        outcome.error("BAD_USER_INPUT");
        admin.disband().await.ok();
    });
}

#[test]
fn allows_only_administrators_to_name_a_circle() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let circle = circle_of(&alice).await;
        for who in [alice.actor(), bob.actor(), app.support()] {
            who.force_disband(&circle).await.error("FORBIDDEN");
        }
        let audited = app.audited("mining.circle_force_disband").await;
        let outcomes: Vec<_> = audited.iter().map(|entry| &entry.outcome).collect();
        assert_eq!(outcomes, ["FORBIDDEN"]);
    });
}

#[test]
fn disbands_once_of_two_at_once() {
    test(async |app| {
        let admin = app.admin();
        for round in 0..10 {
            let [alice, _bob, _carol] = app.circle().await;
            let circle = circle_of(&alice).await;
            let outcomes = at_once([alice.disband(), admin.force_disband(&circle)]).await;
            let refusals = outcomes.refusals();
            assert!(
                refusals == [None, Some("CIRCLE_DISBANDED")]
                    || refusals == [Some("CIRCLE_NOT_FOUND"), None],
                "round {round}: {refusals:?}"
            );
        }
    });
}
