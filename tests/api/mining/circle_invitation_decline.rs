use chrono::TimeDelta;
use serde_json::json;

use super::circling::{self, circle_of, must, people, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleInvitationDecline";

#[test]
fn the_owner_may_ask_again() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let bob = person(app).await;
        let invitation = alice.invite(&bob).await;
        let payload = must(&bob.actor, FIELD, json!({"invitation": invitation})).await;
        assert_eq!(payload["invitation"]["status"], "DECLINED");
        assert!(payload["invitation"]["decidedAt"].is_string());
        assert_eq!(told(app, "CircleInvitationDeclined").await, 1);
        alice.invite(&bob).await;
    });
}

#[test]
fn the_suspended_may() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let bob = person(app).await;
        let invitation = alice.invite(&bob).await;
        circling::set_status(app, &bob, "SUSPENDED").await;
        must(&bob.actor, FIELD, json!({"invitation": invitation})).await;
    });
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let [bob, carol] = people(app).await;
        let input = json!({"invitation": alice.invite(&bob).await});
        let unknown = Some("INVITATION_NOT_FOUND");
        circling::refuses_standing(app, FIELD, input.clone(), unknown).await;
        let about = Some("invitation");
        for other in [&alice, &carol] {
            refused(
                &other.actor,
                FIELD,
                input.clone(),
                "INVITATION_NOT_FOUND",
                about,
            )
            .await;
        }
        must(&bob.actor, FIELD, input.clone()).await;
        refused(&bob.actor, FIELD, input, "INVITATION_NOT_PENDING", about).await;
        let input = json!({"invitation": alice.invite(&bob).await});
        app.advance(TimeDelta::days(7)).await;
        refused(&bob.actor, FIELD, input, "INVITATION_EXPIRED", about).await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let [bob, carol] = people(app).await;
        let input = json!({"invitation": alice.invite(&bob).await});
        let other = json!({"invitation": alice.invite(&carol).await});
        circling::replays(&bob.actor, FIELD, input, other).await;
    });
}
