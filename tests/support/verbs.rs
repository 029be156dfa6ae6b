//! Commands that many tests need for their set-up, and what actors see of their own.

use domain::access::Scope;
use serde_json::{Value, json};

use super::{Actor, Miner, Run, TestApp};

/// An approval or an invitation: the arguments that name it.
fn named(name: &str, id: &Value) -> Value {
    json!({name: id})
}

/// Commands of users.
impl Actor {
    /// Registers a miner.
    pub fn register(&self) -> Run {
        self.run("minerRegister", json!({}))
    }

    /// Registers a miner under a referral code.
    pub fn register_with(&self, code: &str) -> Run {
        self.register().with(json!({"referralCode": code}))
    }

    /// Starts a session.
    pub fn start(&self) -> Run {
        self.run("miningSessionStart", json!({}))
    }

    /// Claims the newest session.
    pub fn claim(&self) -> Run {
        self.run("miningSessionClaim", json!({}))
    }

    /// Recovers the broken streak.
    pub fn recover(&self) -> Run {
        self.run("streakRecover", json!({}))
    }

    /// Applies a referral code.
    pub fn apply(&self, code: &str) -> Run {
        self.run("referralApply", json!({"referralCode": code}))
    }

    /// Creates the circle `Night shift`.
    pub fn create_circle(&self) -> Run {
        self.run("circleCreate", json!({"name": "Night shift"}))
    }

    /// Invites a miner into the caller's circle.
    pub fn send_invitation(&self, invitee: &Miner) -> Run {
        let input = json!({"invitee": {"profileId": invitee.profile}});
        self.run("circleInvitationSend", input)
    }

    /// Invites a miner into the caller's circle; returns the invitation's id.
    pub async fn invite(&self, invitee: &Miner) -> Value {
        self.send_invitation(invitee).await.ok()["invitation"]["id"].clone()
    }

    /// Accepts an invitation.
    pub fn accept(&self, invitation: &Value) -> Run {
        self.run("circleInvitationAccept", named("invitationId", invitation))
    }

    /// Declines an invitation.
    pub fn decline(&self, invitation: &Value) -> Run {
        self.run("circleInvitationDecline", named("invitationId", invitation))
    }

    /// Cancels an invitation.
    pub fn cancel(&self, invitation: &Value) -> Run {
        self.run("circleInvitationCancel", named("invitationId", invitation))
    }

    /// Invites a miner, who accepts; returns the payload.
    pub async fn take_in(&self, member: &Miner) -> Value {
        let invitation = self.invite(member).await;
        member.accept(&invitation).await.ok()
    }

    /// Leaves the caller's circle.
    pub fn leave(&self) -> Run {
        self.run("circleLeave", json!({}))
    }

    /// Removes a member from the caller's circle.
    pub fn remove(&self, member: &Miner) -> Run {
        self.run("circleMemberRemove", json!({"memberId": member.profile}))
    }

    /// Disbands the caller's circle.
    pub fn disband(&self) -> Run {
        self.run("circleDisband", json!({}))
    }

    /// Renames the caller's circle.
    pub fn rename(&self, name: &str) -> Run {
        self.run("circleRename", json!({"name": name}))
    }
}

/// Commands of administrators.
impl Actor {
    /// Runs a command about a miner, for the reason `a test`.
    pub fn decide(&self, field: &str, whose: &Actor) -> Run {
        self.decide_about(field, &whose.by_user())
    }

    /// Runs a command about a miner named in any way, for the reason `a test`.
    pub fn decide_about(&self, field: &str, miner: &Value) -> Run {
        self.run(field, json!({"miner": miner, "reason": "a test"}))
    }

    pub fn suspend(&self, whose: &Actor) -> Run {
        self.decide("minerSuspend", whose)
    }

    pub fn restore(&self, whose: &Actor) -> Run {
        self.decide("minerRestore", whose)
    }

