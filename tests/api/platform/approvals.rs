//! Commands that need a second administrator.

use chrono::TimeDelta;
use domain::access::Role;
use serde_json::{Value, json};

use crate::support::{Actor, Miner, TestApp, assert_includes, at_once, test};

/// Two administrators, a miner, and the approval that the first administrator's adjustment needs.
struct Requested {
    one: Actor,
    other: Actor,
    alice: Miner,
    id: Value,
}

async fn requested(app: &TestApp) -> Requested {
    let (one, other) = (app.admin(), app.admin());
    let alice = app.miner().await;
    let id = request(&one, &alice, "2500").await;
    Requested {
        one,
        other,
        alice,
        id,
    }
}

async fn request(by: &Actor, whose: &Actor, amount: &str) -> Value {
    by.adjust(whose, amount).await.ok()["approval"]["id"].clone()
}

#[test]
fn carries_out_an_approved_command() {
    test(async |app| {
        let Requested {
            one,
            other,
            alice,
            id,
        } = requested(app).await;
        let pending = "{ approvals(filter: {status: PENDING}, first: 5) { totalCount nodes {
            id status reason requestedBy { uuid } decidedBy { uuid }
            proposal { ... on MinerPointsAdjustProposal { points miner { uuid } } } } } }";
        let listed = app.support().get(pending, json!({})).await["approvals"].clone();
        assert_eq!(
            listed,
            json!({"totalCount": 1, "nodes": [{
                "id": id, "status": "PENDING", "reason": "a test",
                "requestedBy": {"uuid": one.id().to_string()}, "decidedBy": null,
                "proposal": {"points": "2500.0000", "miner": {"uuid": alice.uuid}},
            }]})
        );
        let done = other.approve(&id).await.ok();
        assert_includes(
            &done["approval"],
            &json!({
                "status": "APPROVED", "decidedBy": {"uuid": other.id().to_string()},
                "proposal": {"miner": {"totalMinedPoints": "2500.0000"}},
            }),
        );
        assert_eq!(alice.points().await, "2500.0000");
        let left = one.get(pending, json!({})).await["approvals"]["totalCount"].clone();
        assert_eq!(left, 0);
        // The command and the decision are both audited.
        let adjusted = app.audited("mining.miner_points_adjust").await;
        let entry = adjusted.last().unwrap();
        assert_eq!(entry.entity_kind.as_deref(), Some("miner"));
        assert_eq!(entry.after["totalMinedPoints"], "2500.0000");
        assert!(entry.transaction_id.is_some());
        let decided = app.audited("platform.approval_approve").await;
        assert_eq!(decided.len(), 1);
        assert_eq!(decided[0].entity_kind.as_deref(), Some("approval"));
        assert_eq!(decided[0].before["status"], "PENDING");
        assert_eq!(decided[0].after["status"], "APPROVED");
        assert!(decided[0].transaction_id.is_some());
        let requested = app.events("ApprovalRequested").await;
        let approved = app.events("ApprovalApproved").await;
        assert_eq!((requested.len(), approved.len()), (1, 1));
        assert_eq!(requested[0].subject_id, approved[0].subject_id);
        assert_eq!((requested[0].sequence, approved[0].sequence), (1, 2));
        let by = json!({"requestedBy": one.id().to_string()});
        assert_includes(&requested[0].payload, &by);
        assert_includes(
            &approved[0].payload,
            &json!({"decidedBy": other.id().to_string(), "command": "mining.miner_points_adjust"}),
        );
    });
}

#[test]
fn carries_out_nothing_when_declined() {
    test(async |app| {
        let Requested {
            other, alice, id, ..
        } = requested(app).await;
        let done = other.decline_approval(&id, "not this month").await.ok();
        assert_includes(
            &done["approval"],
            &json!({"status": "DECLINED", "decisionReason": "not this month"}),
        );
        assert_eq!(alice.points().await, "0.0000");
        assert_eq!(app.events("ApprovalDeclined").await.len(), 1);
        refused(&other, &id, "APPROVAL_NOT_PENDING").await;
    });
}

/// Checks that both decisions are refused with a code.
async fn refused(by: &Actor, id: &Value, code: &str) {
    for decision in [by.approve(id), by.decline_approval(id, "r")] {
        let outcome = decision.await;
        assert_eq!(outcome.refusal(), Some(code));
    }
}

