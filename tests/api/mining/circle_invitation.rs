use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::circling::{circle_of, must, people, person};
use crate::support::test;

const INVITATION: &str = "query ($by: CircleInvitationBy!) { circleInvitation(by: $by) {
    id uuid status circleName circle { name } inviter { id } invitee { id } createdAt expiresAt decidedAt } }";

#[test]
fn invitee_owner_and_staff_see_it() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let [carol, dina] = people(app).await;
        let id = alice.invite(&carol).await;
        let by = json!({"by": {"id": id}});
        for (who, circle) in [
            (&carol.actor, Value::Null),
            (&alice.actor, json!({"name": "Night shift"})),
            (
                &app.person(&[Role::Support]),
                json!({"name": "Night shift"}),
            ),
        ] {
            let seen = who.get(INVITATION, by.clone()).await["circleInvitation"].clone();
            assert_eq!(
                (&seen["id"], &seen["status"]),
                (&json!(id), &json!("PENDING"))
            );
            assert_eq!(
                (&seen["circle"], &seen["circleName"]),
                (&circle, &json!("Night shift"))
            );
            assert_eq!(
                (&seen["inviter"]["id"], &seen["invitee"]["id"]),
                (&json!(alice.profile), &json!(carol.profile))
            );
            let by_uuid = json!({"by": {"uuid": seen["uuid"]}});
            assert_eq!(who.get(INVITATION, by_uuid).await["circleInvitation"], seen);
        }
        // Nobody else, not even another member; and node can't go round it.
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        for other in [&bob.actor, &dina.actor, &app.service(&Scope::ALL)] {
            let seen = other.get(INVITATION, by.clone()).await;
            assert_eq!(seen["circleInvitation"], Value::Null);
            assert_eq!(
                other.get(node, json!({"id": id})).await["node"],
                Value::Null
            );
        }
        let anonymous = app.anonymous().ask(INVITATION, by.clone()).await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
        let wrong = json!({"by": {"id": alice.profile}});
        assert_eq!(
            alice.actor.ask(INVITATION, wrong).await.code(),
            "BAD_USER_INPUT"
        );
    });
}

const RECEIVED: &str =
    "query ($status: CircleInvitationStatus, $first: Int, $after: String) { viewer {
    circleInvitations(status: $status, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } nodes { id status } } } }";

#[test]
fn the_viewer_has_those_received_newest_first() {
    test(async |app| {
        let bob = person(app).await;
        let mut sent = Vec::new();
        for (number, end) in ["", "Decline", "Cancel", ""].into_iter().enumerate() {
            let [owner] = circle_of(app).await;
            let id = owner.invite(&bob).await;
            let input = json!({"invitation": id});
            match end {
                "Decline" => must(&bob.actor, "circleInvitationDecline", input).await,
                "Cancel" => must(&owner.actor, "circleInvitationCancel", input).await,
                _ => Value::Null,
            };
            sent.insert(0, id);
            if number == 2 {
                app.advance(TimeDelta::days(7)).await;
            }
        }
        let page = |variables: Value| {
            let actor = bob.actor.clone();
            async move { actor.get(RECEIVED, variables).await["viewer"]["circleInvitations"].clone() }
        };
        let all = page(json!({"first": 3})).await;
        let statuses: Vec<_> = all["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| &node["status"])
            .collect();
        assert_eq!(statuses, ["PENDING", "CANCELLED", "DECLINED"]);
        assert_eq!(all["totalCount"], 4);
        let rest = page(json!({"first": 3, "after": all["pageInfo"]["endCursor"]})).await;
        assert_eq!(rest["nodes"], json!([{"id": sent[3], "status": "EXPIRED"}]));
        for (status, ids) in [
            ("PENDING", vec![&sent[0]]),
            ("CANCELLED", vec![&sent[1]]),
            ("DECLINED", vec![&sent[2]]),
            ("EXPIRED", vec![&sent[3]]),
            ("ACCEPTED", vec![]),
        ] {
            let of = page(json!({"first": 5, "status": status})).await;
            let found: Vec<_> = of["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| node["id"].as_str().unwrap())
                .collect();
            assert_eq!(found, ids, "{status}");
            assert_eq!(of["totalCount"], ids.len());
        }
        // Nobody invites who has no miner.
        let none = app.user().get(RECEIVED, json!({"first": 1})).await;
        assert_eq!(none["viewer"]["circleInvitations"]["totalCount"], 0);
        let alice = person(app).await;
        let none = alice.actor.get(RECEIVED, json!({"first": 1})).await;
        assert_eq!(none["viewer"]["circleInvitations"]["nodes"], json!([]));
    });
}
