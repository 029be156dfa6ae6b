use chrono::TimeDelta;
use serde_json::json;

use super::circling::{self, circle_of, must, people, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleInvitationCancel";

#[test]
fn takes_it_back() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let bob = person(app).await;
        let input = json!({"invitation": alice.invite(&bob).await});
        let payload = must(&alice.actor, FIELD, input).await;
        assert_eq!(payload["invitation"]["status"], "CANCELLED");
        assert_eq!(told(app, "CircleInvitationCancelled").await, 1);
        alice.invite(&bob).await;
    });
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let [carol, dina, eve] = people(app).await;
        let input = json!({"invitation": alice.invite(&carol).await});
        let unknown = Some("CIRCLE_NOT_FOUND");
        circling::refuses_standing(app, FIELD, input.clone(), unknown).await;
        refused(&carol.actor, FIELD, input.clone(), "CIRCLE_NOT_FOUND", None).await;
        refused(&bob.actor, FIELD, input.clone(), "NOT_CIRCLE_OWNER", None).await;
        // Another owner's.
        dina.create().await;
        let about = Some("invitation");
        refused(
            &dina.actor,
            FIELD,
            input.clone(),
            "INVITATION_NOT_FOUND",
            about,
        )
        .await;
        must(&alice.actor, FIELD, input.clone()).await;
        refused(&alice.actor, FIELD, input, "INVITATION_NOT_PENDING", about).await;
        let input = json!({"invitation": alice.invite(&eve).await});
        app.advance(TimeDelta::days(7)).await;
        refused(&alice.actor, FIELD, input, "INVITATION_EXPIRED", about).await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let [bob, carol] = people(app).await;
        let input = json!({"invitation": alice.invite(&bob).await});
        let other = json!({"invitation": alice.invite(&carol).await});
        circling::replays(&alice.actor, FIELD, input, other).await;
    });
}
