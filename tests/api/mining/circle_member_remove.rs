use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::{assert_includes, at_once, test};

#[test]
fn updates_all_roles_with_the_removal() {
    test(async |app| {
        let [alice, bob, carol, dina] = app.circle().await;
        let circle = alice.remove(&dina).await.ok()["circle"].clone();
        assert_includes(
            &circle,
            &json!({"status": "ACTIVE", "memberCount": 3, "trustScore": 60}),
        );
        assert_eq!(dina.role_and_circle_bonus().await, ["PIONEER", "0.0000"]);
        assert_eq!(dina.own_circle("name").await, Value::Null);
        assert_eq!(bob.role().await, "CONTRIBUTOR");
        let circle = alice.remove(&carol).await.ok()["circle"].clone();
        assert_includes(&circle, &json!({"status": "INCOMPLETE", "memberCount": 2}));
        for member in [&alice, &bob, &carol] {
            assert_eq!(member.role().await, "PIONEER");
        }
        assert_eq!(app.events("CircleIncomplete").await.len(), 1);
        let left = app.events("CircleMemberLeft").await;
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|event| event.payload["how"] == "REMOVED"));
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let carol = app.miner().await;
        refuses_inactive(app, |who| who.remove(&bob), Some("CIRCLE_NOT_FOUND")).await;
        carol.remove(&bob).await.refused("CIRCLE_NOT_FOUND", None);
        bob.remove(&alice).await.refused("NOT_CIRCLE_OWNER", None);
        let path = Some("memberId");
        alice.remove(&carol).await.refused("MEMBER_NOT_FOUND", path);
        alice
            .remove(&alice)
            .await
            .refused("OWNER_CANNOT_BE_REMOVED", path);
    });
}

#[test]
fn rejects_ids_of_other_types() {
    test(async |app| {
        let [alice] = app.circle().await;
        let viewer = alice.viewer("id").await["id"].clone();
        let outcome = alice.remove(&alice).with(json!({"memberId": viewer})).await;
        outcome.error("BAD_USER_INPUT");
    });
}

#[test]
fn ends_a_membership_once_against_a_leave() {
    test(async |app| {
        for round in 0..10 {
            let [alice, bob] = app.circle().await;
            let outcomes = at_once([alice.remove(&bob), bob.leave()]).await;
            let refusals = outcomes.refusals();
            assert!(
                refusals == [None, Some("CIRCLE_NOT_FOUND")]
                    || refusals == [Some("MEMBER_NOT_FOUND"), None],
                "round {round}: {refusals:?}"
            );
            assert_eq!(
                alice.own_circle("memberCount").await,
                json!({"memberCount": 1})
            );
        }
    });
}
