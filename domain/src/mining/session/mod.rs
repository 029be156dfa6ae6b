//! Mining sessions: started, complete after their time, claimed within a window.

use chrono::TimeDelta;

mod refusal;

pub use refusal::{SessionRefusal, SessionRefusalKind};

use super::{
    Configuration, Judgement, Miner, Points, Rate, RateFacts, RatePerHour, Settled, Streak,
};
use crate::ids::{MinerId, SessionId};
use crate::money::{Minor, Overflow};
use crate::refusal::Rejection;
use crate::time::{Timestamp, day_bounds, hours, plus};

/// One mining session with the rate it was started at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub miner_id: MinerId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it is complete.
    pub ends_at: Timestamp,
    /// How long it can be claimed after its end, in hours of mining being switched on.
    pub claim_window_hours: u32,
    /// Since when the claim window stands still, because the miner is suspended.
    pub window_stopped_at: Option<Timestamp>,
    /// By how much suspensions that are over made the claim window longer.
    pub window_extension: TimeDelta,
    /// The rate's parts when it began.
    pub rate: Rate,
    /// Their product, in ten-thousandths of a point an hour.
    pub hourly_rate: RatePerHour,
    /// Whether its start was forgiven as a late one.
    pub started_in_grace: bool,
    /// Version of the mining configuration it was started under.
    pub configuration_version: i32,
    /// What became of it, as stored.
    pub state: SessionState,
}

/// What became of a session, as stored. `Active` may have ended since: see [`Session::status_at`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Runs, or has ended and nobody wrote that down yet.
    Active,
    /// Ended, not claimed.
    Completed,
    /// Paid.
    Claimed {
        /// When.
        at: Timestamp,
        /// The session's reward.
        points_earned: Points,
        /// Milestones paid with it, 0 if none.
        milestone_points: Points,
        /// The part of the reward owed to referrals.
        referral_points: Points,
    },
    /// Not claimed in time, or ended by a ban.
    Expired {
        /// When.
        at: Timestamp,
    },
}

/// Where a session stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionStatus {
    /// Runs.
    Active,
    /// Complete, waits to be claimed.
    Completed,
    /// Paid.
    Claimed,
    /// Not claimed in time.
    Expired,
}

impl Session {
    /// Where the session stands at `now`: its end and its claim window follow from time.
    #[must_use]
    pub fn status_at(&self, now: Timestamp, configuration: &Configuration) -> SessionStatus {
        match self.state {
            SessionState::Claimed { .. } => SessionStatus::Claimed,
            SessionState::Expired { .. } => SessionStatus::Expired,
            SessionState::Active | SessionState::Completed if now < self.ends_at => {
                SessionStatus::Active
            }
            SessionState::Active | SessionState::Completed => {
                if now > self.window_end(now, configuration) {
                    SessionStatus::Expired
                } else {
                    SessionStatus::Completed
                }
            }
        }
    }

    /// Until when the session can be claimed, as things stand at `now`: while mining is switched off or the miner
    /// suspended it moves on with time. None once it is paid or expired.
    #[must_use]
    pub fn claimable_until(
        &self,
        now: Timestamp,
        configuration: &Configuration,
    ) -> Option<Timestamp> {
        match self.status_at(now, configuration) {
            SessionStatus::Active | SessionStatus::Completed => {
                Some(self.window_end(now, configuration))
            }
            SessionStatus::Claimed | SessionStatus::Expired => None,
        }
    }

    /// The streak of the session's miner as time has made it: one that was not claimed in time holds no streak, although
    /// that is not stored yet. The session is the miner's newest.
    #[must_use]
    pub fn lapse(&self, streak: Streak, now: Timestamp, configuration: &Configuration) -> Streak {
        match self.unstored_status(now, configuration) {
            Some(SessionStatus::Expired) => streak.unclaimed(self.started_in_grace),
            _ => streak,
        }
    }

    /// What time has made of the session that is not stored yet: complete, or expired. None, if it stands as it is stored.
    #[must_use]
    pub fn unstored_status(
        &self,
        now: Timestamp,
        configuration: &Configuration,
    ) -> Option<SessionStatus> {
        match (self.status_at(now, configuration), &self.state) {
            (status @ SessionStatus::Completed, SessionState::Active)
            | (status @ SessionStatus::Expired, SessionState::Active | SessionState::Completed) => {
                Some(status)
            }
            _ => None,
        }
    }

    fn window_end(&self, now: Timestamp, configuration: &Configuration) -> Timestamp {
        let stood_still = configuration.stood_still(self.ends_at, self.window_stopped_at, now);
        [
            hours(self.claim_window_hours),
            self.window_extension,
            stood_still,
        ]
        .into_iter()
        .fold(self.ends_at, plus)
    }

    /// What has been mined by `now`: hours elapsed, at most the session's length, times its rate.
    pub fn accumulated(&self, now: Timestamp) -> Result<Points, Overflow> {
        self.hourly_rate.earned_in_seconds(self.seconds(now))
    }

    fn seconds(&self, now: Timestamp) -> i64 {
        now.min(self.ends_at)
            .signed_duration_since(self.started_at)
            .num_seconds()
    }
}

