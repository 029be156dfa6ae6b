use chrono::TimeDelta;
use serde_json::{Value, json};

use super::circling::{self, Person, ask, circle_of, people, person, refused, told};
use crate::support::{TestApp, test};

const FIELD: &str = "circleInvitationAccept";

#[test]
fn the_third_member_makes_the_circle_count() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let carol = person(app).await;
        assert_eq!(bob.role().await, "PIONEER");
        let payload = alice.take_in(&carol).await;
        assert_eq!(
            (
                &payload["circle"]["status"],
                &payload["circle"]["memberCount"]
            ),
            (&json!("ACTIVE"), &json!(3))
        );
        assert_eq!(payload["invitation"]["status"], "ACCEPTED");
        assert!(payload["invitation"]["decidedAt"].is_string());
        for member in [&alice, &bob, &carol] {
            let (role, bonus, circle) = member.standing().await;
            assert_eq!((role.as_str(), bonus.as_str()), ("CONTRIBUTOR", "0.2500"));
            assert_eq!(circle["memberCount"], 3);
        }
        let completed = "SELECT count(*) FROM outbox WHERE name = 'CircleCompleted' AND payload->>'memberCount' = '3'
            AND payload->>'bonusMultiplier' = '0.2500' AND payload->>'circleId' = subject_id::text
            AND (payload->>'ownerId')::uuid = (SELECT owner_id FROM circles)";
        assert_eq!(app.number(completed).await, 1);
        assert_eq!(told(app, "CircleMemberJoined").await, 2);
        assert_eq!(told(app, "CircleInvitationAccepted").await, 2);
        let roles = "SELECT count(*) FROM outbox WHERE name = 'MinerRoleChanged' AND payload->>'newRole' = 'CONTRIBUTOR'";
        assert_eq!(app.number(roles).await, 3);
        // The circle's events are numbered without a gap, up to its version.
        let numbered = "SELECT count(*) FROM outbox o JOIN circles c ON c.id = o.subject_id
            WHERE o.sequence BETWEEN 1 AND c.version";
        assert_eq!(
            app.number(numbered).await,
            app.number("SELECT version FROM circles").await
        );
    });
}

#[test]
fn higher_roles_stay() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let carol = person(app).await;
        let user = bob.actor.id();
        app.sql(&format!(
            "UPDATE miners SET role = 'NODE_OPERATOR' WHERE user_id = '{user}'"
        ))
        .await;
        alice.take_in(&carol).await;
        assert_eq!(bob.role().await, "NODE_OPERATOR");
        assert_eq!(alice.role().await, "CONTRIBUTOR");
    });
}

#[test]
fn refuses_by_standing() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let invitation = alice.invite(&person(app).await).await;
        circling::refuses_standing(app, FIELD, json!({"invitation": invitation}), None).await;
    });
}

/// An invitation of somebody's circle to somebody else.
async fn invited(app: &TestApp) -> (Person, Person, Value) {
    let [alice] = circle_of(app).await;
    let bob = person(app).await;
    let invitation = json!({"invitation": alice.invite(&bob).await});
    (alice, bob, invitation)
}

#[test]
fn refuses_who_is_in_a_circle() {
    test(async |app| {
        let (_, bob, input) = invited(app).await;
        bob.create().await;
        refused(&bob.actor, FIELD, input, "ALREADY_IN_CIRCLE", None).await;
    });
}