#[test]
fn refuses_the_requester() {
    test(async |app| {
        let Requested { one, alice, id, .. } = requested(app).await;
        refused(&one, &id, "OWN_ACCOUNT").await;
        assert_eq!(alice.points().await, "0.0000");
    });
}

#[test]
fn refuses_the_owner_of_the_miner() {
    test(async |app| {
        let (one, other) = (app.admin(), app.admin());
        other.register().await.ok();
        let id = request(&one, &other, "2500").await;
        refused(&other, &id, "OWN_ACCOUNT").await;
        let approval = app.row("approvals", "true").await;
        let entries = app.audited_refusals("OwnSubject").await;
        assert_eq!(entries.len(), 2);
        for entry in entries {
            assert_eq!(entry.entity_kind.as_deref(), Some("approval"));
            assert_eq!(json!(entry.entity_id), approval["id"]);
        }
        app.admin().approve(&id).await.ok();
    });
}

#[test]
fn checks_every_rule_again_and_stays_pending() {
    test(async |app| {
        let (one, other) = (app.admin(), app.admin());
        let alice = app.miner().await;
        for admin in [app.admin(), app.admin()] {
            admin.adjust(&alice, "1000").await.ok();
        }
        let id = request(&one, &alice, "-1500").await;
        one.adjust(&alice, "-600").await.ok();
        let outcome = other.approve(&id).await;
        assert_eq!(outcome.refusal(), Some("COMMAND_REFUSED"));
        assert_includes(
            &outcome.field("userErrors")[0],
            &json!({
                "cause": {"code": "INSUFFICIENT_POINTS", "availablePoints": "1400.0000"}, "approval": {"id": id, "status": "PENDING"},
            }),
        );
        one.adjust(&alice, "100").await.ok();
        other.approve(&id).await.ok();
        assert_eq!(alice.points().await, "0.0000");
    });
}

#[test]
fn expires_after_seven_days() {
    test(async |app| {
        let Requested { other, id, .. } = requested(app).await;
        app.advance(TimeDelta::days(7) + TimeDelta::minutes(1))
            .await;
        refused(&other, &id, "APPROVAL_EXPIRED").await;
        let list = "query ($status: ApprovalStatus) {
            approvals(filter: {status: $status}, first: 5) { totalCount nodes { status } } }";
        let expired = other.get(list, json!({"status": "EXPIRED"})).await;
        assert_eq!(
            expired["approvals"],
            json!({"totalCount": 1, "nodes": [{"status": "EXPIRED"}]})
        );
        let pending = other.get(list, json!({"status": "PENDING"})).await;
        assert_eq!(pending["approvals"], json!({"totalCount": 0, "nodes": []}));
    });
}

#[test]
fn refuses_a_decline_without_a_reason() {
    test(async |app| {
        let Requested { other, id, .. } = requested(app).await;
        for hidden in ["a\u{202E}b", "a\nb", "\u{3164}"] {
            let outcome = other.decline_approval(&id, hidden).await;
            outcome.refused("REASON_INVALID", Some("reason"));
        }
        let outcome = other.decline_approval(&id, " ").await;
        outcome.refused("REASON_INVALID", Some("reason"));
    });
}

#[test]
fn refuses_unknown_approvals() {
    test(async |app| {
        let Requested {
            other, alice, id, ..
        } = requested(app).await;
        app.sql("DELETE FROM approvals").await;
        refused(&other, &id, "APPROVAL_NOT_FOUND").await;
        let outcome = other.approve(&json!(alice.id)).await;
        outcome.error("BAD_USER_INPUT");
    });
}

/// FINANCE decides about commands of its own roles, and an adjustment is one of ADMIN.
#[test]
fn shows_approvals_of_other_roles_as_unknown() {
    test(async |app| {
        let Requested {
            other, alice, id, ..
        } = requested(app).await;
        let finance = app.person(&[Role::Finance]);
        refused(&finance, &id, "APPROVAL_NOT_FOUND").await;
        assert_eq!(alice.points().await, "0.0000");
        other.approve(&id).await.ok();
    });
}

#[test]
fn decides_once_of_two_at_once() {
    test(async |app| {
        let Requested {
            other, alice, id, ..
        } = requested(app).await;
        let third = app.admin();
        let decided = at_once([other.approve(&id), third.decline_approval(&id, "r")]).await;
        decided.one_applied("APPROVAL_NOT_PENDING");
        let is_approved = decided.refusals()[0].is_none();
        let points = if is_approved { "2500.0000" } else { "0.0000" };
        assert_eq!(alice.points().await, points);
    });
}
