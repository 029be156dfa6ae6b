use chrono::TimeDelta;
use serde_json::json;

use super::circling::{self, ask, circle_of, must, people, person, refused, told};
use crate::support::test;

const FIELD: &str = "circleInvitationSend";

#[test]
fn invites_by_code_and_by_profile() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let [bob, carol] = people(app).await;
        let mut socket = bob.actor.socket().await;
        let follow = "subscription { minerUpdated { __typename sequence
            ... on CircleInvitationReceived { invitation { status circleName inviter { id } circle { id } } } } }";
        socket.subscribe("1", follow).await;
        app.until_followed(bob.actor.id()).await;
        let input = json!({"invitee": {"code": bob.code.to_lowercase()}});
        let sent = must(&alice.actor, FIELD, input).await["invitation"].clone();
        assert_eq!(
            (&sent["status"], &sent["circleName"], &sent["decidedAt"]),
            (&json!("PENDING"), &json!("Night shift"), &json!(null))
        );
        assert_eq!(
            (&sent["inviter"]["id"], &sent["invitee"]["id"]),
            (&json!(alice.profile), &json!(bob.profile))
        );
        assert!(sent["circle"]["id"].is_string());
        alice.invite(&carol).await;
        assert_eq!(told(app, "CircleInvitationSent").await, 2);
        assert_eq!(
            socket.event("1").await["minerUpdated"],
            json!({"__typename": "CircleInvitationReceived", "sequence": 2, "invitation": {
                "status": "PENDING", "circleName": "Night shift", "inviter": {"id": alice.profile}, "circle": null}})
        );
        let query =
            "{ viewer { circleInvitations(first: 5) { totalCount nodes { id circleName } } } }";
        let received = bob.actor.get(query, json!({})).await["viewer"]["circleInvitations"].clone();
        assert_eq!(received["totalCount"], 1);
        assert_eq!(received["nodes"][0]["id"], sent["id"]);
    });
}

#[test]
fn refuses_by_standing() {
    test(async |app| {
        let input = json!({"invitee": {"code": "NOBODYS2"}});
        circling::refuses_standing(app, FIELD, input, None).await;
    });
}

#[test]
fn refuses_who_does_not_own_a_circle() {
    test(async |app| {
        let [_, bob] = circle_of(app).await;
        let nobody = person(app).await;
        let input = json!({"invitee": {"code": "NOBODYS2"}});
        refused(
            &nobody.actor,
            FIELD,
            input.clone(),
            "CIRCLE_NOT_FOUND",
            None,
        )
        .await;
        refused(&bob.actor, FIELD, input, "NOT_CIRCLE_OWNER", None).await;
    });
}

#[test]
fn refuses_whom_nobody_can_invite() {
    test(async |app| {
        let [alice, bob] = circle_of(app).await;
        let [carol, dina] = people(app).await;
        circling::set_status(app, &carol, "BANNED").await;
        for invitee in [
            json!({"code": "NOBODYS2"}),
            json!({"code": "no code"}),
            json!({"code": carol.code}),
            json!({"profileId": carol.profile}),
        ] {
            let input = json!({"invitee": invitee});
            refused(
                &alice.actor,
                FIELD,
                input,
                "INVITEE_NOT_FOUND",
                Some("invitee"),
            )
            .await;
        }
        dina.create().await;
        for (whom, code) in [
            (&alice, "SELF_INVITATION"),
            (&bob, "INVITEE_IN_CIRCLE"),
            (&dina, "INVITEE_IN_CIRCLE"),
        ] {
            let input = json!({"invitee": {"profileId": whom.profile}});
            refused(&alice.actor, FIELD, input, code, Some("invitee")).await;
        }
    });
}

#[test]
fn one_invitation_of_a_circle_waits_for_each() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let [bob, carol] = people(app).await;
        let first = alice.invite(&bob).await;
        let input = json!({"invitee": {"profileId": bob.profile}});
        refused(
            &alice.actor,
            FIELD,
            input,
            "ALREADY_INVITED",
            Some("invitee"),
        )
        .await;
        // Another circle may as well.
        carol.create().await;
        carol.invite(&bob).await;
        // Time alone makes room, before any job stores it.
        app.advance(TimeDelta::days(7)).await;
        let second = alice.invite(&bob).await;
        assert_ne!(first, second);
        assert_eq!(told(app, "CircleInvitationExpired").await, 1);
        let query = "query ($id: ID!) { circleInvitation(by: {id: $id}) { status decidedAt } }";
        let seen = bob.actor.get(query, json!({"id": first})).await;
        assert_eq!(
            seen["circleInvitation"],
            json!({"status": "EXPIRED", "decidedAt": null})
        );
    });
}

#[test]
fn at_most_twenty_wait_for_an_answer() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let others: [_; 21] = people(app).await;
        for other in &others[..20] {
            alice.invite(other).await;
        }
        let input = json!({"invitee": {"profileId": others[20].profile}});
        refused(&alice.actor, FIELD, input, "INVITATION_LIMIT", None).await;
        app.advance(TimeDelta::days(7)).await;
        alice.invite(&others[20]).await;
        let query = "{ viewer { circle { invitations { invitee { id } } } } }";
        let shown =
            alice.actor.get(query, json!({})).await["viewer"]["circle"]["invitations"].clone();
        assert_eq!(shown, json!([{"invitee": {"id": others[20].profile}}]));
    });
}

#[test]
fn refuses_into_a_full_circle() {
    test(async |app| {
        let [alice, ..] = circle_of::<5>(app).await;
        let input = json!({"invitee": {"profileId": person(app).await.profile}});
        refused(&alice.actor, FIELD, input, "CIRCLE_FULL", None).await;
    });
}

#[test]
fn refuses_what_names_something_else() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let viewer = alice.actor.get("{ viewer { id } }", json!({})).await["viewer"]["id"].clone();
        for invitee in [
            json!({"profileId": viewer}),
            json!({"profileId": "x"}),
            json!({}),
        ] {
            let answer = ask(&alice.actor, FIELD, json!({"invitee": invitee})).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
        }
    });
}

#[test]
fn a_key_answers_its_first_result_again() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        let [bob, carol] = people(app).await;
        let input = |code: &str| json!({"invitee": {"code": code}});
        circling::replays(&alice.actor, FIELD, input(&bob.code), input(&carol.code)).await;
    });
}

#[test]
fn of_two_at_once_exactly_one_succeeds() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        for round in 0..10 {
            let input = json!({"invitee": {"profileId": person(app).await.profile}});
            let (one, other) = tokio::join!(
                ask(&alice.actor, FIELD, input.clone()),
                ask(&alice.actor, FIELD, input.clone())
            );
            let mut refusals = [one.refusals(), other.refusals()];
            refusals.sort();
            assert_eq!(refusals, [vec![], vec!["ALREADY_INVITED"]], "round {round}");
        }
    });
}

#[test]
fn owners_who_invite_each_other_do_not_block_each_other() {
    test(async |app| {
        let [alice, bob] = people(app).await;
        for person in [&alice, &bob] {
            person.create().await;
        }
        let input = |whom: &circling::Person| json!({"invitee": {"profileId": whom.profile}});
        for _ in 0..10 {
            let (one, other) = tokio::join!(
                ask(&alice.actor, FIELD, input(&bob)),
                ask(&bob.actor, FIELD, input(&alice))
            );
            assert_eq!(one.refusals(), ["INVITEE_IN_CIRCLE"]);
            assert_eq!(other.refusals(), ["INVITEE_IN_CIRCLE"]);
        }
    });
}
