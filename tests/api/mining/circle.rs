use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::circling::{circle_of, person};
use crate::support::test;

const CIRCLE: &str = "query ($by: CircleBy!) { circle(by: $by) {
    name status memberCount trustScore isValid createdAt updatedAt owner { id }
    members { isOwner miner { id } } invitations { status invitee { id } } } }";

#[test]
fn members_and_staff_see_it() {
    test(async |app| {
        let [alice, bob, carol] = circle_of(app).await;
        let dina = person(app).await;
        alice.invite(&dina).await;
        let query = "{ viewer { circle { id uuid } } }";
        let own = bob.actor.get(query, json!({})).await["viewer"]["circle"].clone();
        let pending = json!([{"status": "PENDING", "invitee": {"id": dina.profile}}]);
        for (who, invitations) in [
            (&alice.actor, &pending),
            (&bob.actor, &Value::Null),
            (&app.person(&[Role::Support]), &pending),
        ] {
            for by in [json!({"id": own["id"]}), json!({"uuid": own["uuid"]})] {
                let circle = who.get(CIRCLE, json!({"by": by})).await["circle"].clone();
                assert_eq!(
                    (
                        &circle["name"],
                        &circle["memberCount"],
                        &circle["trustScore"]
                    ),
                    (&json!("Night shift"), &json!(3), &json!(60))
                );
                assert_eq!(circle["owner"]["id"], json!(alice.profile));
                assert_eq!(circle["members"][2]["miner"]["id"], json!(carol.profile));
                assert_eq!(&circle["invitations"], invitations);
                assert!(circle["updatedAt"].as_str() >= circle["createdAt"].as_str());
            }
        }
        // Also to who was invited, it is not there.
        for other in [dina.actor, app.user(), app.service(&Scope::ALL)] {
            let by = json!({"by": {"id": own["id"]}});
            assert_eq!(other.get(CIRCLE, by).await["circle"], Value::Null);
        }
        let by = json!({"by": {"id": own["id"]}});
        assert_eq!(
            app.anonymous().ask(CIRCLE, by).await.code(),
            "UNAUTHENTICATED"
        );
    });
}

#[test]
fn who_left_does_not_see_it_any_more() {
    test(async |app| {
        let [_, bob] = circle_of(app).await;
        let query = "{ viewer { circle { id } } }";
        let id = bob.actor.get(query, json!({})).await["viewer"]["circle"]["id"].clone();
        bob.leave().await;
        let by = json!({"by": {"id": id}});
        assert_eq!(bob.actor.get(CIRCLE, by).await["circle"], Value::Null);
        let answer = bob
            .actor
            .ask(CIRCLE, json!({"by": {"id": bob.profile}}))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    });
}
