use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::{assert_includes, test};

const CIRCLE: &str = "query ($by: CircleBy!) { circle(by: $by) {
    name status memberCount trustScore isValid createdAt updatedAt owner { id }
    members { isOwner miner { id } } invitations { status invitee { id } } } }";

#[test]
fn returns_a_circle_to_members_and_staff() {
    test(async |app| {
        let [alice, bob, carol] = app.circle().await;
        let dina = app.miner().await;
        alice.invite(&dina).await;
        let own = bob.own_circle("id uuid").await;
        let pending = json!([{"status": "PENDING", "invitee": {"id": dina.profile}}]);
        for (who, invitations) in [
            (alice.actor(), &pending),
            (bob.actor(), &Value::Null),
            (app.support(), &pending),
        ] {
            for by in [json!({"id": own["id"]}), json!({"uuid": own["uuid"]})] {
                let circle = who.get(CIRCLE, json!({"by": by})).await["circle"].clone();
                assert_includes(
                    &circle,
                    &json!({
                        "name": "Night shift", "memberCount": 3, "trustScore": 60,
                        "owner": {"id": alice.profile}, "invitations": invitations,
                    }),
                );
                assert_eq!(circle["members"][2]["miner"]["id"], json!(carol.profile));
                assert!(circle["updatedAt"].as_str() >= circle["createdAt"].as_str());
            }
        }
        let by = json!({"by": {"id": own["id"]}});
        // An invitee does not see the circle.
        for other in [dina.actor(), app.user(), app.service(&Scope::ALL)] {
            let seen = other.get(CIRCLE, by.clone()).await;
            assert_eq!(seen["circle"], Value::Null);
        }
        let anonymous = app.anonymous().ask(CIRCLE, by).await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
    });
}

#[test]
fn returns_null_to_former_members() {
    test(async |app| {
        let [_, bob] = app.circle().await;
        let by = json!({"by": bob.own_circle("id").await});
        bob.leave().await.ok();
        assert_eq!(bob.get(CIRCLE, by).await["circle"], Value::Null);
        let wrong = json!({"by": {"id": bob.profile}});
        assert_eq!(bob.ask(CIRCLE, wrong).await.code(), "BAD_USER_INPUT");
    });
}
