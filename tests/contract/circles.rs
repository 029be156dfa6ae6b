//! Samples of the mutations about circles and their invitations.

use serde_json::{Value, json};

use super::rows::Sample;
use crate::support::{Actor, TestApp};

pub async fn create(app: &TestApp) -> Sample {
    Sample::new(app.miner().await.create_circle(), json!({"name": "B"}))
}

pub async fn rename(app: &TestApp) -> Sample {
    let [alice] = app.circle().await;
    Sample::new(alice.rename("A"), json!({"name": "B"}))
}

pub async fn disband(app: &TestApp) -> Sample {
    let [alice] = app.circle().await;
    Sample::alone(alice.disband())
}

pub async fn force_disband(app: &TestApp) -> Sample {
    let [alice] = app.circle().await;
    let circle = alice.own_circle("id").await["id"].clone();
    Sample::new(
        app.admin().force_disband(&circle),
        json!({"reason": "another"}),
    )
}

pub async fn leave(app: &TestApp) -> Sample {
    let [_, bob] = app.circle().await;
    Sample::alone(bob.leave())
}

pub async fn remove(app: &TestApp) -> Sample {
    let [alice, bob, carol] = app.circle().await;
    Sample::new(alice.remove(&bob), json!({"memberId": carol.profile}))
}

pub async fn invite(app: &TestApp) -> Sample {
    let [alice] = app.circle().await;
    let [bob, carol] = app.miners().await;
    let other = json!({"invitee": {"code": carol.code}});
    Sample::new(alice.send_invitation(&bob), other)
}

/// A circle's owner, an invited miner, and two invitations: one to the miner, one to another.
async fn invited(app: &TestApp) -> (Actor, Actor, Value, Value) {
    let [alice] = app.circle().await;
    let [bob, carol] = app.miners().await;
    let (first, other) = (alice.invite(&bob).await, alice.invite(&carol).await);
    (
        alice.actor(),
        bob.actor(),
        first,
        json!({"invitationId": other}),
    )
}

pub async fn accept(app: &TestApp) -> Sample {
    let (_, bob, invitation, other) = invited(app).await;
    Sample::new(bob.accept(&invitation), other)
}

pub async fn decline(app: &TestApp) -> Sample {
    let (_, bob, invitation, other) = invited(app).await;
    Sample::new(bob.decline(&invitation), other)
}

pub async fn cancel(app: &TestApp) -> Sample {
    let (alice, _, invitation, other) = invited(app).await;
    Sample::new(alice.cancel(&invitation), other)
}
