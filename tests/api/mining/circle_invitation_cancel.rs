use chrono::TimeDelta;

use super::standing::refuses_inactive;
use crate::support::{Actor, test};

#[test]
fn cancels_an_invitation() {
    test(async |app| {
        let [alice] = app.circle().await;
        let bob = app.miner().await;
        let invitation = alice.invite(&bob).await;
        let payload = alice.cancel(&invitation).await.ok();
        assert_eq!(payload["invitation"]["status"], "CANCELLED");
        assert_eq!(app.events("CircleInvitationCancelled").await.len(), 1);
        alice.invite(&bob).await;
    });
}

#[test]
fn refuses_in_documented_order() {
    test(async |app| {
        let [alice, bob] = app.circle().await;
        let [carol, dina, eve] = app.miners().await;
        let invitation = alice.invite(&carol).await;
        let cancel = |who: &Actor| who.cancel(&invitation);
        refuses_inactive(app, cancel, Some("CIRCLE_NOT_FOUND")).await;
        cancel(&carol).await.refused("CIRCLE_NOT_FOUND", None);
        cancel(&bob).await.refused("NOT_CIRCLE_OWNER", None);
        // The owner of another circle.
        dina.create_circle().await.ok();
        let path = Some("invitationId");
        cancel(&dina).await.refused("INVITATION_NOT_FOUND", path);
        cancel(&alice).await.ok();
        cancel(&alice).await.refused("INVITATION_NOT_PENDING", path);
        let invitation = alice.invite(&eve).await;
        app.advance(TimeDelta::days(7)).await;
        let outcome = alice.cancel(&invitation).await;
        outcome.refused("INVITATION_EXPIRED", path);
    });
}
