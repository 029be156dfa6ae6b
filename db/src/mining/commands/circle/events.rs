//! Events about one circle, in the transaction of what they tell.

use domain::ids::{CircleId, MinerId};
use domain::mining::circle::Exit;
use domain::mining::{Circle, CircleInvitation, Miner};
use serde_json::{Value, json};

use crate::outbox::{self, NewEvent};
use crate::text::Text as _;
use crate::{DbError, Tx};

/// Events about one circle, numbered on from its version.
pub(super) struct CircleEvents {
    circle_id: CircleId,
    owner_id: MinerId,
    version: i64,
    events: Vec<(&'static str, Value)>,
}

impl CircleEvents {
    pub fn of(circle: &Circle) -> Self {
        Self {
            circle_id: circle.id,
            owner_id: circle.owner_id,
            version: circle.version,
            events: Vec::new(),
        }
    }

    fn push(&mut self, name: &'static str, facts: Value) {
        let mut payload = json!({"circleId": self.circle_id.0, "ownerId": self.owner_id.0});
        if let (Value::Object(payload), Value::Object(facts)) = (&mut payload, facts) {
            payload.extend(facts);
        }
        self.events.push((name, payload));
    }

    pub fn created(&mut self, name: &str) {
        self.push("CircleCreated", json!({"name": name}));
    }

    pub fn renamed(&mut self, before: &str, after: &str) {
        self.push(
            "CircleRenamed",
            json!({"previousName": before, "newName": after}),
        );
    }

    pub fn invitation(&mut self, name: &'static str, invitation: &CircleInvitation) {
        self.push(
            name,
            json!({"invitationId": invitation.id.0, "inviteeId": invitation.invitee_id.0}),
        );
    }

    /// Somebody joined, and what that made of the circle.
    pub fn joined(&mut self, who: &Miner, before: &Circle, after: &Circle) {
        let members = after.member_count;
        self.push(
            "CircleMemberJoined",
            json!({"minerId": who.id.0, "userId": who.user_id.0, "memberCount": members}),
        );
        if after.is_valid() && !before.is_valid() {
            let bonus = after.bonus().to_decimal().to_string();
            self.push(
                "CircleCompleted",
                json!({"memberCount": members, "bonusMultiplier": bonus}),
            );
        }
    }

    /// Somebody went, and what that made of the circle.
    pub fn left(&mut self, who: &Miner, how: Exit, before: &Circle, after: &Circle) {
        let members = after.member_count;
        self.push(
            "CircleMemberLeft",
            json!({
                "minerId": who.id.0, "userId": who.user_id.0, "how": how.text(), "memberCount": members,
            }),
        );
        if before.is_valid() && !after.is_valid() {
            self.push("CircleIncomplete", json!({"memberCount": members}));
        }
    }

    /// The circle ended, with everybody who was in it.
    pub fn disbanded<'a>(&mut self, members: impl Iterator<Item = &'a Miner>) {
        let (miners, users): (Vec<_>, Vec<_>) =
            members.map(|miner| (miner.id.0, miner.user_id.0)).unzip();
        self.push(
            "CircleDisbanded",
            json!({"memberIds": miners, "userIds": users}),
        );
    }

    /// Writes the events; answers the circle's version after the last.
    pub async fn store(self, tx: &mut Tx, request_id: &str) -> Result<i64, DbError> {
        let mut sequence = self.version;
        for (name, payload) in self.events {
            sequence += 1;
            let event = NewEvent {
                name,
                subject_kind: "circle",
                subject_id: self.circle_id.0,
                audience: None,
                sequence,
                payload,
                transaction_id: None,
            };
            outbox::append(tx, request_id, event).await?;
        }
        Ok(sequence)
    }
}
