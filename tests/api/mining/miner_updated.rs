use chrono::TimeDelta;
use domain::access::Role;
use serde_json::{Value, json};

use crate::support::test;

const FOLLOW: &str = "subscription { minerUpdated {
    __typename sequence occurredAt miner { totalMinedPoints currentStreak }
    ... on MiningSessionStarted { endsAt hourlyRate }
    ... on PointsUpdated { earnedPoints totalPoints streakDays }
    ... on StreakMilestoneReached { streakDays bonusPoints }
} }";

#[test]
fn tells_what_happens_on_every_instance() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.user();
        let (mut here, mut there) = (
            alice.socket().await,
            alice.at(other.address()).socket().await,
        );
        here.subscribe("1", FOLLOW).await;
        there.subscribe("1", FOLLOW).await;
        // It stays open until a miner is registered.
        app.until_followed(alice.id()).await;
        other.until_followed(alice.id()).await;
        alice.register().await;
        let started = alice.start().await;
        let mut last = 0;
        for socket in [&mut here, &mut there] {
            let event = socket.event("1").await["minerUpdated"].clone();
            assert_eq!(event["__typename"], "MiningSessionStarted");
            assert_eq!(
                (&event["endsAt"], &event["hourlyRate"]),
                (&started["endsAt"], &json!("0.2500"))
            );
            last = event["sequence"].as_i64().unwrap();
        }
        app.advance(TimeDelta::hours(24)).await;
        // Claimed on one, seen on both.
        alice.at(other.address()).must_claim("1").await;
        for socket in [&mut here, &mut there] {
            let event = socket.event("1").await["minerUpdated"].clone();
            assert_eq!(event["__typename"], "PointsUpdated");
            assert_eq!(
                (
                    &event["earnedPoints"],
                    &event["totalPoints"],
                    &event["streakDays"]
                ),
                (&json!("6.0000"), &json!("6.0000"), &json!(1))
            );
            assert_eq!(
                event["miner"],
                json!({"totalMinedPoints": "6.0000", "currentStreak": 1})
            );
            assert!(event["sequence"].as_i64().unwrap() > last);
        }
        other.stop().await;
    });
}

#[test]
fn staff_follow_others_and_users_only_themselves() {
    test(async |app| {
        let alice = app.user();
        let id = alice.register().await["id"].as_str().unwrap().to_owned();
        let follow =
            format!(r#"subscription {{ minerUpdated(minerId: "{id}") {{ __typename }} }}"#);
        let mut staff = app.person(&[Role::Support]).socket().await;
        staff.subscribe("s", &follow).await;
        app.until_followed(alice.id()).await;
        alice.start().await;
        assert_eq!(
            staff.event("s").await["minerUpdated"]["__typename"],
            "MiningSessionStarted"
        );
        let mut bob = app.miner().await.socket().await;
        bob.subscribe("b", &follow).await;
        assert_eq!(refusal(&bob.hear().await), "FORBIDDEN");
        let mut nobody = app.anonymous().socket().await;
        nobody.subscribe("n", FOLLOW).await;
        assert_eq!(refusal(&nobody.hear().await), "UNAUTHENTICATED");
    });
}

/// The code of an operation that was refused, whichever message says so.
fn refusal(message: &Value) -> String {
    let errors = if message["type"] == "error" {
        &message["payload"]
    } else {
        &message["payload"]["errors"]
    };
    errors[0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
