//! Events about one miner, in the transaction of what they tell.

use domain::ids::{MinerId, TransactionId, UserId};
use domain::mining::{
    Claim, Configuration, HistorySource, Milestone, Miner, Points, Role, Session, SessionStatus,
    Settled,
};
use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::idempotency::Request;
use crate::outbox::{self, NewEvent};
use crate::text::{self, Text as _};
use crate::{DbError, Tx};

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
            self.streak_changed(before, new, configuration);
        }
    }

    /// That a streak has other days than before.
    pub fn streak_changed(&mut self, before: &Miner, days: u32, configuration: &Configuration) {
        let multiplier = configuration.streak.bonus_at(days).to_decimal();
        self.push(
            "StreakUpdated",
            json!({
                "minerId": before.id.0, "previousStreak": before.streak.current, "newStreak": days,
                "newBonusMultiplier": multiplier.to_string(),
            }),
        );
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
        self.streak_changed(before, 0, configuration);
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

    /// What time made of a session, or a ban: it ended, or was not claimed in time.
    pub fn session(
        &mut self,
        miner: &Miner,
        session: &Session,
        status: SessionStatus,
        now: Timestamp,
    ) {
        let name = match status {
            SessionStatus::Expired => "MiningSessionExpired",
            _ => "MiningSessionCompleted",
        };
        self.push(
            name,
            json!({
                "userId": miner.user_id.0, "minerId": miner.id.0, "sessionId": session.id.0,
                "endsAt": session.ends_at.min(now).to_rfc3339(),
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
    pub fn claim(&mut self, miner: &Miner, claim: &Claim) {
        let (days, total) = (claim.settled.streak.current, claim.total_points);
        self.mined(
            miner,
            claim.points_earned,
            HistorySource::Session,
            days,
            total,
        );
        self.milestones(miner, &claim.settled.milestones, days, total);
    }

    /// Which milestones of a streak were reached and paid.
    pub fn milestones(
        &mut self,
        miner: &Miner,
        reached: &[Milestone],
        streak_days: u32,
        total_points: Points,
    ) {
        for milestone in reached {
            let source = HistorySource::StreakMilestone;
            self.mined(miner, milestone.points, source, streak_days, total_points);
            self.push(
                "StreakMilestoneReached",
                json!({
                    "minerId": miner.id.0, "streakDays": milestone.days, "bonusPoints": text::points(milestone.points),
                }),
            );
        }
    }

    fn mined(
        &mut self,
        miner: &Miner,
        points: Points,
        source: HistorySource,
        streak_days: u32,
        total_points: Points,
    ) {
        self.push(
            "PointsMined",
            json!({
                "userId": miner.user_id.0, "minerId": miner.id.0, "points": text::points(points),
                "source": source.text(), "streakDays": streak_days, "totalPoints": text::points(total_points),
            }),
        );
    }

    /// That points were corrected.
    pub fn adjusted(&mut self, miner: &Miner, points: Points, total_points: Points) {
        self.push(
            "PointsAdjusted",
            json!({
                "userId": miner.user_id.0, "minerId": miner.id.0, "points": text::points(points),
                "source": HistorySource::Adjustment.text(), "totalPoints": text::points(total_points),
            }),
        );
    }

    /// Writes the events; answers the miner's version after the last.
    pub async fn store(self, tx: &mut Tx, request: &Request) -> Result<i64, DbError> {
        let mut version = self.version;
        for event in self.numbered() {
            version = event.sequence;
            outbox::append(tx, &request.request_id, event).await?;
        }
        Ok(version)
    }

    /// The events as they are to be written; the miner's version after them is the number of the last.
    pub fn numbered(self) -> impl Iterator<Item = NewEvent<Value>> {
        let subject = (self.miner_id.0, self.audience, self.transaction_id);
        let numbers = self.version.saturating_add(1)..;
        numbers
            .zip(self.events)
            .map(move |(sequence, (name, payload))| {
                let (subject_id, audience, transaction_id) = subject;
                NewEvent {
                    name,
                    subject_kind: "miner",
                    subject_id,
                    audience: Some(audience),
                    sequence,
                    payload,
                    transaction_id,
                }
            })
    }
}
