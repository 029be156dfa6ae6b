//! Events about one miner, in the transaction of what they tell.

use domain::ids::{MinerId, TransactionId, UserId};
use domain::mining::{Claim, Configuration, HistorySource, Miner, Role, Settled};
use domain::money::Minor;
use serde_json::json;

use crate::idempotency::Request;
use crate::outbox::{self, NewEvent};
use crate::text::Text as _;
use crate::{DbError, Tx};

/// Decimals of points.
const POINTS_SCALE: u8 = 4;

/// Events about one miner, numbered on from its version.
pub(super) struct MinerEvents {
    miner_id: MinerId,
    audience: UserId,
    version: i64,
    transaction_id: Option<TransactionId>,
    events: Vec<(&'static str, serde_json::Value)>,
}

impl MinerEvents {
    pub fn of(miner: &Miner, transaction_id: Option<TransactionId>) -> Self {
        Self {
            miner_id: miner.id,
            audience: miner.user_id,
            version: miner.version,
            transaction_id,
            events: Vec::new(),
        }
    }

    pub fn push(&mut self, name: &'static str, payload: serde_json::Value) {
        self.events.push((name, payload));
    }

    /// What settling did to the streak.
    pub fn streak(&mut self, before: &Miner, settled: &Settled, configuration: &Configuration) {
        let (previous, new) = (before.streak.current, settled.streak.current);
        if let Some(lost) = settled.lost_days {
            self.push(
                "StreakBroken",
                json!({"minerId": before.id.0, "lostDays": lost}),
            );
        }
        if previous != new {
            let multiplier = configuration.streak.bonus_at(new).to_decimal().to_string();
            self.push(
                "StreakUpdated",
                json!({
                    "minerId": before.id.0, "previousStreak": previous, "newStreak": new,
                    "newBonusMultiplier": multiplier,
                }),
            );
        }
    }

    /// What a reset did to the streak.
    pub fn reset(&mut self, before: &Miner, configuration: &Configuration) {
        let previous = before.streak.current;
        if previous > 0 {
            self.push(
                "StreakBroken",
                json!({"minerId": before.id.0, "lostDays": previous}),
            );
        }
        let multiplier = configuration.streak.bonus_at(0).to_decimal().to_string();
        self.push(
            "StreakUpdated",
            json!({
                "minerId": before.id.0, "previousStreak": previous, "newStreak": 0,
                "newBonusMultiplier": multiplier,
            }),
        );
    }

    /// Whether the miner may mine from now on.
    pub fn status(&mut self, name: &'static str, before: &Miner, after: &Miner) {
        self.push(
            name,
            json!({
                "minerId": before.id.0, "userId": before.user_id.0,
                "previousStatus": before.status.text(), "newStatus": after.status.text(),
            }),
        );
    }

    /// What the miner is to the platform from now on, if that is something else.
    pub fn role(&mut self, before: &Miner, role: Role) {
        if before.role != role {
            self.push(
                "MinerRoleChanged",
                json!({
                    "minerId": before.id.0, "userId": before.user_id.0,
                    "previousRole": before.role.text(), "newRole": role.text(),
                }),
            );
        }
    }

    /// What a claim paid. Seeds name the event `PointsMined`; subscribers see `PointsUpdated`.
    pub fn points(&mut self, miner: &Miner, claim: &Claim) {
        let text = |points: Minor| points.to_decimal(POINTS_SCALE).to_string();
        let streak_days = claim.settled.streak.current;
        let mined = |points: Minor, source: HistorySource| {
            json!({
                "userId": miner.user_id.0, "minerId": miner.id.0, "points": text(points),
                "source": source.text(), "streakDays": streak_days, "totalPoints": text(claim.total_points),
            })
        };
        self.push(
            "PointsMined",
            mined(claim.points_earned, HistorySource::Session),
        );
        for milestone in &claim.settled.milestones {
            self.push(
                "PointsMined",
                mined(milestone.points, HistorySource::StreakMilestone),
            );
            self.push(
                "StreakMilestoneReached",
                json!({
                    "minerId": miner.id.0, "streakDays": milestone.days, "bonusPoints": text(milestone.points),
                }),
            );
        }
    }

    /// Writes the events; answers the miner's version after the last.
    pub async fn store(self, tx: &mut Tx, request: &Request) -> Result<i64, DbError> {
        let mut sequence = self.version;
        for (name, payload) in self.events {
            sequence += 1;
            let event = NewEvent {
                name,
                subject_kind: "miner",
                subject_id: self.miner_id.0,
                audience: Some(self.audience),
                sequence,
                payload,
                transaction_id: self.transaction_id,
            };
            outbox::append(tx, &request.request_id, event).await?;
        }
        Ok(sequence)
    }
}