#[test]
fn refuses_what_is_not_for_the_caller() {
    test(async |app| {
        let (_, _, input) = invited(app).await;
        let carol = person(app).await;
        let about = Some("invitation");
        refused(&carol.actor, FIELD, input, "INVITATION_NOT_FOUND", about).await;
        let profile = ask(&carol.actor, FIELD, json!({"invitation": carol.profile})).await;
        assert_eq!(profile.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn refuses_what_was_answered_or_taken_back() {
    test(async |app| {
        let about = Some("invitation");
        for end in ["circleInvitationDecline", "circleInvitationCancel"] {
            let (alice, bob, input) = invited(app).await;
            let by = if end == "circleInvitationCancel" {
                &alice
            } else {
                &bob
            };
            circling::must(&by.actor, end, input.clone()).await;
            refused(&bob.actor, FIELD, input, "INVITATION_NOT_PENDING", about).await;
        }
        let (alice, bob, input) = invited(app).await;
        alice.disband().await;
        refused(&bob.actor, FIELD, input, "INVITATION_NOT_PENDING", about).await;
    });
}

#[test]
fn refuses_what_has_expired() {
    test(async |app| {
        let (_, bob, input) = invited(app).await;
        app.advance(TimeDelta::days(7)).await;
        refused(
            &bob.actor,
            FIELD,
            input,
            "INVITATION_EXPIRED",
            Some("invitation"),
        )
        .await;
    });
}

#[test]
fn refuses_who_left_a_circle_not_long_ago() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let [carol] = circle_of(app).await;
        bob.leave().await;
        app.advance(TimeDelta::hours(100)).await;
        let invitation = carol.invite(&bob).await;
        let input = json!({"invitation": invitation});
        refused(&bob.actor, FIELD, input, "CIRCLE_COOLDOWN", None).await;
        app.advance(TimeDelta::hours(68)).await;
        assert_eq!(bob.accept(&invitation).await["circle"]["memberCount"], 2);
        assert_eq!(alice.standing().await.2["memberCount"], 1);
    });
}

#[test]
fn refuses_into_a_full_circle() {
    test(async |app| {
        let [alice, ..] = circle_of::<4>(app).await;
        let [eve, finn] = people(app).await;
        let (first, second) = (alice.invite(&eve).await, alice.invite(&finn).await);
        eve.accept(&first).await;
        refused(
            &finn.actor,
            FIELD,
            json!({"invitation": second}),
            "CIRCLE_FULL",
            None,
        )
        .await;
    });
}

#[test]
fn a_place_that_fell_free_waits() {
    test(async |app| {
        let [alice, bob, carol, ..] = circle_of::<5>(app).await;
        let eve = person(app).await;
        bob.leave().await;
        app.advance(TimeDelta::hours(10)).await;
        alice.remove(&carol).await;
        app.advance(TimeDelta::hours(90)).await;
        let invitation = alice.invite(&eve).await;
        let answer = eve.try_accept(&invitation).await;
        assert_eq!(answer.refusals(), ["CIRCLE_PLACE_COOLING"]);
        // The first of both places is free after the rest of its cooldown.
        app.advance(TimeDelta::hours(67)).await;
        assert_eq!(
            eve.try_accept(&invitation).await.refusals(),
            ["CIRCLE_PLACE_COOLING"]
        );
        app.advance(TimeDelta::hours(1)).await;
        eve.accept(&invitation).await;
        let finn = person(app).await;
        let invitation = alice.invite(&finn).await;
        assert_eq!(
            finn.try_accept(&invitation).await.refusals(),
            ["CIRCLE_PLACE_COOLING"]
        );
        app.advance(TimeDelta::hours(10)).await;
        finn.accept(&invitation).await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let (_, bob, input) = invited(app).await;
        let [carol] = circle_of(app).await;
        let other = json!({"invitation": carol.invite(&person(app).await).await});
        circling::replays(&bob.actor, FIELD, input, other).await;
    });
}

fn sorted<'a>(
    one: &'a crate::support::Answer,
    other: &'a crate::support::Answer,
) -> [Vec<&'a str>; 2] {
    let mut refusals = [one.refusals(), other.refusals()];
    refusals.sort();
    refusals
}

#[test]
fn the_last_place_goes_to_one_of_two() {
    test(async |app| {
        for round in 0..5 {
            let [alice, ..] = circle_of::<4>(app).await;
            let [eve, finn] = people(app).await;
            let (first, second) = (alice.invite(&eve).await, alice.invite(&finn).await);
            let (one, other) = tokio::join!(eve.try_accept(&first), finn.try_accept(&second));
            assert_eq!(
                sorted(&one, &other),
                [vec![], vec!["CIRCLE_FULL"]],
                "round {round}"
            );
            assert_eq!(alice.standing().await.2["memberCount"], 5);
        }
    });
}

#[test]
fn an_invitation_is_accepted_once() {
    test(async |app| {
        for round in 0..10 {
            let (_, bob, input) = invited(app).await;
            let (one, other) = tokio::join!(
                ask(&bob.actor, FIELD, input.clone()),
                ask(&bob.actor, FIELD, input.clone())
            );
            assert_eq!(
                sorted(&one, &other),
                [vec![], vec!["ALREADY_IN_CIRCLE"]],
                "round {round}"
            );
        }
    });
}

#[test]
fn of_two_invitations_one_is_accepted() {
    test(async |app| {
        for round in 0..10 {
            let [alice] = circle_of(app).await;
            let [bob] = circle_of(app).await;
            let carol = person(app).await;
            let (first, second) = (alice.invite(&carol).await, bob.invite(&carol).await);
            let (one, other) = tokio::join!(carol.try_accept(&first), carol.try_accept(&second));
            assert_eq!(
                sorted(&one, &other),
                [vec![], vec!["ALREADY_IN_CIRCLE"]],
                "round {round}"
            );
        }
    });
}

#[test]
fn the_circle_is_disbanded_at_the_same_time() {
    test(async |app| {
        for round in 0..10 {
            let (alice, bob, input) = invited(app).await;
            let (accepted, disbanded) = tokio::join!(
                ask(&bob.actor, FIELD, input),
                ask(&alice.actor, "circleDisband", json!({}))
            );
            assert_eq!(disbanded.refusals(), Vec::<&str>::new(), "round {round}");
            let refusals = accepted.refusals();
            assert!(
                refusals.is_empty() || refusals == ["INVITATION_NOT_PENDING"],
                "round {round}: {refusals:?}"
            );
            assert_eq!(bob.standing().await.2, Value::Null, "round {round}");
        }
    });
}

#[test]
fn the_invitation_is_taken_back_at_the_same_time() {
    test(async |app| {
        for round in 0..10 {
            let (alice, bob, input) = invited(app).await;
            let (accepted, cancelled) = tokio::join!(
                ask(&bob.actor, FIELD, input.clone()),
                ask(&alice.actor, "circleInvitationCancel", input)
            );
            assert_eq!(
                sorted(&accepted, &cancelled),
                [vec![], vec!["INVITATION_NOT_PENDING"]],
                "round {round}"
            );
            let is_member = accepted.refusals().is_empty();
            assert_eq!(
                bob.standing().await.2.is_object(),
                is_member,
                "round {round}"
            );
        }
    });
}
