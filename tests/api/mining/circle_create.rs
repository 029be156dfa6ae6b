use chrono::TimeDelta;
use serde_json::json;

use super::standing::refuses_inactive;
use crate::support::{assert_includes, at, at_once, test};

const FIELD: &str = "circleCreate";

#[test]
fn creates_a_circle_with_its_owner() {
    test(async |app| {
        let alice = app.miner().await;
        let payload = alice
            .run(FIELD, json!({"name": "  Night shift "}))
            .await
            .ok();
        assert_includes(
            &payload["circle"],
            &json!({
                "name": "Night shift", "status": "INCOMPLETE", "memberCount": 1, "isValid": false,
                "members": [{"isOwner": true, "miner": {"id": alice.profile, "role": "PIONEER"}}],
            }),
        );
        assert_eq!(alice.role_and_circle_bonus().await, ["PIONEER", "0.0000"]);
        assert_eq!(alice.own_circle("name").await["name"], "Night shift");
        assert_eq!(app.events("CircleCreated").await.len(), 1);
        assert_eq!(app.row_of(&alice).await["version"], 2);
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| {
        // Before the name is checked.
        refuses_inactive(app, |who| who.run(FIELD, json!({"name": ""})), None).await;
    });
}

#[test]
fn refuses_empty_long_and_control_names() {
    test(async |app| {
        let alice = app.miner().await;
        for name in ["", "  ", "a\u{0}b", "a\nb", &"é".repeat(101)] {
            let outcome = alice.run(FIELD, json!({"name": name})).await;
            outcome.refused("CIRCLE_NAME_INVALID", Some("name"));
        }
        alice
            .run(FIELD, json!({"name": "é".repeat(100)}))
            .await
            .ok();
    });
}

#[test]
fn refuses_names_with_hidden_characters() {
    test(async |app| {
        let alice = app.miner().await;
        for name in [
            "a\u{202E}b",
            "a\u{2066}b\u{2069}",
            "a\u{2028}b",
            "\u{3164}",
            "\u{2800}",
            "a\u{E0041}b",
            "a\u{FE0F}b",
            "a\u{200D}b",
            "a\u{F8FF}b",
            "a\u{FDD0}b",
        ] {
            let outcome = alice.run(FIELD, json!({"name": name})).await;
            let error = outcome.refused("CIRCLE_NAME_INVALID", Some("name"));
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("remove hidden characters"), "{message}");
        }
    });
}

#[test]
fn stores_names_composed_and_keeps_joined_ones() {
    test(async |app| {
        for (name, stored) in [
            ("\u{110}o\u{323}\u{302}i", "Đội"),
            (
                "می\u{200C}خواهم 👨\u{200D}👩\u{200D}👧 ❤\u{FE0F}",
                "می\u{200C}خواهم 👨\u{200D}👩\u{200D}👧 ❤\u{FE0F}",
            ),
        ] {
            let alice = app.miner().await;
            let payload = alice.run(FIELD, json!({"name": name})).await.ok();
            assert_eq!(payload["circle"]["name"], stored);
        }
    });
}

#[test]
fn refuses_members_of_a_circle() {
    test(async |app| {
        for member in app.circle::<2>().await {
            member
                .create_circle()
                .await
                .refused("ALREADY_IN_CIRCLE", None);
        }
    });
}

#[test]
fn refuses_former_members_in_cooldown() {
    test(async |app| {
        let [alice, bob, carol, dina] = app.circle().await;
        bob.leave().await.ok();
        alice.remove(&carol).await.ok();
        alice.disband().await.ok();
        for member in [&alice, &bob, &carol] {
            let error = member
                .create_circle()
                .await
                .refused("CIRCLE_COOLDOWN", None);
            assert!(
                error["message"].as_str().unwrap().contains(" from "),
                "{error}"
            );
            let left = at(&error["retryAt"]) - app.now().await;
            assert!(
                left > TimeDelta::hours(167) && left <= TimeDelta::hours(168),
                "{error}"
            );
        }
        // A member of a circle that its owner disbanded has no cooldown.
        dina.create_circle().await.ok();
        app.advance(TimeDelta::hours(168)).await;
        for member in [&alice, &bob, &carol] {
            member.create_circle().await.ok();
        }
    });
}

#[test]
fn uses_the_configured_cooldown() {
    test(async |app| {
        let cooldown = async |hours: i32| {
            app.configure("mining", &json!({"circleCooldownHours": hours}))
                .await;
        };
        cooldown(0).await;
        let alice = app.miner().await;
        for _ in 0..3 {
            alice.create_circle().await.ok();
            alice.disband().await.ok();
        }
        cooldown(1).await;
        alice.create_circle().await.refused("CIRCLE_COOLDOWN", None);
        app.advance(TimeDelta::hours(1)).await;
        alice.create_circle().await.ok();
    });
}

#[test]
fn creates_one_circle_of_two_at_once() {
    test(async |app| {
        let alice = app.miner().await;
        app.configure("mining", &json!({"circleCooldownHours": 0}))
            .await;
        for _ in 0..10 {
            let created = at_once([alice.create_circle(), alice.create_circle()]).await;
            created.one_applied("ALREADY_IN_CIRCLE");
            alice.disband().await.ok();
        }
    });
}
