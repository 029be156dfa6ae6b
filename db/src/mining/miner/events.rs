//! Events of miners: written to the outbox, read by subscriptions. `docs/EVENTS.md` documents them.
#![expect(
    missing_docs,
    reason = "docs/EVENTS.md documents every event and field"
)]

use domain::mining::{
    Claim, Configuration, HistorySource, Milestone, Miner, MinerStatus, Points, Role, Session,
    SessionStatus, Settled,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::text::{named, points_decimal};

/// An event of a miner. Names and fields are those of the platform's other services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
pub enum MinerEvent {
    MinerCreated {
        miner_id: Uuid,
        user_id: Uuid,
    },
    MiningSessionStarted {
        miner_id: Uuid,
        session_id: Uuid,
        ends_at: Timestamp,
        hourly_rate: Decimal,
    },
    MiningSessionCompleted(SessionEnded),
    MiningSessionExpired(SessionEnded),
    PointsMined(PointsChanged),
    PointsAdjusted(PointsChanged),
    StreakUpdated {
        miner_id: Uuid,
        previous_streak: u32,
        new_streak: u32,
        new_bonus_multiplier: Decimal,
    },
    StreakMilestoneReached {
        miner_id: Uuid,
        streak_days: u32,
        bonus_points: Decimal,
    },
    StreakBroken {
        miner_id: Uuid,
        lost_days: u32,
    },
    StreakRecovered {
        user_id: Uuid,
        miner_id: Uuid,
        recovered_days: u32,
        streak_days: u32,
        cost: Decimal,
    },
    ReferralApplied {
        referral_id: Uuid,
        referrer_id: Uuid,
        referred_id: Uuid,
        referred_user_id: Uuid,
        bonus_rate: Decimal,
        is_active: bool,
    },
    ReferralActivated(ReferralChanged),
    ReferralDeactivated(ReferralChanged),
    MinerRoleChanged {
        miner_id: Uuid,
        user_id: Uuid,
        #[serde(with = "named")]
        previous_role: Role,
        #[serde(with = "named")]
        new_role: Role,
    },
    MinerSuspended(StatusChanged),
    MinerRestored(StatusChanged),
    MinerBanned(StatusChanged),
    CircleInvitationReceived {
        miner_id: Uuid,
        invitation_id: Uuid,
        circle_id: Uuid,
        circle_name: String,
        expires_at: Timestamp,
    },
}

/// Payload of the events of the end of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionEnded {
    pub user_id: Uuid,
    pub miner_id: Uuid,
    pub session_id: Uuid,
    pub ends_at: Timestamp,
}

/// Payload of the events of changed points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PointsChanged {
    pub user_id: Uuid,
    pub miner_id: Uuid,
    pub points: Decimal,
    #[serde(with = "named")]
    pub source: HistorySource,
    pub streak_days: u32,
    pub total_points: Decimal,
}

/// Payload of the events of a referral's activation and deactivation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferralChanged {
    pub referral_id: Uuid,
    pub referrer_id: Uuid,
    pub referred_id: Uuid,
    pub referred_user_id: Uuid,
    pub bonus_rate: Decimal,
}

/// Payload of the events of a miner's changed status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChanged {
    pub miner_id: Uuid,
    pub user_id: Uuid,
    #[serde(with = "named")]
    pub previous_status: MinerStatus,
    #[serde(with = "named")]
    pub new_status: MinerStatus,
}

/// Events of one miner in one command.
pub(crate) struct MinerEvents<'a> {
    miner: &'a Miner,
    events: SubjectEvents<MinerEvent>,
}

impl<'a> MinerEvents<'a> {
    pub fn of(miner: &'a Miner, transaction_id: Option<TransactionId>) -> Self {
        let mut events = SubjectEvents::new("miner", miner.id.user.0, miner.version);
        events.audience = Some(miner.id.user);
        events.transaction_id = transaction_id;
        Self { miner, events }
    }

    pub fn push(&mut self, event: MinerEvent) {
        self.events.push(event);
    }

