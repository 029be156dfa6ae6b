use serde_json::json;

use super::circling::{self, ask, circle_of, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleMemberRemove";

#[test]
fn everybodys_role_follows_at_once() {
    test(async |app| {
        let [alice, bob, carol, dina] = circle_of(app).await;
        let circle = alice.remove(&dina).await["circle"].clone();
        assert_eq!(
            (
                &circle["status"],
                &circle["memberCount"],
                &circle["trustScore"]
            ),
            (&json!("ACTIVE"), &json!(3), &json!(60))
        );
        let (role, bonus, own) = dina.standing().await;
        assert_eq!((role.as_str(), bonus.as_str()), ("PIONEER", "0.0000"));
        assert_eq!(own, json!(null));
        assert_eq!(bob.role().await, "CONTRIBUTOR");
        let circle = alice.remove(&carol).await["circle"].clone();
        assert_eq!(
            (&circle["status"], &circle["memberCount"]),
            (&json!("INCOMPLETE"), &json!(2))
        );
        for member in [&alice, &bob, &carol] {
            assert_eq!(member.role().await, "PIONEER");
        }
        assert_eq!(told(app, "CircleIncomplete").await, 1);
        let left = "SELECT count(*) FROM outbox WHERE name = 'CircleMemberLeft' AND payload->>'how' = 'REMOVED'";
        assert_eq!(app.number(left).await, 2);
    });
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let carol = person(app).await;
        let input = |whom: &circling::Person| json!({"member": whom.profile});
        let unknown = Some("CIRCLE_NOT_FOUND");
        circling::refuses_standing(app, FIELD, input(&bob), unknown).await;
        refused(&carol.actor, FIELD, input(&bob), "CIRCLE_NOT_FOUND", None).await;
        refused(&bob.actor, FIELD, input(&alice), "NOT_CIRCLE_OWNER", None).await;
        let about = Some("member");
        refused(
            &alice.actor,
            FIELD,
            input(&carol),
            "MEMBER_NOT_FOUND",
            about,
        )
        .await;
        refused(
            &alice.actor,
            FIELD,
            input(&alice),
            "OWNER_CANNOT_BE_REMOVED",
            about,
        )
        .await;
        let viewer = alice.actor.get("{ viewer { id } }", json!({})).await["viewer"]["id"].clone();
        let answer = ask(&alice.actor, FIELD, json!({"member": viewer})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let [alice, bob, carol] = circle_of(app).await;
        let input = |whom: &circling::Person| json!({"member": whom.profile});
        circling::replays(&alice.actor, FIELD, input(&bob), input(&carol)).await;
    });
}

#[test]
fn who_leaves_at_the_same_time_goes_once() {
    test(async |app| {
        for round in 0..10 {
            let [alice, bob] = circle_of(app).await;
            let (removed, left) = tokio::join!(
                ask(&alice.actor, FIELD, json!({"member": bob.profile})),
                ask(&bob.actor, "circleLeave", json!({}))
            );
            let outcome = (removed.refusals(), left.refusals());
            assert!(
                outcome == (vec![], vec!["CIRCLE_NOT_FOUND"])
                    || outcome == (vec!["MEMBER_NOT_FOUND"], vec![]),
                "round {round}: {outcome:?}"
            );
            assert_eq!(alice.standing().await.2["memberCount"], 1);
        }
    });
}
