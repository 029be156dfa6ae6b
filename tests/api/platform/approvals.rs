//! Commands that wait for a second person: listed, approved, declined.

use chrono::TimeDelta;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::api::mining::miner_adjust_points::must_adjust;
use crate::support::{Actor, Answer, TestApp, test};

const APPROVE: &str = "mutation ($input: ApprovalApproveInput!) { approvalApprove(input: $input) {
    approval { id status decidedBy decidedAt decisionReason miner { totalMinedPoints } }
    userErrors { code field message cause }
} }";
const DECLINE: &str = "mutation ($input: ApprovalDeclineInput!) { approvalDecline(input: $input) {
    approval { id status decidedBy decisionReason } userErrors { code field message cause }
} }";

async fn approve(by: &Actor, approval: &Value, key: &str) -> Answer {
    by.ask(
        APPROVE,
        json!({"input": {"approval": approval, "idempotencyKey": key}}),
    )
    .await
}

async fn decline(by: &Actor, approval: &Value, reason: &str, key: &str) -> Answer {
    let input = json!({"approval": approval, "reason": reason, "idempotencyKey": key});
    by.ask(DECLINE, json!({"input": input})).await
}

/// Two administrators, a miner, and the id of a correction of so many points that waits.
async fn asked(app: &TestApp, amount: &str) -> (Actor, Actor, Actor, Value) {
    let [one, other] = [(), ()].map(|()| app.person(&[Role::Admin]));
    let alice = app.miner().await;
    let id = must_adjust(&one, &alice, amount, "ask").await["approval"]["id"].clone();
    (one, other, alice, id)
}

#[test]
fn somebody_else_approves_and_it_is_done() {
    test(async |app| {
        let (one, other, alice, id) = asked(app, "2500").await;
        let pending = "{ approvals(filter: {status: PENDING}, first: 5) { totalCount nodes {
            id command status amount reason requestedBy decidedBy miner { userId } } } }";
        let listed =
            app.person(&[Role::Support]).get(pending, json!({})).await["approvals"].clone();
        assert_eq!(
            listed,
            json!({"totalCount": 1, "nodes": [{
                "id": id, "command": "MINER_ADJUST_POINTS", "status": "PENDING", "amount": "2500.0000", "reason": "a test",
                "requestedBy": one.id().to_string(), "decidedBy": null, "miner": {"userId": alice.id().to_string()},
            }]})
        );
        let done = approve(&other, &id, "1").await.data()["approvalApprove"].clone();
        assert_eq!(done["userErrors"], json!([]));
        assert_eq!(done["approval"]["status"], "APPROVED");
        assert_eq!(done["approval"]["decidedBy"], other.id().to_string());
        assert_eq!(done["approval"]["miner"]["totalMinedPoints"], "2500.0000");
        assert_eq!(alice.points().await, "2500.0000");
        let left = one.get(pending, json!({})).await["approvals"]["totalCount"].clone();
        assert_eq!(left, 0);
        // Both are on record: what was done to the miner, and what was decided about the request.
        let miner = "SELECT count(*) FROM audit_log WHERE action = 'mining.miner_adjust_points' AND entity_kind = 'miner'
            AND after->>'totalMinedPoints' = '2500.0000' AND transaction_id IS NOT NULL";
        assert_eq!(app.number(miner).await, 1);
        let told = format!(
            "SELECT count(*) FROM outbox asked JOIN outbox done USING (subject_id)
             WHERE asked.name = 'ApprovalRequested' AND asked.sequence = 1 AND asked.payload->>'requestedBy' = '{}'
               AND done.name = 'ApprovalApproved' AND done.sequence = 2 AND done.payload->>'decidedBy' = '{}'
               AND done.payload->>'points' = '2500.0000' AND done.payload->>'command' = 'MINER_ADJUST_POINTS'",
            one.id(),
            other.id()
        );
        assert_eq!(app.number(&told).await, 1);
        let decided = "SELECT count(*) FROM audit_log WHERE action = 'approvals.approve' AND entity_kind = 'approval'
            AND before->>'status' = 'PENDING' AND after->>'status' = 'APPROVED' AND transaction_id IS NOT NULL";
        assert_eq!(app.number(decided).await, 1);
    });
}

#[test]
fn somebody_else_declines_and_nothing_is_done() {
    test(async |app| {
        let (_, other, alice, id) = asked(app, "2500").await;
        let done =
            decline(&other, &id, "not this month", "1").await.data()["approvalDecline"].clone();
        assert_eq!(done["userErrors"], json!([]));
        assert_eq!(
            (
                &done["approval"]["status"],
                &done["approval"]["decisionReason"]
            ),
            (&json!("DECLINED"), &json!("not this month"))
        );
        assert_eq!(alice.points().await, "0.0000");
        let told = "SELECT count(*) FROM outbox WHERE name = 'ApprovalDeclined'";
        assert_eq!(app.number(told).await, 1);
        assert_eq!(
            approve(&other, &id, "2").await.refusals(),
            ["APPROVAL_NOT_PENDING"]
        );
        assert_eq!(
            decline(&other, &id, "r", "3").await.refusals(),
            ["APPROVAL_NOT_PENDING"]
        );
    });
}

#[test]
fn nobody_approves_what_they_asked_for() {
    test(async |app| {
        let (one, _, alice, id) = asked(app, "2500").await;
        assert_eq!(approve(&one, &id, "1").await.refusals(), ["OWN_ACCOUNT"]);
        assert_eq!(
            decline(&one, &id, "r", "2").await.refusals(),
            ["OWN_ACCOUNT"]
        );
        assert_eq!(alice.points().await, "0.0000");
    });
}

