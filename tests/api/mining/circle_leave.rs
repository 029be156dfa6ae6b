use serde_json::json;

use super::circling::{self, ask, circle_of, must, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleLeave";

#[test]
fn everybodys_role_follows_at_once() {
    test(async |app| {
        let [alice, bob, carol] = circle_of(app).await;
        let payload = bob.leave().await;
        assert_eq!(payload["miner"], json!({"role": "PIONEER", "circle": null}));
        for member in [&alice, &carol] {
            let (role, bonus, circle) = member.standing().await;
            assert_eq!((role.as_str(), bonus.as_str()), ("PIONEER", "0.0000"));
            assert_eq!(circle["status"], "INCOMPLETE");
        }
        assert_eq!(told(app, "CircleIncomplete").await, 1);
        let left = "SELECT count(*) FROM outbox WHERE name = 'CircleMemberLeft' AND payload->>'how' = 'LEFT'";
        assert_eq!(app.number(left).await, 1);
    });
}

#[test]
fn the_suspended_count_and_may_leave() {
    test(async |app| {
        let [alice, bob, carol] = circle_of(app).await;
        circling::set_status(app, &bob, "SUSPENDED").await;
        assert_eq!(carol.role().await, "CONTRIBUTOR");
        must(&bob.actor, FIELD, json!({})).await;
        assert_eq!(alice.role().await, "PIONEER");
    });
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        circling::refuses_standing(app, FIELD, json!({}), Some("CIRCLE_NOT_FOUND")).await;
        let [alice] = circle_of(app).await;
        let nobody = person(app).await;
        refused(&nobody.actor, FIELD, json!({}), "CIRCLE_NOT_FOUND", None).await;
        refused(&alice.actor, FIELD, json!({}), "OWNER_CANNOT_LEAVE", None).await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let [_, bob] = circle_of(app).await;
        let input = json!({"idempotencyKey": "k"});
        let first = must(&bob.actor, FIELD, input.clone()).await;
        let again = ask(&bob.actor, FIELD, input).await;
        assert_eq!(again.body["data"][FIELD], first);
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([[FIELD]])
        );
    });
}

#[test]
fn all_who_leave_at_once_go() {
    test(async |app| {
        for _ in 0..5 {
            let [alice, bob, carol, dina] = circle_of(app).await;
            tokio::join!(bob.leave(), carol.leave(), dina.leave());
            assert_eq!(
                alice.standing().await.2,
                json!({"name": "Night shift", "memberCount": 1, "status": "INCOMPLETE"})
            );
        }
    });
}
