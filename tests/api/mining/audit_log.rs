//! The audit log of a miner and of a circle.

use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, test};

const LOG: &str = "query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String) {
    auditLog(filter: {entityId: $id}, first: $first, last: $last, after: $after, before: $before) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { action actor { ... on User { uuid } } reason outcome
            entity { ... on Miner { uuid } ... on Circle { id } }
            refusal { ... on MinerUserError { code } } before after requestId }
} }";

async fn log(who: &Actor, id: &Value, page: Value) -> Value {
    let mut variables = page;
    variables["id"] = id.clone();
    who.get(LOG, variables).await["auditLog"].clone()
}

fn requests(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["requestId"].as_str().unwrap())
        .collect()
}

#[test]
fn returns_the_entries_of_a_miner_to_staff() {
    test(async |app| {
        let admin = app.admin();
        let (alice, bob) = (app.miner().await, app.miner().await);
        let (id, uuid) = (json!(alice.id), json!(alice.uuid));
        admin.suspend(&alice).await.ok();
        app.advance(TimeDelta::minutes(1)).await;
        let outcome = admin.reset_streak(&alice).await;
        outcome.refused("STREAK_NOT_FOUND", None);
        admin.suspend(&bob).await.ok();
        for role in [Role::Support, Role::Finance, Role::Admin] {
            let page = log(&app.person(&[role]), &id, json!({"first": 10})).await;
            assert_eq!(page["totalCount"], 2);
            let nodes = page["nodes"].as_array().unwrap();
            let seen: Vec<_> = nodes
                .iter()
                .map(|node| {
                    (
                        node["action"].as_str().unwrap(),
                        node["outcome"].as_str().unwrap(),
                    )
                })
                .collect();
            assert_eq!(
                seen,
                [
                    ("MINER_STREAK_RESET", "REFUSED"),
                    ("MINER_SUSPEND", "APPLIED")
                ]
            );
            assert_eq!(nodes[0]["refusal"]["code"], "STREAK_NOT_FOUND");
            assert_eq!(nodes[1]["actor"]["uuid"], admin.id().to_string());
            assert_eq!(nodes[1]["after"]["status"], "SUSPENDED");
            for node in nodes {
                assert_eq!(node["entity"]["uuid"], uuid);
            }
        }
    });
}

#[test]
fn refuses_the_owner_and_others() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let id = json!(alice.id);
        admin.suspend(&alice).await.ok();
        for who in [
            alice.actor(),
            app.user(),
            app.person(&[Role::Merchant]),
            app.service(&Scope::ALL),
        ] {
            let answer = who.ask(LOG, json!({"id": id, "first": 10})).await;
            assert_eq!(answer.code(), "FORBIDDEN");
            assert_eq!(answer.body["data"]["auditLog"], Value::Null);
        }
        let variables = json!({"id": id, "first": 1});
        let answer = app.anonymous().ask(LOG, variables).await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
    });
}

#[test]
fn returns_the_entries_of_a_circle_to_staff_only() {
    test(async |app| {
        let admin = app.admin();
        let [alice, bob] = app.circle().await;
        let circle = alice.own_circle("id").await;
        let nothing = log(&admin, &circle["id"], json!({"first": 1})).await;
        assert_eq!(
            (&nothing["totalCount"], &nothing["nodes"]),
            (&json!(0), &json!([]))
        );
        admin.force_disband(&circle["id"]).await.ok();
        let page = log(&app.support(), &circle["id"], json!({"first": 10})).await;
        assert_eq!(page["totalCount"], 1);
        let entry = &page["nodes"][0];
        assert_eq!(
            (&entry["action"], &entry["entity"], &entry["reason"]),
            (&json!("CIRCLE_FORCE_DISBAND"), &circle, &json!("a test"))
        );
        let answer = bob.ask(LOG, json!({"id": circle["id"], "first": 1}));
        assert_eq!(answer.await.code(), "FORBIDDEN");
    });
}

/// Stores ten entries about each miner, two at each time.
async fn ten_each(app: &TestApp) {
    app.sql(
        "INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, entity_kind, entity_id, outcome, request_id)
         SELECT timestamptz '2026-01-01Z' + (n / 2) * interval '1 hour', 'i', gen_random_uuid(), '{ADMIN}', 'mining.miner_suspend', 'miner', m.user_id::text, 'APPLIED', 'r' || n
         FROM generate_series(0, 9) n, miners m ORDER BY n",
    )
    .await;
}

#[test]
fn pages_in_both_directions() {
    test(async |app| {
        let (alice, _) = (app.miner().await, app.miner().await);
        let id = json!(alice.id);
        ten_each(app).await;
        let staff = app.support();
        let first = log(&staff, &id, json!({"first": 3})).await;
        assert_eq!(requests(&first), ["r9", "r8", "r7"]);
        assert_eq!(first["totalCount"], 10);
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let end = &first["pageInfo"]["endCursor"];
        let second = log(&staff, &id, json!({"first": 7, "after": end})).await;
        assert_eq!(
            requests(&second),
            ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
        );
        assert_eq!(second["pageInfo"]["hasNextPage"], false);
        let start = &second["pageInfo"]["startCursor"];
        let back = log(&staff, &id, json!({"last": 2, "before": start})).await;
        assert_eq!(requests(&back), ["r8", "r7"]);
        let last = log(&staff, &id, json!({"last": 2})).await;
        assert_eq!(requests(&last), ["r1", "r0"]);
        // A page needs a size, and a cursor of its own list.
        let sizeless = staff.ask(LOG, json!({"id": id})).await;
        assert_eq!(sizeless.code(), "BAD_USER_INPUT");
        let foreign = staff
            .ask(LOG, json!({"id": id, "first": 1, "after": "nonsense"}))
            .await;
        assert_eq!(foreign.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn names_an_actor_whose_only_command_was_refused() {
    test(async |app| {
        let admin = app.admin();
        let alice = app.miner().await;
        let outcome = admin.reset_streak(&alice).await;
        outcome.refused("STREAK_NOT_FOUND", None);
        let page = log(
            &app.person(&[Role::Support]),
            &json!(alice.id),
            json!({"first": 10}),
        )
        .await;
        assert_eq!(page["totalCount"], 1);
        assert_eq!(
            page["nodes"][0]["actor"]["uuid"],
            json!(admin.id().to_string())
        );
    });
}
