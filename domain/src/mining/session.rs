//! Mining sessions: started, complete after their time, claimed within a window.

use chrono::TimeDelta;

use super::{
    Configuration, Judgement, Miner, MinerStatus, MiningRefusal, Points, Rate, RateFacts,
    RatePerHour, Settled,
};
use crate::ids::{MinerId, SessionId};
use crate::money::Minor;
use crate::time::{Timestamp, hours, plus};

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
        streak_bonus: Points,
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
    #[must_use]
    pub fn accumulated(&self, now: Timestamp) -> Points {
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
/// Refusals, in this order: [`MiningRefusal::MinerSuspended`], [`MiningRefusal::MinerBanned`],
/// [`MiningRefusal::MiningDisabled`], [`MiningRefusal::SessionActive`], [`MiningRefusal::SessionUnclaimed`],
/// [`MiningRefusal::DailySessionLimit`].
pub fn start(input: StartInput<'_>) -> Result<Start, MiningRefusal> {
    let StartInput {
        miner,
        latest,
        started_today,
        facts,
        configuration,
        now,
        id,
    } = input;
    may_mine(miner.status)?;
    let rules = &configuration.mining;
    if !rules.is_globally_enabled {
        return Err(MiningRefusal::MiningDisabled);
    }
    let mut expired = None;
    if let Some(before) = latest {
        match before.status_at(now, configuration) {
            SessionStatus::Active => {
                return Err(MiningRefusal::SessionActive {
                    ends_at: before.ends_at,
                });
            }
            SessionStatus::Completed => return Err(MiningRefusal::SessionUnclaimed),
            SessionStatus::Claimed => {}
            SessionStatus::Expired => {
                let is_stored = matches!(before.state, SessionState::Expired { .. });
                expired = (!is_stored).then_some(before);
            }
        }
    }
    if started_today >= rules.max_sessions_per_day {
        return Err(MiningRefusal::DailySessionLimit {
            limit: rules.max_sessions_per_day,
        });
    }
    let ends_at = plus(now, hours(rules.session_duration_hours));
    let streak = match &expired {
        Some(_) => miner.streak.unclaimed(),
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
            hourly_rate: rate.total(),
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
    pub streak_bonus: Points,
    /// Lifetime points after.
    pub total_points: Points,
}

/// Claims the newest session.
///
/// Refusals, in this order: [`MiningRefusal::MinerSuspended`], [`MiningRefusal::MinerBanned`],
/// [`MiningRefusal::SessionNotFound`], [`MiningRefusal::SessionAlreadyClaimed`], [`MiningRefusal::SessionNotComplete`],
/// [`MiningRefusal::SessionExpired`].
pub fn claim(
    miner: Miner,
    latest: Option<Session>,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Claim, MiningRefusal> {
    may_mine(miner.status)?;
    let session = latest.ok_or(MiningRefusal::SessionNotFound)?;
    match session.status_at(now, configuration) {
        SessionStatus::Completed => {}
        SessionStatus::Claimed => return Err(MiningRefusal::SessionAlreadyClaimed),
        SessionStatus::Active => {
            return Err(MiningRefusal::SessionNotComplete {
                ends_at: session.ends_at,
            });
        }
        SessionStatus::Expired => return Err(MiningRefusal::SessionExpired),
    }
    let length = session.ends_at.signed_duration_since(session.started_at);
    let points_earned = session.accumulated(now);
    let without_referral = session
        .rate
        .without_referral()
        .earned_in_seconds(session.seconds(now));
    let referral_points = points_earned
        .checked_sub(without_referral)
        .unwrap_or(Minor::ZERO);
    let settled = miner
        .streak
        .on_claim(now, length, session.started_in_grace, configuration);
    let streak_bonus = settled
        .milestones
        .iter()
        .fold(Minor::ZERO, |sum, milestone| {
            sum.checked_add(milestone.points).unwrap_or(sum)
        });
    let total_points = [points_earned, streak_bonus]
        .into_iter()
        .fold(miner.lifetime_points, |sum, points| {
            sum.checked_add(points).unwrap_or(sum)
        });
    Ok(Claim {
        session: Session {
            state: SessionState::Claimed {
                at: now,
                points_earned,
                streak_bonus,
                referral_points,
            },
            ..session
        },
        settled,
        points_earned,
        streak_bonus,
        total_points,
    })
}

/// Whether a miner with this status may mine.
pub(super) fn may_mine(status: MinerStatus) -> Result<(), MiningRefusal> {
    match status {
        MinerStatus::Active => Ok(()),
        MinerStatus::Suspended => Err(MiningRefusal::MinerSuspended),
        MinerStatus::Banned => Err(MiningRefusal::MinerBanned),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::UserId;
    use crate::mining::{Bps, ReferralCode, Role, Streak};

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn miner() -> Miner {
        Miner {
            id: MinerId(Uuid::nil()),
            user_id: UserId(Uuid::nil()),
            role: Role::Pioneer,
            status: MinerStatus::Active,
            lifetime_points: Minor(10_000),
            streak: Streak::default(),
            referral_code: ReferralCode::from_random([0; 8]),
            referred_by: None,
            circle_id: None,
            version: 1,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn start_with(
        miner: Miner,
        latest: Option<Session>,
        started_today: u32,
        configuration: &Configuration,
        now: Timestamp,
    ) -> Result<Start, MiningRefusal> {
        start(StartInput {
            miner,
            latest,
            started_today,
            facts: RateFacts {
                role: Role::Pioneer,
                circle_valid: false,
                referral_sum: Bps(2_500),
            },
            configuration,
            now,
            id: SessionId(Uuid::nil()),
        })
    }

    #[test]
    fn a_session_pays_its_hours() {
        let rules = Configuration::default();
        let started = start_with(miner(), None, 0, &rules, at(0)).expect("starts");
        assert_eq!(started.session.hourly_rate, RatePerHour(3_125));
        assert_eq!(started.session.accumulated(at(12)), Minor(37_500));
        let mut after = miner();
        after.streak = started.settled.streak;
        let paid = claim(after, Some(started.session), &rules, at(30)).expect("pays");
        assert_eq!(paid.points_earned, Minor(75_000));
        assert_eq!(paid.total_points, Minor(85_000));
        assert_eq!(paid.settled.streak.current, 1);
        assert!(matches!(
            paid.session.state,
            SessionState::Claimed {
                referral_points: Minor(15_000),
                ..
            }
        ));
    }

    #[test]
    fn starting_is_refused_in_order() {
        let rules = Configuration::default();
        let open = start_with(miner(), None, 0, &rules, at(0))
            .expect("starts")
            .session;
        let with = |status| Miner { status, ..miner() };
        assert_eq!(
            start_with(with(MinerStatus::Suspended), None, 9, &rules, at(0)),
            Err(MiningRefusal::MinerSuspended)
        );
        assert_eq!(
            start_with(with(MinerStatus::Banned), None, 9, &rules, at(0)),
            Err(MiningRefusal::MinerBanned)
        );
        let mut off = Configuration::default();
        off.mining.is_globally_enabled = false;
        assert_eq!(
            start_with(miner(), Some(open.clone()), 9, &off, at(1)),
            Err(MiningRefusal::MiningDisabled)
        );
        assert_eq!(
            start_with(miner(), Some(open.clone()), 9, &rules, at(1)),
            Err(MiningRefusal::SessionActive { ends_at: at(24) })
        );
        assert_eq!(
            start_with(miner(), Some(open.clone()), 9, &rules, at(24)),
            Err(MiningRefusal::SessionUnclaimed)
        );
        assert_eq!(
            start_with(miner(), None, 1, &rules, at(24)),
            Err(MiningRefusal::DailySessionLimit { limit: 1 })
        );
        let late =
            start_with(miner(), Some(open.clone()), 0, &rules, at(24 + 169)).expect("starts");
        assert_eq!(late.expired, Some(open));
    }

    #[test]
    fn claiming_is_refused_in_order() {
        let rules = Configuration::default();
        let open = start_with(miner(), None, 0, &rules, at(0))
            .expect("starts")
            .session;
        let suspended = Miner {
            status: MinerStatus::Suspended,
            ..miner()
        };
        assert_eq!(
            claim(suspended, None, &rules, at(0)),
            Err(MiningRefusal::MinerSuspended)
        );
        let banned = Miner {
            status: MinerStatus::Banned,
            ..miner()
        };
        assert_eq!(
            claim(banned, None, &rules, at(0)),
            Err(MiningRefusal::MinerBanned)
        );
        assert_eq!(
            claim(miner(), None, &rules, at(0)),
            Err(MiningRefusal::SessionNotFound)
        );
        let paid = claim(miner(), Some(open.clone()), &rules, at(24))
            .expect("pays")
            .session;
        assert_eq!(
            claim(miner(), Some(paid), &rules, at(25)),
            Err(MiningRefusal::SessionAlreadyClaimed)
        );
        assert_eq!(
            claim(miner(), Some(open.clone()), &rules, at(23)),
            Err(MiningRefusal::SessionNotComplete { ends_at: at(24) })
        );
        assert_eq!(
            claim(miner(), Some(open.clone()), &rules, at(24 + 169)),
            Err(MiningRefusal::SessionExpired)
        );
        let mut paused = Configuration::default();
        paused.mining.pauses = vec![crate::time::Pause {
            from: at(30),
            until: Some(at(60)),
        }];
        assert!(claim(miner(), Some(open), &paused, at(24 + 198)).is_ok());
    }

    #[test]
    fn the_time_to_claim_in_is_shown_as_things_stand() {
        let rules = Configuration::default();
        let open = start_with(miner(), None, 0, &rules, at(0))
            .expect("starts")
            .session;
        let until = |session: &Session, now, rules| session.claimable_until(at(now), rules);
        assert_eq!(until(&open, 1, &rules), Some(at(192)));
        assert_eq!(until(&open, 192, &rules), Some(at(192)));
        assert_eq!(until(&open, 193, &rules), None);
        // Mining was off for ten hours, and is off again.
        let mut off = Configuration::default();
        off.mining.pauses = [(30, Some(40)), (100, None)]
            .map(|(from, until)| crate::time::Pause {
                from: at(from),
                until: until.map(at),
            })
            .into();
        assert_eq!(until(&open, 99, &off), Some(at(202)));
        assert_eq!(until(&open, 500, &off), Some(at(602)));
        let suspended = Session {
            window_stopped_at: Some(at(50)),
            ..open.clone()
        };
        assert_eq!(until(&suspended, 350, &rules), Some(at(492)));
        let paid = claim(miner(), Some(open), &rules, at(24)).expect("pays");
        assert_eq!(until(&paid.session, 25, &rules), None);
    }

    #[test]
    fn a_session_that_is_not_claimed_holds_no_streak() {
        let mut rules = Configuration::default();
        rules.mining.claim_window_hours = 12;
        let mut miner = miner();
        miner.streak.current = 9;
        miner.streak = miner
            .streak
            .on_claim(at(0), TimeDelta::hours(24), false, &rules)
            .streak;
        let first = start_with(miner.clone(), None, 0, &rules, at(1)).expect("starts");
        miner.streak = first.settled.streak;
        // It ended at 25 and could be claimed until 37. What was due after the claim at 0 is due again: at 48.
        let second =
            start_with(miner.clone(), Some(first.session), 0, &rules, at(38)).expect("starts");
        assert_eq!(second.settled.judgement, Judgement::OnTime);
        miner.streak = second.settled.streak;
        let third =
            start_with(miner.clone(), Some(second.session), 0, &rules, at(80)).expect("starts");
        assert_eq!(third.settled.judgement, Judgement::Broken);
        // Claimed, the second one would have held it.
        assert_eq!(miner.streak.judge(at(80), &rules), Judgement::OnTime);
    }

    #[test]
    fn days_that_were_bought_off_are_bought_once() {
        let mut rules = Configuration::default();
        rules.mining.claim_window_hours = 12;
        rules.streak.grace_period_enabled = false;
        let mut miner = miner();
        miner.streak = miner
            .streak
            .on_claim(at(0), TimeDelta::hours(24), false, &rules)
            .streak;
        miner.streak.freeze_tokens = 3;
        let first = start_with(miner.clone(), None, 0, &rules, at(60)).expect("starts");
        assert_eq!(first.settled.judgement, Judgement::Frozen { tokens: 1 });
        miner.streak = first.settled.streak;
        // It ended at 84 and expired. Due was 48, 72 with the day that was bought; 97 is two days later.
        let second = start_with(miner, Some(first.session), 0, &rules, at(97)).expect("starts");
        assert_eq!(second.settled.judgement, Judgement::Frozen { tokens: 2 });
        assert_eq!(second.settled.streak.freeze_tokens, 0);
    }
}