    /// Changes of the streak that a start or a claim caused.
    pub fn streak(&mut self, settled: &Settled, configuration: &Configuration) {
        if let Some(lost_days) = settled.lost_days {
            self.broken(lost_days);
        }
        let days = settled.streak.current;
        if self.miner.streak.current != days {
            self.streak_changed(days, configuration);
        }
    }

    fn broken(&mut self, lost_days: u32) {
        let miner_id = self.miner.id.uuid;
        self.push(MinerEvent::StreakBroken {
            miner_id,
            lost_days,
        });
    }

    pub fn streak_changed(&mut self, days: u32, configuration: &Configuration) {
        self.push(MinerEvent::StreakUpdated {
            miner_id: self.miner.id.uuid,
            previous_streak: self.miner.streak.current,
            new_streak: days,
            new_bonus_multiplier: configuration.streak.bonus_at(days).to_decimal(),
        });
    }

    pub fn streak_reset(&mut self, configuration: &Configuration) {
        let previous = self.miner.streak.current;
        if previous > 0 {
            self.broken(previous);
        }
        self.streak_changed(0, configuration);
    }

    pub fn status(&mut self, event: fn(StatusChanged) -> MinerEvent, after: &Miner) {
        self.push(event(StatusChanged {
            miner_id: self.miner.id.uuid,
            user_id: self.miner.id.user.0,
            previous_status: self.miner.status,
            new_status: after.status,
        }));
    }

    /// A session completed or expired.
    pub fn session(&mut self, session: &Session, status: SessionStatus, now: Timestamp) {
        let event = match status {
            SessionStatus::Expired => MinerEvent::MiningSessionExpired,
            _ => MinerEvent::MiningSessionCompleted,
        };
        self.push(event(SessionEnded {
            user_id: self.miner.id.user.0,
            miner_id: self.miner.id.uuid,
            session_id: session.id.uuid,
            ends_at: session.ends_at.min(now),
        }));
    }

    /// The role changed; no event when it stays.
    pub fn role(&mut self, role: Role) {
        if self.miner.role != role {
            self.push(MinerEvent::MinerRoleChanged {
                miner_id: self.miner.id.uuid,
                user_id: self.miner.id.user.0,
                previous_role: self.miner.role,
                new_role: role,
            });
        }
    }

    /// The reward of a claim and its milestones.
    pub fn claim(&mut self, claim: &Claim) {
        let (days, total) = (claim.settled.streak.current, claim.total_points);
        self.mined(claim.points_earned, HistorySource::Session, days, total);
        self.milestones(&claim.settled.milestones, days, total);
    }

    pub fn milestones(&mut self, reached: &[Milestone], streak_days: u32, total_points: Points) {
        for milestone in reached {
            let source = HistorySource::StreakMilestone;
            self.mined(milestone.points, source, streak_days, total_points);
            self.push(MinerEvent::StreakMilestoneReached {
                miner_id: self.miner.id.uuid,
                streak_days: milestone.days,
                bonus_points: points_decimal(milestone.points),
            });
        }
    }

    fn mined(&mut self, points: Points, source: HistorySource, streak_days: u32, total: Points) {
        let change = self.points(points, source, streak_days, total);
        self.push(MinerEvent::PointsMined(change));
    }

    pub fn adjusted(&mut self, points: Points, streak_days: u32, total: Points) {
        let change = self.points(points, HistorySource::Adjustment, streak_days, total);
        self.push(MinerEvent::PointsAdjusted(change));
    }

    fn points(
        &self,
        points: Points,
        source: HistorySource,
        streak_days: u32,
        total: Points,
    ) -> PointsChanged {
        PointsChanged {
            user_id: self.miner.id.user.0,
            miner_id: self.miner.id.uuid,
            points: points_decimal(points),
            source,
            streak_days,
            total_points: points_decimal(total),
        }
    }

    /// Enqueues the events; returns the miner's version after the last.
    pub fn enqueue(self, tx: &mut Tx, request_id: &str) -> Result<i64> {
        self.events.enqueue(tx, request_id)
    }
}
