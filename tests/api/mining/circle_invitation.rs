use chrono::TimeDelta;
use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::{Miner, assert_includes, test};

const INVITATION: &str = "query ($by: CircleInvitationBy!) { circleInvitation(by: $by) {
    id uuid status circleName circle { name } inviter { id } invitee { id } createdAt expiresAt decidedAt } }";

#[test]
fn returns_an_invitation_to_its_parties_and_staff() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let [carol, dina] = app.miners().await;
        let id = alice.invite(&carol).await;
        let by = json!({"by": {"id": id}});
        let circle = json!({"name": "Night shift"});
        for (who, circle) in [
            (carol.actor(), &Value::Null),
            (alice.actor(), &circle),
            (app.support(), &circle),
        ] {
            let seen = who.get(INVITATION, by.clone()).await["circleInvitation"].clone();
            assert_includes(
                &seen,
                &json!({
                    "id": id, "status": "PENDING", "circle": circle, "circleName": "Night shift",
                    "inviter": {"id": alice.profile}, "invitee": {"id": carol.profile},
                }),
            );
            let by_uuid = json!({"by": {"uuid": seen["uuid"]}});
            assert_eq!(who.get(INVITATION, by_uuid).await["circleInvitation"], seen);
        }
        // Other members and strangers get null, from `node` as well.
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        for other in [bob.actor(), dina.actor(), app.service(&Scope::ALL)] {
            let seen = other.get(INVITATION, by.clone()).await;
            assert_eq!(seen["circleInvitation"], Value::Null);
            let seen = other.get(node, json!({"id": id})).await;
            assert_eq!(seen["node"], Value::Null);
        }
        let anonymous = app.anonymous().ask(INVITATION, by.clone()).await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
        let wrong = json!({"by": {"id": alice.profile}});
        let answer = alice.ask(INVITATION, wrong).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    });
}

const RECEIVED: &str =
    "query ($status: CircleInvitationStatus, $first: Int, $after: String) { viewer {
    circleInvitations(status: $status, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } nodes { id status } } } }";

async fn received(who: &Miner, variables: Value) -> Value {
    who.get(RECEIVED, variables).await["viewer"]["circleInvitations"].clone()
}

fn each(page: &Value, field: &str) -> Vec<Value> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node[field].clone()).collect()
}

#[test]
fn lists_received_invitations_newest_first() {
    test(async |app| {
        let bob = app.miner().await;
        let mut sent = Vec::new();
        for (number, end) in ["", "decline", "cancel", ""].into_iter().enumerate() {
            let [owner] = app.circle().await;
            let id = owner.invite(&bob).await;
            match end {
                "decline" => drop(bob.decline(&id).await.ok()),
                "cancel" => drop(owner.cancel(&id).await.ok()),
                _ => {}
            }
            sent.insert(0, id);
            if number == 2 {
                app.advance(TimeDelta::days(7)).await;
            }
        }
        let all = received(&bob, json!({"first": 3})).await;
        assert_eq!(each(&all, "status"), ["PENDING", "CANCELLED", "DECLINED"]);
        assert_eq!(all["totalCount"], 4);
        let next = json!({"first": 3, "after": all["pageInfo"]["endCursor"]});
        let rest = received(&bob, next).await;
        assert_eq!(rest["nodes"], json!([{"id": sent[3], "status": "EXPIRED"}]));
        for (status, ids) in [
            ("PENDING", &sent[..1]),
            ("CANCELLED", &sent[1..2]),
            ("DECLINED", &sent[2..3]),
            ("EXPIRED", &sent[3..]),
            ("ACCEPTED", &[]),
        ] {
            let page = received(&bob, json!({"first": 5, "status": status})).await;
            assert_eq!(each(&page, "id"), ids, "{status}");
            assert_eq!(page["totalCount"], ids.len());
        }
    });
}

#[test]
fn lists_no_invitations_of_new_users_and_miners() {
    test(async |app| {
        let none = app.user().get(RECEIVED, json!({"first": 1})).await;
        assert_eq!(none["viewer"]["circleInvitations"]["totalCount"], 0);
        let none = received(&app.miner().await, json!({"first": 1})).await;
        assert_eq!(none["nodes"], json!([]));
    });
}
