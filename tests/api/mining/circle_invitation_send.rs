use chrono::TimeDelta;
use serde_json::{Value, json};

use super::standing::refuses_inactive;
use crate::support::{Actor, Run, assert_includes, at, at_once, test};

const FIELD: &str = "circleInvitationSend";

fn invite(who: &Actor, invitee: &Value) -> Run {
    who.run(FIELD, json!({"invitee": invitee}))
}

#[test]
fn invites_by_code_and_by_profile() {
    test(async |app| {
        let [alice] = app.circle().await;
        let [bob, carol] = app.miners().await;
        let selection = "__typename sequence
            ... on CircleInvitationReceived { invitation { status circleName inviter { id } circle { id } } }";
        let mut events = app.follow(&bob, selection).await;
        let invitee = json!({"code": bob.code.to_lowercase()});
        let sent = invite(&alice, &invitee).await.ok()["invitation"].clone();
        assert_includes(
            &sent,
            &json!({
                "status": "PENDING", "circleName": "Night shift", "decidedAt": null,
                "inviter": {"id": alice.profile}, "invitee": {"id": bob.profile},
            }),
        );
        assert!(sent["circle"]["id"].is_string());
        alice.invite(&carol).await;
        assert_eq!(app.events("CircleInvitationSent").await.len(), 2);
        assert_eq!(
            events.next().await,
            json!({"__typename": "CircleInvitationReceived", "sequence": "2", "invitation": {
                "status": "PENDING", "circleName": "Night shift", "inviter": {"id": alice.profile}, "circle": null}})
        );
        let received = bob
            .viewer("circleInvitations(first: 5) { totalCount nodes { id circleName } }")
            .await["circleInvitations"]
            .clone();
        assert_eq!(received["totalCount"], 1);
        assert_eq!(received["nodes"][0]["id"], sent["id"]);
    });
}

#[test]
fn refuses_inactive_miners() {
    test(async |app| {
        let nobody = json!({"code": "NOBODYS2"});
        refuses_inactive(app, |who| invite(who, &nobody), None).await;
    });
}

#[test]
fn refuses_callers_without_an_own_circle() {
    test(async |app| {
        let [_, bob] = app.circle().await;
        let alone = app.miner().await;
        let nobody = json!({"code": "NOBODYS2"});
        let outcome = invite(&alone, &nobody).await;
        outcome.refused("CIRCLE_NOT_FOUND", None);
        let outcome = invite(&bob, &nobody).await;
        outcome.refused("NOT_CIRCLE_OWNER", None);
    });
}

#[test]
fn refuses_unknown_and_banned_invitees() {
    test(async |app| {
        let [alice] = app.circle().await;
        let carol = app.miner().await;
        app.set_status(&carol, "BANNED").await;
        for invitee in [
            json!({"code": "NOBODYS2"}),
            json!({"code": "no code"}),
            json!({"code": carol.code}),
            json!({"profileId": carol.profile}),
        ] {
            let outcome = invite(&alice, &invitee).await;
            outcome.refused("INVITEE_NOT_FOUND", Some("invitee"));
        }
    });
}

#[test]
fn refuses_the_caller_and_members_of_circles() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let [dina] = app.circle().await;
        for (invitee, code) in [
            (&alice, "SELF_INVITATION"),
            (&bob, "INVITEE_IN_CIRCLE"),
            (&dina, "INVITEE_IN_CIRCLE"),
        ] {
            let outcome = alice.send_invitation(invitee).await;
            outcome.refused(code, Some("invitee"));
        }
    });
}

#[test]
fn refuses_a_second_pending_invitation() {
    test(async |app| {
        let [alice] = app.circle().await;
        let [carol] = app.circle().await;
        let bob = app.miner().await;
        let first = alice.invite(&bob).await;
        let outcome = alice.send_invitation(&bob).await;
        outcome.refused("ALREADY_INVITED", Some("invitee"));
        // The same miner can be invited by another circle.
        carol.invite(&bob).await;
        // An expired invitation is not pending, even before the job stores that.
        app.advance(TimeDelta::days(7)).await;
        let second = alice.invite(&bob).await;
        assert_ne!(first, second);
        assert_eq!(app.events("CircleInvitationExpired").await.len(), 1);
        let query = "query ($id: ID!) { circleInvitation(by: {id: $id}) { status decidedAt } }";
        let seen = bob.get(query, json!({"id": first})).await;
        assert_eq!(
            seen["circleInvitation"],
            json!({"status": "EXPIRED", "decidedAt": null})
        );
    });
}

#[test]
fn refuses_more_than_twenty_pending_invitations() {
    test(async |app| {
        let [alice] = app.circle().await;
        let others: [_; 21] = app.miners().await;
        for other in &others[..20] {
            alice.invite(other).await;
        }
        let outcome = alice.send_invitation(&others[20]).await;
        let error = outcome.refused("INVITATION_LIMIT", None);
        assert_eq!(error["limit"], 20);
        app.advance(TimeDelta::days(7)).await;
        alice.invite(&others[20]).await;
        assert_eq!(
            alice.own_circle("invitations { invitee { id } }").await,
            json!({"invitations": [{"invitee": {"id": others[20].profile}}]})
        );
    });
}

#[test]
fn refuses_more_than_twenty_invitations_a_day() {
    test(async |app| {
        let [alice] = app.circle().await;
        let bob = app.miner().await;
        let mut first = None;
        for _ in 0..20 {
            let payload = alice.send_invitation(&bob).await.ok();
            let invitation = &payload["invitation"];
            first.get_or_insert(at(&invitation["createdAt"]));
            alice.cancel(&invitation["id"]).await.ok();
        }
        let error = alice
            .send_invitation(&bob)
            .await
            .refused("INVITATION_LIMIT", None);
        assert_eq!(error["limit"], 20);
        let retry_at = at(&error["retryAt"]);
        assert_eq!(retry_at, first.unwrap() + TimeDelta::hours(24));
        app.advance(retry_at - app.now().await).await;
        alice.invite(&bob).await;
    });
}

#[test]
fn refuses_a_sixth_member() {
    test(async |app| {
        let [alice, ..] = app.circle::<5>().await;
        let outcome = alice.send_invitation(&app.miner().await).await;
        let error = outcome.refused("CIRCLE_FULL", None);
        assert_eq!(error["limit"], 5);
    });
}

#[test]
fn rejects_invitees_of_other_types() {
    test(async |app| {
        let [alice] = app.circle().await;
        let viewer = alice.viewer("id").await["id"].clone();
        for invitee in [
            json!({"profileId": viewer}),
            json!({"profileId": "x"}),
            json!({}),
        ] {
            invite(&alice, &invitee).await.error("BAD_USER_INPUT");
        }
    });
}

#[test]
fn invites_once_of_two_at_once() {
    test(async |app| {
        let [alice] = app.circle().await;
        for _ in 0..10 {
            let bob = app.miner().await;
            let sent = at_once([alice.send_invitation(&bob), alice.send_invitation(&bob)]).await;
            sent.one_applied("ALREADY_INVITED");
        }
    });
}

#[test]
fn refuses_owners_inviting_each_other_without_deadlock() {
    test(async |app| {
        let [alice] = app.circle().await;
        let [bob] = app.circle().await;
        for _ in 0..10 {
            let sent = at_once([alice.send_invitation(&bob), bob.send_invitation(&alice)]).await;
            assert_eq!(sent.refusals(), [Some("INVITEE_IN_CIRCLE"); 2]);
        }
    });
}
