//! Mining sessions: started, completed after their length, claimed within the claim window.

use chrono::TimeDelta;

mod refusal;

pub use refusal::*;

use super::{
    Configuration, Judgement, Miner, Points, Rate, RateFacts, RatePerHour, Settled, Streak,
};
use crate::ids::SessionId;
use crate::money::{Minor, Overflow};
use crate::named::named;
use crate::refusal::Rejection;
use crate::time::{Timestamp, day_bounds, hours, plus};

/// A mining session with its rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Time of the start.
    pub started_at: Timestamp,
    /// Time the session is complete.
    pub ends_at: Timestamp,
    /// Length of the claim window after the end, in hours during which mining is switched on.
    pub claim_window_hours: u32,
    /// Time since which the claim window is stopped, while the miner is suspended.
    pub window_stopped_at: Option<Timestamp>,
    /// Extension of the claim window by earlier suspensions.
    pub window_extension: TimeDelta,
    /// Parts of the rate at the start.
    pub rate: Rate,
    /// Rate of the session: the product of its parts.
    pub hourly_rate: RatePerHour,
    /// Whether the start was late and forgiven by the grace period.
    pub started_in_grace: bool,
    /// Version of the mining configuration at the start.
    pub configuration_version: i32,
    /// Stored state.
    pub state: SessionState,
}

/// State of a session, as stored. `Active` and `Completed` may be outdated: see [`Session::status_at`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Running, or ended without the end being stored yet.
    Active,
    /// Ended and not claimed.
    Completed,
    /// Claimed and paid.
    Claimed {
        /// Time of the claim.
        at: Timestamp,
        /// Reward of the session.
        points_earned: Points,
        /// Milestone points paid with it; 0 when none was reached.
        milestone_points: Points,
        /// Part of the reward due to the referral bonus.
        referral_points: Points,
    },
    /// Not claimed in time, or ended by a ban.
    Expired {
        /// Time of expiry.
        at: Timestamp,
    },
}

named! {
    /// States of a session.
    SessionStatus, "MiningSessionStatus";

    /// The session runs.
    Active = "ACTIVE";
    /// Ended and waits to be claimed.
    Completed = "COMPLETED";
    /// The reward was paid.
    Claimed = "CLAIMED";
    /// Not claimed in time, or ended by a ban.
    Expired = "EXPIRED";
}

impl Session {
    /// State at `now`; the end and the claim window pass by time alone.
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

    /// End of the claim window, given the facts at `now`: it moves on while mining is switched off or the miner is
    /// suspended. None for a claimed or expired session.
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

    /// The miner's streak at `now`: an expired session no longer holds the streak, even before its expiry is stored.
    /// The session is the miner's newest.
    #[must_use]
    pub fn lapse(&self, streak: Streak, now: Timestamp, configuration: &Configuration) -> Streak {
        match self.unstored_status(now, configuration) {
            Some(SessionStatus::Expired) => streak.unclaimed(self.started_in_grace),
            _ => streak,
        }
    }

    /// Status that the session reached by time alone and that is not stored yet: completed or expired. None when the
    /// stored state is current.
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

    /// Points mined by `now`: elapsed seconds, at most the session's length, times the rate.
    pub fn accumulated(&self, now: Timestamp) -> Result<Points, Overflow> {
        self.hourly_rate.earned_in_seconds(self.seconds(now))
    }

    fn seconds(&self, now: Timestamp) -> i64 {
        now.min(self.ends_at)
            .signed_duration_since(self.started_at)
            .num_seconds()
    }
}

/// Facts on which starting a session depends.
#[derive(Clone, Debug)]
pub struct StartInput<'a> {
    /// Miner who starts.
    pub miner: Miner,
    /// The miner's newest session.
    pub latest: Option<Session>,
    /// Number of sessions that the miner started this UTC day.
    pub started_today: u32,
    /// Facts on which the rate depends.
    pub facts: RateFacts,
    /// Configuration in force.
    pub configuration: &'a Configuration,
    /// Current time.
    pub now: Timestamp,
    /// Id of the new session.
    pub id: SessionId,
}

/// Result of starting a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The new session.
    pub session: Session,
    /// The streak after the start.
    pub settled: Settled,
    /// The previous session, if it expired and that is not stored yet.
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

/// Result of claiming a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claimed session.
    pub session: Session,
    /// The streak after the claim.
    pub settled: Settled,
    /// Reward of the session.
    pub points_earned: Points,
    /// Milestone points paid with it.
    pub milestone_points: Points,
    /// Lifetime points afterwards.
    pub total_points: Points,
}

/// Claims the newest session.
///
/// Refusals, in this order: [`SessionRefusal::MinerSuspended`], [`SessionRefusal::MinerBanned`],
/// [`SessionRefusal::NotFound`], [`SessionRefusal::AlreadyClaimed`], [`SessionRefusal::NotComplete`],
/// [`SessionRefusal::Expired`], [`SessionRefusal::BalanceOverflow`].
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
    if let Some(retry_at) = configuration.exhausted_until(now) {
        return Err(SessionRefusal::IssuanceCeiling { retry_at }.into());
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
        .checked_add(points_earned)
        .and_then(|sum| sum.checked_add(milestone_points))
        .ok_or(SessionRefusal::BalanceOverflow)?;
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