    pub fn ban(&self, whose: &Actor) -> Run {
        self.decide("minerBan", whose)
    }

    pub fn reset_streak(&self, whose: &Actor) -> Run {
        self.decide("minerStreakReset", whose)
    }

    pub fn grant_node_operator(&self, whose: &Actor) -> Run {
        self.decide("minerNodeOperatorGrant", whose)
    }

    pub fn revoke_node_operator(&self, whose: &Actor) -> Run {
        self.decide("minerNodeOperatorRevoke", whose)
    }

    /// Adjusts a miner's points.
    pub fn adjust(&self, whose: &Actor, points: &str) -> Run {
        self.decide("minerPointsAdjust", whose)
            .with(json!({"points": points}))
    }

    pub fn approve(&self, approval: &Value) -> Run {
        self.run("approvalApprove", named("approvalId", approval))
    }

    pub fn decline_approval(&self, approval: &Value, reason: &str) -> Run {
        self.run("approvalDecline", named("approvalId", approval))
            .with(json!({"reason": reason}))
    }

    /// Disbands a circle of others, for the reason `a test`.
    pub fn force_disband(&self, circle: &Value) -> Run {
        let input = json!({"circleId": circle, "reason": "a test"});
        self.run("circleForceDisband", input)
    }
}

impl TestApp {
    /// Runs a command that waits for a second person, who approves it; returns the payload of the approval.
    pub async fn approved(&self, run: Run) -> Value {
        let waiting = run.await.ok();
        self.admin().approve(&waiting["approval"]["id"]).await.ok()
    }

    /// Reports a person's identity as verified, as the platform's identity service does. The service may read it back.
    pub fn verify(&self, person: &Actor) -> Run {
        let input = json!({"userId": person.id().to_string()});
        self.service(&[Scope::MiningEvents, Scope::MiningRead])
            .run("kycComplete", input)
    }
}

/// Queries for the caller's own objects.
impl Actor {
    /// Names the actor's miner by the user.
    pub fn by_user(&self) -> Value {
        json!({"userId": self.id().to_string()})
    }

    /// Fields of the viewer.
    pub async fn viewer(&self, selection: &str) -> Value {
        let query = format!("{{ viewer {{ {selection} }} }}");
        self.get(&query, json!({})).await["viewer"].clone()
    }

    /// Fields of the viewer's miner.
    pub async fn own_miner(&self, selection: &str) -> Value {
        let selection = format!("miner {{ {selection} }}");
        self.viewer(&selection).await["miner"].clone()
    }

    /// Fields of the viewer's circle.
    pub async fn own_circle(&self, selection: &str) -> Value {
        let selection = format!("circle {{ {selection} }}");
        self.viewer(&selection).await["circle"].clone()
    }

    /// The balance of the viewer's wallet of mining points.
    pub async fn points(&self) -> String {
        let selection = r#"wallet(currency: "MP") { available { amount } }"#;
        let viewer = self.viewer(selection).await;
        let amount = &viewer["wallet"]["available"]["amount"];
        amount.as_str().unwrap().to_owned()
    }

    /// The role of the viewer's miner.
    pub async fn role(&self) -> String {
        let miner = self.own_miner("role").await;
        miner["role"].as_str().unwrap().to_owned()
    }

    /// The role of the viewer's miner, and the circle's share of its rate.
    pub async fn role_and_circle_bonus(&self) -> [String; 2] {
        let miner = self.own_miner("role rate { circleBonusRate }").await;
        [&miner["role"], &miner["rate"]["circleBonusRate"]]
            .map(|value| value.as_str().unwrap().to_owned())
    }

    /// The referrals' share of the rate of the viewer's miner.
    pub async fn referral_bonus(&self) -> String {
        let miner = self.own_miner("rate { referralBonusRate }").await;
        let bonus = &miner["rate"]["referralBonusRate"];
        bonus.as_str().unwrap().to_owned()
    }
}
