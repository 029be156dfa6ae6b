use domain::access::Role;
use serde_json::{Value, json};

use super::decisions::{self, ask, decide, must};
use crate::support::{Actor, test};

const FIELD: &str = "minerSetRole";

async fn withdraw(by: &Actor, whose: &Actor, key: &str) -> Value {
    let input = json!({"miner": {"userId": whose.id().to_string()}, "change": "WITHDRAW_NODE_OPERATOR", "reason": "r",
        "idempotencyKey": key});
    ask(by, FIELD, input).await.data()[FIELD].clone()
}

#[test]
fn grants_a_role_and_withdraws_it() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let mut socket = alice.socket().await;
        let follow = "subscription { minerUpdated { __typename ... on MinerRoleChanged { previousRole newRole } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(alice.id()).await;
        assert_eq!(
            must(&admin, FIELD, &alice, "1").await["role"],
            "NODE_OPERATOR"
        );
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "MinerRoleChanged", "previousRole": "PIONEER", "newRole": "NODE_OPERATOR"})
        );
        assert_eq!(alice.start().await["hourlyRate"], "0.3750");
        // Without the grant, facts decide: here a valid circle.
        app.sql(
            "WITH circle AS (INSERT INTO circles (id, owner_id, name, status, member_count, version, created_at, updated_at)
                 SELECT gen_random_uuid(), id, 'C', 'ACTIVE', 3, 1, app_now(), app_now() FROM miners RETURNING id)
             UPDATE miners SET circle_id = (SELECT id FROM circle)",
        )
        .await;
        let payload = withdraw(&admin, &alice, "2").await;
        assert_eq!(payload["miner"]["role"], "CONTRIBUTOR");
        let audited = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_set_role' AND outcome = 'APPLIED'
            AND (before->>'role', after->>'role') IN (('PIONEER', 'NODE_OPERATOR'), ('NODE_OPERATOR', 'CONTRIBUTOR'))";
        assert_eq!(app.number(audited).await, 2);
    });
}

#[test]
fn refuses_unknown_miners_and_ones_own() {
    test(async |app| decisions::refuses_unknown_and_own(app, FIELD).await);
}

#[test]
fn refuses_the_banned() {
    test(async |app| {
        let alice = app.miner().await;
        app.sql("UPDATE miners SET status = 'BANNED'").await;
        let answer = decide(&app.person(&[Role::Admin]), FIELD, &alice, "1").await;
        assert_eq!(answer.refusals(), ["MINER_BANNED"]);
    });
}

#[test]
fn refuses_what_changes_nothing() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let alice = app.miner().await;
        let payload = withdraw(&admin, &alice, "1").await;
        assert_eq!(payload["userErrors"][0]["code"], "ROLE_UNCHANGED");
        assert_eq!(payload["userErrors"][0]["field"], json!(["change"]));
        must(&admin, FIELD, &alice, "2").await;
        let again = decide(&admin, FIELD, &alice, "3").await;
        assert_eq!(again.refusals(), ["ROLE_UNCHANGED"]);
    });
}

#[test]
fn refuses_bad_input() {
    test(async |app| decisions::refuses_bad_input(app, FIELD).await);
}

#[test]
fn only_administrators_may() {
    test(async |app| decisions::only_administrators(app, FIELD).await);
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let alice = app.miner().await;
        decisions::replays(app, FIELD, &alice).await;
    });
}
