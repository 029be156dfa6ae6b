use chrono::TimeDelta;

use super::standing::refuses_inactive;
use crate::support::{Actor, test};

#[test]
fn declines_and_lets_the_owner_invite_again() {
    test(async |app| {
        let [alice] = app.circle().await;
        let bob = app.miner().await;
        let invitation = alice.invite(&bob).await;
        let payload = bob.decline(&invitation).await.ok();
        assert_eq!(payload["invitation"]["status"], "DECLINED");
        assert!(payload["invitation"]["decidedAt"].is_string());
        assert_eq!(app.events("CircleInvitationDeclined").await.len(), 1);
        alice.invite(&bob).await;
    });
}

#[test]
fn is_open_to_suspended_miners() {
    test(async |app| {
        let [alice] = app.circle().await;
        let bob = app.miner().await;
        let invitation = alice.invite(&bob).await;
        app.set_status(&bob, "SUSPENDED").await;
        bob.decline(&invitation).await.ok();
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        let [alice] = app.circle().await;
        let [bob, carol] = app.miners().await;
        let invitation = alice.invite(&bob).await;
        let decline = |who: &Actor| who.decline(&invitation);
        refuses_inactive(app, decline, Some("INVITATION_NOT_FOUND")).await;
        let path = Some("invitationId");
        for other in [&alice, &carol] {
            decline(other).await.refused("INVITATION_NOT_FOUND", path);
        }
        decline(&bob).await.ok();
        decline(&bob).await.refused("INVITATION_NOT_PENDING", path);
        let invitation = alice.invite(&bob).await;
        app.advance(TimeDelta::days(7)).await;
        let outcome = bob.decline(&invitation).await;
        outcome.refused("INVITATION_EXPIRED", path);
    });
}
