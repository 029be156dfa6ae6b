use serde_json::json;

use super::standing::refuses_inactive;
use crate::support::test;

#[test]
fn renames_the_circle() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let payload = alice.rename(" Day shift").await.ok();
        assert_eq!(payload["circle"]["name"], "Day shift");
        assert_eq!(bob.own_circle("name").await, json!({"name": "Day shift"}));
        // An unchanged name writes no event.
        alice.rename("Day shift").await.ok();
        assert_eq!(app.events("CircleRenamed").await.len(), 1);
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        refuses_inactive(app, |who| who.rename("A"), Some("CIRCLE_NOT_FOUND")).await;
        let [alice, bob] = app.circle().await;
        let nobody = app.miner().await;
        for who in [&alice, &bob, &nobody] {
            let outcome = who.rename(" ").await;
            outcome.refused("CIRCLE_NAME_INVALID", Some("name"));
        }
        nobody.rename("A").await.refused("CIRCLE_NOT_FOUND", None);
        bob.rename("A").await.refused("NOT_CIRCLE_OWNER", None);
    });
}