/// What starting a session needs to know.
#[derive(Clone, Debug)]
pub struct StartInput<'a> {
    /// Who starts.
    pub miner: Miner,
    /// Their newest session.
    pub latest: Option<Session>,
    /// Sessions they started this UTC day.
    pub started_today: u32,
    /// What their rate depends on.
    pub facts: RateFacts,
    /// The rules in force.
    pub configuration: &'a Configuration,
    /// The moment.
    pub now: Timestamp,
    /// The new session's id.
    pub id: SessionId,
}

/// A session that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The new session.
    pub session: Session,
    /// The streak, settled.
    pub settled: Settled,
    /// The one before, found expired and not yet stored as such.
    pub expired: Option<Session>,
}

/// Starts a session.
///
/// Refusals, in this order: [`SessionRefusal::MinerSuspended`], [`SessionRefusal::MinerBanned`],
/// [`SessionRefusal::MiningDisabled`], [`SessionRefusal::Active`], [`SessionRefusal::Unclaimed`],
/// [`SessionRefusal::DailyLimit`].
pub fn start(input: StartInput<'_>) -> Result<Start, Rejection<SessionRefusal>> {
    let StartInput {
        miner,
        latest,
        started_today,
        facts,
        configuration,
        now,
        id,
    } = input;
    miner.status.may_mine().map_err(SessionRefusal::from)?;
    let rules = &configuration.mining;
    if !rules.is_globally_enabled {
        return Err(SessionRefusal::MiningDisabled.into());
    }
    let mut expired = None;
    if let Some(before) = latest {
        match before.status_at(now, configuration) {
            SessionStatus::Active => {
                let retry_at = before.ends_at;
                return Err(SessionRefusal::Active { retry_at }.into());
            }
            SessionStatus::Completed => return Err(SessionRefusal::Unclaimed.into()),
            SessionStatus::Claimed => {}
            SessionStatus::Expired => {
                let status = before.unstored_status(now, configuration);
                expired = status.is_some().then_some(before);
            }
        }
    }
    if started_today >= rules.max_sessions_per_day {
        let limit = rules.max_sessions_per_day;
        let (_, retry_at) = day_bounds(now.date_naive());
        return Err(SessionRefusal::DailyLimit { limit, retry_at }.into());
    }
    let ends_at = plus(now, hours(rules.session_duration_hours));
    let streak = match &expired {
        Some(before) => before.lapse(miner.streak, now, configuration),
        None => miner.streak,
    };
    let settled = streak.on_start(now, ends_at, configuration);
    let rate = Rate::of(&facts, settled.streak.current, configuration);
    Ok(Start {
        session: Session {
            id,
            miner_id: miner.id,
            started_at: now,
            ends_at,
            claim_window_hours: rules.claim_window_hours,
            window_stopped_at: None,
            window_extension: TimeDelta::zero(),
            rate,
            hourly_rate: rate.total()?,
            started_in_grace: settled.judgement == Judgement::Grace,
            configuration_version: rules.version,
            state: SessionState::Active,
        },
        settled,
        expired,
    })
}

/// A session that is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The session, claimed.
    pub session: Session,
    /// The streak, settled and counted.
    pub settled: Settled,
    /// The session's reward.
    pub points_earned: Points,
    /// Sum of the milestones reached.
    pub milestone_points: Points,
    /// Lifetime points after.
    pub total_points: Points,
}

/// Claims the newest session.
///
/// Refusals, in this order: [`SessionRefusal::MinerSuspended`], [`SessionRefusal::MinerBanned`],
/// [`SessionRefusal::NotFound`], [`SessionRefusal::AlreadyClaimed`], [`SessionRefusal::NotComplete`],
/// [`SessionRefusal::Expired`].
pub fn claim(
    miner: Miner,
    latest: Option<Session>,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Claim, Rejection<SessionRefusal>> {
    miner.status.may_mine().map_err(SessionRefusal::from)?;
    let session = latest.ok_or(SessionRefusal::NotFound)?;
    match session.status_at(now, configuration) {
        SessionStatus::Completed => {}
        SessionStatus::Claimed => return Err(SessionRefusal::AlreadyClaimed.into()),
        SessionStatus::Active => {
            let retry_at = session.ends_at;
            return Err(SessionRefusal::NotComplete { retry_at }.into());
        }
        SessionStatus::Expired => return Err(SessionRefusal::Expired.into()),
    }
    let length = session.ends_at.signed_duration_since(session.started_at);
    let points_earned = session.accumulated(now)?;
    let without_referral = session
        .rate
        .without_referral()?
        .earned_in_seconds(session.seconds(now))?;
    let referral_points = points_earned.minus(without_referral)?;
    let settled = miner
        .streak
        .on_claim(now, length, session.started_in_grace, configuration);
    let milestone_points = settled
        .milestones
        .iter()
        .try_fold(Minor::ZERO, |sum, milestone| sum.plus(milestone.points))?;
    let total_points = miner
        .lifetime_points
        .plus(points_earned)?
        .plus(milestone_points)?;
    Ok(Claim {
        session: Session {
            state: SessionState::Claimed {
                at: now,
                points_earned,
                milestone_points,
                referral_points,
            },
            ..session
        },
        settled,
        points_earned,
        milestone_points,
        total_points,
    })
}

#[cfg(test)]
mod tests;
