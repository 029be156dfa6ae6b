use chrono::TimeDelta;
use serde_json::json;

use crate::support::{assert_includes, number, test};

const EVENT: &str =
    "__typename sequence occurredAt miner { totalMinedPoints streak { streakDays } }
    ... on MiningSessionStarted { endsAt hourlyRate }
    ... on PointsUpdated { source pointsEarned total: totalMinedPoints streakDays }
    ... on StreakMilestoneReached { streakDays milestonePoints }";

#[test]
fn delivers_events_on_every_instance() {
    test(async |app| {
        let other = app.another().await;
        let alice = app.user();
        // Without a miner the subscription stays open.
        let (mut here, mut there) = (
            app.follow(&alice, EVENT).await,
            other.follow(&alice, EVENT).await,
        );
        alice.register().await.ok();
        let started = alice.start().await.ok();
        let mut last = 0;
        for events in [&mut here, &mut there] {
            let event = events.next().await;
            assert_includes(
                &event,
                &json!({"__typename": "MiningSessionStarted", "endsAt": started["session"]["endsAt"], "hourlyRate": "0.2500"}),
            );
            last = number(&event["sequence"]);
        }
        app.advance(TimeDelta::hours(24)).await;
        alice.at(other.address()).claim().await.ok();
        for events in [&mut here, &mut there] {
            let event = events.next().await;
            assert_includes(
                &event,
                &json!({
                    "__typename": "PointsUpdated", "source": "SESSION", "pointsEarned": "6.0000", "total": "6.0000",
                    "streakDays": 1, "miner": {"totalMinedPoints": "6.0000", "streak": {"streakDays": 1}},
                }),
            );
            assert!(number(&event["sequence"]) > last);
        }
        other.stop().await;
    });
}

#[test]
fn delivers_a_named_miner_to_staff_only() {
    test(async |app| {
        let alice = app.miner().await;
        let named = format!(
            r#"subscription {{ minerUpdated(minerId: "{}") {{ __typename }} }}"#,
            alice.id
        );
        let mut staff = app.support().socket().await;
        staff.subscribe("s", &named).await;
        app.until_followed(alice.id()).await;
        alice.start().await.ok();
        assert_eq!(
            staff.event("s").await["minerUpdated"]["__typename"],
            "MiningSessionStarted"
        );
        let mut bob = app.miner().await.socket().await;
        bob.subscribe("b", &named).await;
        assert_eq!(bob.error().await, "FORBIDDEN");
        let mut nobody = app.anonymous().socket().await;
        let own = "subscription { minerUpdated { __typename } }";
        nobody.subscribe("n", own).await;
        assert_eq!(nobody.error().await, "UNAUTHENTICATED");
    });
}
