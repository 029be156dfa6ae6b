use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::circling::{self, Person, ask, circle_of, must, person, refused, told};
use crate::support::{TestApp, test};

const FIELD: &str = "circleDisband";

#[test]
fn nobody_is_left_and_nobody_is_invited() {
    test(async |app| {
        let [alice, bob, carol] = circle_of(app).await;
        let dina = person(app).await;
        alice.invite(&dina).await;
        let circle = alice.disband().await["circle"].clone();
        assert_eq!(
            (
                &circle["status"],
                &circle["memberCount"],
                &circle["members"]
            ),
            (&json!("DISBANDED"), &json!(0), &json!([]))
        );
        for member in [&alice, &bob, &carol] {
            let (role, bonus, own) = member.standing().await;
            assert_eq!((role.as_str(), bonus.as_str()), ("PIONEER", "0.0000"));
            assert_eq!(own, Value::Null);
        }
        assert_eq!(told(app, "CircleDisbanded").await, 1);
        assert_eq!(told(app, "CircleInvitationCancelled").await, 1);
        let query = "{ viewer { circleInvitations(first: 1) { nodes { status } } } }";
        let received = dina.actor.get(query, json!({})).await;
        assert_eq!(
            received["viewer"]["circleInvitations"]["nodes"][0]["status"],
            "CANCELLED"
        );
        // It is no decision of the staff: nothing to audit.
        assert_eq!(app.number("SELECT count(*) FROM audit_log").await, 0);
    });
}

#[test]
fn refuses_in_order() {
    test(async |app| {
        circling::refuses_standing(app, FIELD, json!({}), Some("CIRCLE_NOT_FOUND")).await;
        let [_, bob] = circle_of(app).await;
        let nobody = person(app).await;
        refused(&nobody.actor, FIELD, json!({}), "CIRCLE_NOT_FOUND", None).await;
        refused(&bob.actor, FIELD, json!({}), "NOT_CIRCLE_OWNER", None).await;
    });
}

/// A circle's key.
async fn uuid(owner: &Person) -> Value {
    let query = "{ viewer { circle { uuid } } }";
    owner.actor.get(query, json!({})).await["viewer"]["circle"]["uuid"].clone()
}

fn named(circle: &Value) -> Value {
    json!({"circle": {"uuid": circle}, "reason": "a test"})
}

#[test]
fn administrators_disband_those_of_others() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let [alice, bob, carol] = circle_of(app).await;
        let circle = uuid(&alice).await;
        let payload = must(&admin, FIELD, named(&circle)).await;
        assert_eq!(payload["circle"]["status"], "DISBANDED");
        assert_eq!(carol.role().await, "PIONEER");
        let audited = "SELECT count(*) FROM audit_log
            WHERE action = 'mining.circle_disband' AND outcome = 'APPLIED' AND entity_kind = 'circle'
              AND entity_id = (SELECT id::text FROM circles) AND reason = 'a test'
              AND before->>'status' = 'ACTIVE' AND jsonb_array_length(before->'members') = 3
              AND after->>'status' = 'DISBANDED'";
        assert_eq!(app.number(audited).await, 1);
        refused(
            &admin,
            FIELD,
            named(&circle),
            "CIRCLE_DISBANDED",
            Some("circle"),
        )
        .await;
        // Members are free at once, the owner is not.
        bob.create().await;
        let input = json!({"name": "Another"});
        refused(&alice.actor, "circleCreate", input, "CIRCLE_COOLDOWN", None).await;
    });
}

#[test]
fn administrators_say_why_and_decide_about_others() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let unknown = json!("00000000-0000-7000-8000-000000000000");
        for reason in [json!(null), json!(" "), json!("r".repeat(501))] {
            let input = json!({"circle": {"uuid": unknown}, "reason": reason});
            refused(&admin, FIELD, input, "REASON_INVALID", Some("reason")).await;
        }
        refused(
            &admin,
            FIELD,
            named(&unknown),
            "CIRCLE_NOT_FOUND",
            Some("circle"),
        )
        .await;
        admin.register().await;
        let own =
            must(&admin, "circleCreate", json!({"name": "Mine"})).await["circle"]["uuid"].clone();
        refused(&admin, FIELD, named(&own), "OWN_ACCOUNT", Some("circle")).await;
        let refusals = "SELECT count(*) FROM audit_log WHERE outcome = 'REFUSED' AND refusal IN ('CIRCLE_NOT_FOUND', 'OWN_ACCOUNT')
            AND reason = 'a test'";
        assert_eq!(app.number(refusals).await, 2);
        // As anybody else, without a reason.
        let answer = ask(&admin, FIELD, json!({"reason": "mine"})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        must(&admin, FIELD, json!({})).await;
    });
}

#[test]
fn only_administrators_name_a_circle() {
    test(async |app: &TestApp| {
        let [alice, bob] = circle_of(app).await;
        let circle = uuid(&alice).await;
        for (who, code) in [
            (&app.anonymous(), "UNAUTHENTICATED"),
            (&alice.actor, "FORBIDDEN"),
            (&bob.actor, "FORBIDDEN"),
            (&app.person(&[Role::Support]), "FORBIDDEN"),
            (&app.person(&[Role::Finance]), "FORBIDDEN"),
            (&app.service(&Scope::ALL), "FORBIDDEN"),
        ] {
            assert_eq!(ask(who, FIELD, named(&circle)).await.code(), code);
        }
        let forbidden = "SELECT count(*) FROM audit_log WHERE outcome = 'FORBIDDEN' AND action = 'mining.circle_disband'";
        assert_eq!(app.number(forbidden).await, 3);
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        let [alice] = circle_of(app).await;
        let [bob] = circle_of(app).await;
        let (one, other) = (named(&uuid(&alice).await), named(&uuid(&bob).await));
        circling::replays(&admin, FIELD, one, other).await;
        let input = json!({"idempotencyKey": "k"});
        let first = must(&bob.actor, FIELD, input.clone()).await;
        assert_eq!(must(&bob.actor, FIELD, input).await, first);
    });
}

#[test]
fn of_two_at_once_exactly_one_succeeds() {
    test(async |app| {
        let admin = app.person(&[Role::Admin]);
        for round in 0..10 {
            let [alice, _bob, _carol] = circle_of(app).await;
            let input = named(&uuid(&alice).await);
            let (own, staff) = tokio::join!(
                ask(&alice.actor, FIELD, json!({})),
                ask(&admin, FIELD, input)
            );
            let outcome = (own.refusals(), staff.refusals());
            assert!(
                outcome == (vec![], vec!["CIRCLE_DISBANDED"])
                    || outcome == (vec!["CIRCLE_NOT_FOUND"], vec![]),
                "round {round}: {outcome:?}"
            );
        }
    });
}
