use chrono::TimeDelta;
use serde_json::json;

use super::circling::{self, ask, circle_of, must, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleCreate";

#[test]
fn the_owner_is_its_first_member() {
    test(async |app| {
        let alice = person(app).await;
        let payload = must(&alice.actor, FIELD, json!({"name": "  Night shift "})).await;
        let circle = &payload["circle"];
        assert_eq!(
            (
                &circle["name"],
                &circle["status"],
                &circle["memberCount"],
                &circle["isValid"]
            ),
            (
                &json!("Night shift"),
                &json!("INCOMPLETE"),
                &json!(1),
                &json!(false)
            )
        );
        assert_eq!(
            circle["members"],
            json!([{"isOwner": true, "miner": {"id": alice.profile, "role": "PIONEER"}}])
        );
        let (role, bonus, own) = alice.standing().await;
        assert_eq!((role.as_str(), bonus.as_str()), ("PIONEER", "0.0000"));
        assert_eq!(own["name"], "Night shift");
        assert_eq!(told(app, "CircleCreated").await, 1);
        assert_eq!(app.number("SELECT version FROM miners").await, 2);
    });
}

#[test]
fn refuses_by_standing() {
    test(async |app| {
        // Before the name is looked at.
        circling::refuses_standing(app, FIELD, json!({"name": ""}), None).await;
    });
}

#[test]
fn refuses_names_that_say_nothing_or_too_much() {
    test(async |app| {
        let alice = person(app).await;
        for name in ["", "  ", "a\u{0}b", "a\nb", &"é".repeat(101)] {
            let input = json!({"name": name});
            refused(
                &alice.actor,
                FIELD,
                input,
                "CIRCLE_NAME_INVALID",
                Some("name"),
            )
            .await;
        }
        must(&alice.actor, FIELD, json!({"name": "é".repeat(100)})).await;
    });
}

#[test]
fn refuses_who_is_in_a_circle() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        for member in [alice, bob] {
            let input = json!({"name": "Another"});
            refused(&member.actor, FIELD, input, "ALREADY_IN_CIRCLE", None).await;
        }
    });
}

#[test]
fn refuses_who_left_or_disbanded_until_the_cooldown_is_over() {
    test(async |app| {
        let [alice, bob, carol, dina] = circle_of(app).await;
        bob.leave().await;
        alice.remove(&carol).await;
        alice.disband().await;
        for member in [&alice, &bob, &carol] {
            let answer = ask(&member.actor, FIELD, json!({"name": "Another"})).await;
            assert_eq!(answer.refusals(), ["CIRCLE_COOLDOWN"]);
            let errors = &answer.body["data"][FIELD]["userErrors"];
            assert!(
                errors[0]["message"].as_str().unwrap().contains(" from "),
                "{errors}"
            );
        }
        // Whose circle somebody else disbanded is free at once.
        dina.create().await;
        app.advance(TimeDelta::hours(168)).await;
        for member in [&alice, &bob, &carol] {
            member.create().await;
        }
    });
}

#[test]
fn the_cooldown_is_what_is_configured() {
    test(async |app| {
        circling::set_cooldown(app, 0).await;
        let alice = person(app).await;
        for _ in 0..3 {
            alice.create().await;
            alice.disband().await;
        }
        circling::set_cooldown(app, 1).await;
        let input = json!({"name": "Another"});
        refused(&alice.actor, FIELD, input, "CIRCLE_COOLDOWN", None).await;
        app.advance(TimeDelta::hours(1)).await;
        alice.create().await;
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let alice = person(app).await;
        circling::replays(
            &alice.actor,
            FIELD,
            json!({"name": "A"}),
            json!({"name": "B"}),
        )
        .await;
    });
}

#[test]
fn of_two_at_once_exactly_one_succeeds() {
    test(async |app| {
        circling::set_cooldown(app, 0).await;
        let alice = person(app).await;
        for round in 0..10 {
            let input = json!({"name": "A"});
            let (one, other) = tokio::join!(
                ask(&alice.actor, FIELD, input.clone()),
                ask(&alice.actor, FIELD, input.clone())
            );
            let mut refusals = [one.refusals(), other.refusals()];
            refusals.sort();
            assert_eq!(
                refusals,
                [vec![], vec!["ALREADY_IN_CIRCLE"]],
                "round {round}"
            );
            alice.disband().await;
        }
    });
}
