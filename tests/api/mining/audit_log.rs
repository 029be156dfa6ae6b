//! What was done about a miner or a circle, on the miner and the circle themselves.

use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::circling::{self, circle_of};
use super::decisions::{decide, must};
use crate::support::{Actor, TestApp, test};

const LOG: &str =
    "query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String) { node(id: $id) {
    ... on Miner { auditLog(first: $first, last: $last, after: $after, before: $before) { ...L } }
    ... on Circle { auditLog(first: $first, last: $last, after: $after, before: $before) { ...L } }
} }
fragment L on AuditLogConnection {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { action actor entityKind entityId reason outcome refusal before after requestId }
}";

async fn log(who: &Actor, id: &Value, page: Value) -> Value {
    let mut variables = page;
    variables["id"] = id.clone();
    who.get(LOG, variables).await["node"]["auditLog"].clone()
}

async fn ids(miner: &Actor) -> (Value, Value) {
    let query = "{ viewer { miner { id uuid } } }";
    let miner = miner.get(query, json!({})).await["viewer"]["miner"].clone();
    (miner["id"].clone(), miner["uuid"].clone())
}

fn requests(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["requestId"].as_str().unwrap())
        .collect()
}

#[test]
fn staff_see_what_was_done_and_tried_about_a_miner() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let (alice, bob) = (app.miner().await, app.miner().await);
        let (id, uuid) = ids(&alice).await;
        must(&admin, "minerSuspend", &alice, "1").await;
        app.advance(TimeDelta::minutes(1)).await;
        let refused = decide(&admin, "minerResetStreak", &alice, "2").await;
        assert_eq!(refused.refusals(), ["STREAK_NOT_FOUND"]);
        must(&admin, "minerSuspend", &bob, "3").await;
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
                    ("mining.miner_reset_streak", "REFUSED"),
                    ("mining.miner_suspend", "APPLIED")
                ]
            );
            assert_eq!(nodes[0]["refusal"], "STREAK_NOT_FOUND");
            assert_eq!(nodes[1]["actor"], admin.id().to_string());
            assert_eq!(nodes[1]["after"]["status"], "SUSPENDED");
            for node in nodes {
                assert_eq!(
                    (&node["entityKind"], &node["entityId"]),
                    (&json!("miner"), &uuid)
                );
            }
        }
    });
}

#[test]
fn the_owner_and_everybody_else_see_null_without_an_error() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let (id, _) = ids(&alice).await;
        must(&admin, "minerSuspend", &alice, "1").await;
        for who in [
            alice.clone(),
            app.miner().await,
            app.person(&[Role::Merchant]),
            app.service(&Scope::ALL),
            app.anonymous(),
        ] {
            assert_eq!(log(&who, &id, json!({"first": 10})).await, Value::Null);
        }
        // Its owner sees the miner, but not this of it.
        let query = "{ viewer { miner { status auditLog(first: 1) { totalCount } } } }";
        let own = alice.get(query, json!({})).await["viewer"]["miner"].clone();
        assert_eq!(own, json!({"status": "SUSPENDED", "auditLog": null}));
    });
}

#[test]
fn staff_see_what_was_done_about_a_circle_and_its_members_do_not() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let [alice, bob] = circle_of(app).await;
        let query = "{ viewer { circle { id uuid auditLog(first: 1) { totalCount } } } }";
        let circle = alice.actor.get(query, json!({})).await["viewer"]["circle"].clone();
        assert_eq!(circle["auditLog"], Value::Null);
        let nothing = log(&admin, &circle["id"], json!({"first": 1})).await;
        assert_eq!(
            (&nothing["totalCount"], &nothing["nodes"]),
            (&json!(0), &json!([]))
        );
        let named = json!({"circle": {"uuid": circle["uuid"]}, "reason": "a test"});
        circling::must(&admin, "circleDisband", named).await;
        let page = log(
            &app.person(&[Role::Support]),
            &circle["id"],
            json!({"first": 10}),
        )
        .await;
        assert_eq!(page["totalCount"], 1);
        let entry = &page["nodes"][0];
        assert_eq!(
            (
                &entry["action"],
                &entry["entityKind"],
                &entry["entityId"],
                &entry["reason"]
            ),
            (
                &json!("mining.circle_disband"),
                &json!("circle"),
                &circle["uuid"],
                &json!("a test")
            )
        );
        assert_eq!(
            log(&bob.actor, &circle["id"], json!({"first": 1})).await,
            Value::Null
        );
    });
}

/// Ten entries about each of two miners, two at each moment.
async fn ten_each(app: &TestApp) {
    app.sql(
        "INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, entity_kind, entity_id, outcome, request_id)
         SELECT timestamptz '2026-01-01Z' + (n / 2) * interval '1 hour', 'i', 'a', '{ADMIN}', 'x', 'miner', m.id::text, 'APPLIED', 'r' || n
         FROM generate_series(0, 9) n, miners m ORDER BY n",
    )
    .await;
}

#[test]
fn pages_of_every_direction_for_many_miners() {
    test(async |app| {
        let (alice, _) = (app.miner().await, app.miner().await);
        let (id, _) = ids(&alice).await;
        ten_each(app).await;
        let staff = app.person(&[Role::Support]);
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
        let query = "query ($first: Int, $last: Int) { miners(first: 5) { nodes {
            auditLog(first: $first, last: $last) { totalCount nodes { requestId } } } } }";
        for (page, expected) in [
            (json!({"first": 2}), ["r9", "r8"]),
            (json!({"last": 2}), ["r1", "r0"]),
        ] {
            let all = staff.get(query, page).await["miners"]["nodes"].clone();
            let all = all.as_array().unwrap();
            assert_eq!(all.len(), 2);
            for miner in all {
                assert_eq!(requests(&miner["auditLog"]), expected);
                assert_eq!(miner["auditLog"]["totalCount"], 10);
            }
        }
        // A page has a size, and a cursor its list.
        let sizeless = staff.ask(LOG, json!({"id": id})).await;
        assert_eq!(sizeless.code(), "BAD_USER_INPUT");
        let foreign = staff
            .ask(LOG, json!({"id": id, "first": 1, "after": "nonsense"}))
            .await;
        assert_eq!(foreign.code(), "BAD_USER_INPUT");
    });
}