#[test]
fn nobody_decides_about_what_is_for_them() {
    test(async |app| {
        let [one, other] = [(), ()].map(|()| app.person(&[Role::Admin]));
        other.register().await;
        let id = must_adjust(&one, &other, "2500", "ask").await["approval"]["id"].clone();
        assert_eq!(approve(&other, &id, "1").await.refusals(), ["OWN_ACCOUNT"]);
        let declined = decline(&other, &id, "r", "1").await;
        assert_eq!(declined.refusals(), ["OWN_ACCOUNT"]);
        let tried = "SELECT count(*) FROM audit_log WHERE refusal = 'OWN_ACCOUNT' AND entity_kind = 'approval'
            AND entity_id = (SELECT id::text FROM approvals) AND reason IS NOT NULL";
        assert_eq!(app.number(tried).await, 2);
        let third = app.person(&[Role::Admin]);
        assert_eq!(
            approve(&third, &id, "2").await.refusals(),
            Vec::<&str>::new()
        );
    });
}

#[test]
fn every_rule_is_checked_again_and_it_goes_on_waiting() {
    test(async |app| {
        let [one, other] = [(), ()].map(|()| app.person(&[Role::Admin]));
        let alice = app.miner().await;
        must_adjust(&one, &alice, "1000", "1").await;
        must_adjust(&one, &alice, "1000", "2").await;
        let id = must_adjust(&one, &alice, "-1500", "ask").await["approval"]["id"].clone();
        must_adjust(&one, &alice, "-600", "3").await;
        let answer = approve(&other, &id, "1").await;
        assert_eq!(answer.refusals(), ["COMMAND_REFUSED"]);
        let error = &answer.body["data"]["approvalApprove"]["userErrors"][0];
        assert_eq!(
            (&error["cause"], &error["message"]),
            (
                &json!("INSUFFICIENT_POINTS"),
                &json!("this can't be done: there are only 1400.0000 points")
            )
        );
        must_adjust(&one, &alice, "100", "4").await;
        assert_eq!(
            approve(&other, &id, "2").await.refusals(),
            Vec::<&str>::new()
        );
        assert_eq!(alice.points().await, "0.0000");
    });
}

#[test]
fn after_seven_days_it_has_expired() {
    test(async |app| {
        let (_, other, _, id) = asked(app, "2500").await;
        app.advance(TimeDelta::days(7) + TimeDelta::minutes(1))
            .await;
        assert_eq!(
            approve(&other, &id, "1").await.refusals(),
            ["APPROVAL_EXPIRED"]
        );
        assert_eq!(
            decline(&other, &id, "r", "2").await.refusals(),
            ["APPROVAL_EXPIRED"]
        );
        let of = |status: &str| {
            format!(
                "{{ approvals(filter: {{status: {status}}}, first: 5) {{ totalCount nodes {{ status }} }} }}"
            )
        };
        let expired = other.get(&of("EXPIRED"), json!({})).await["approvals"].clone();
        assert_eq!(
            expired,
            json!({"totalCount": 1, "nodes": [{"status": "EXPIRED"}]})
        );
        let pending = other.get(&of("PENDING"), json!({})).await["approvals"].clone();
        assert_eq!(pending, json!({"totalCount": 0, "nodes": []}));
    });
}

#[test]
fn refuses_without_a_reason_and_what_is_not_there() {
    test(async |app| {
        let (_, other, alice, id) = asked(app, "2500").await;
        assert_eq!(
            decline(&other, &id, " ", "1").await.refusals(),
            ["REASON_INVALID"]
        );
        app.sql("DELETE FROM approvals").await;
        assert_eq!(
            approve(&other, &id, "2").await.refusals(),
            ["APPROVAL_NOT_FOUND"]
        );
        assert_eq!(
            decline(&other, &id, "r", "3").await.refusals(),
            ["APPROVAL_NOT_FOUND"]
        );
        let miner =
            alice.get("{ viewer { miner { id } } }", json!({})).await["viewer"]["miner"]["id"]
                .clone();
        assert_eq!(approve(&other, &miner, "4").await.code(), "BAD_USER_INPUT");
    });
}

#[test]
fn only_administrators_decide() {
    test(async |app| {
        let (_, _, alice, id) = asked(app, "2500").await;
        for (who, code) in [
            (app.anonymous(), "UNAUTHENTICATED"),
            (alice, "FORBIDDEN"),
            (app.person(&[Role::Support]), "FORBIDDEN"),
            (app.person(&[Role::Finance]), "FORBIDDEN"),
            (app.service(&Scope::ALL), "FORBIDDEN"),
        ] {
            assert_eq!(approve(&who, &id, "k").await.code(), code);
            assert_eq!(decline(&who, &id, "r", "k").await.code(), code);
        }
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let (_, other, alice, id) = asked(app, "2500").await;
        let first = approve(&other, &id, "k").await.data();
        let again = approve(&other, &id, "k").await;
        assert_eq!(
            again.body["extensions"]["idempotentReplay"],
            json!([["approvalApprove"]])
        );
        assert_eq!(again.data(), first);
        assert_eq!(alice.points().await, "2500.0000");
    });
}

#[test]
fn of_two_at_once_exactly_one_decides() {
    test(async |app| {
        let (_, other, alice, id) = asked(app, "2500").await;
        let third = app.person(&[Role::Admin]);
        let (yes, no) = tokio::join!(approve(&other, &id, "1"), decline(&third, &id, "r", "2"));
        let mut refusals = [yes.refusals(), no.refusals()];
        let paid = refusals[0].is_empty();
        refusals.sort();
        assert_eq!(refusals, [vec![], vec!["APPROVAL_NOT_PENDING"]]);
        assert_eq!(
            alice.points().await,
            if paid { "2500.0000" } else { "0.0000" }
        );
    });
}
