use serde_json::json;

use super::circling::{self, circle_of, must, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleRename";

#[test]
fn gives_another_name() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let payload = must(&alice.actor, FIELD, json!({"name": " Day shift"})).await;
        assert_eq!(payload["circle"]["name"], "Day shift");
        assert_eq!(bob.standing().await.2["name"], "Day shift");
        // The same name again is no news.
        must(&alice.actor, FIELD, json!({"name": "Day shift"})).await;
        assert_eq!(told(app, "CircleRenamed").await, 1);
    });
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        circling::refuses_standing(app, FIELD, json!({"name": "A"}), Some("CIRCLE_NOT_FOUND"))
            .await;
        let [alice, bob] = circle_of(app).await;
        let nobody = person(app).await;
        for who in [&alice, &bob, &nobody] {
            let input = json!({"name": " "});
            refused(
                &who.actor,
                FIELD,
                input,
                "CIRCLE_NAME_INVALID",
                Some("name"),
            )
            .await;
        }
        let input = json!({"name": "A"});
        refused(
            &nobody.actor,
            FIELD,
            input.clone(),
            "CIRCLE_NOT_FOUND",
            None,
        )
        .await;
        refused(&bob.actor, FIELD, input, "NOT_CIRCLE_OWNER", None).await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        circling::replays(
            &alice.actor,
            FIELD,
            json!({"name": "A"}),
            json!({"name": "B"}),
        )
        .await;
    });
}
