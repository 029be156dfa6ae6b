//! Streaks: days in a row, judged at a moment by one function at start, at claim and on read.

mod recovery;
mod refusal;

use chrono::TimeDelta;

pub use recovery::{Recovery, recover};
pub use refusal::{StreakRefusal, StreakRefusalKind};

use super::{Bps, Configuration, Points, StreakConfiguration};
use crate::time::{Timestamp, hours, plus};

/// How long after a session's end its claim is still on time, in hours.
const DUE_AFTER_END_HOURS: u32 = 24;
/// How long a broken run can be recovered, in hours.
const RECOVERABLE_HOURS: u32 = 7 * 24;
/// Seconds of a missed day.
const DAY_SECONDS: i64 = 86_400;

/// A miner's streak as last settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// Days of the present run.
    pub current: u32,
    /// Days of the longest run ever.
    pub longest: u32,
    /// When a session was last claimed.
    pub last_claim: Option<Timestamp>,
    /// By when the next claim, or start, is on time; none before the first session.
    pub due: Option<Due>,
    /// What was due before the open session, later by the days that were bought off or lost when that began: it is due
    /// again if the session is not claimed.
    pub previous_due: Option<Due>,
    /// Missed days that can still be bought off.
    pub freeze_tokens: u32,
    /// Whether the last claim, or the start since, came in the grace period.
    pub is_grace_period: bool,
    /// First days of the tiers whose milestones this run was paid.
    pub milestones_paid: Vec<u32>,
    /// The run before, while it can be recovered.
    pub broken: Option<BrokenRun>,
    /// Since when the miner is suspended: from then on the streak stands still.
    pub suspended_at: Option<Timestamp>,
}

/// By when the next claim is on time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The session's end, or the last claim: time switched off since then does not count.
    pub since: Timestamp,
    /// The last moment that is on time.
    pub at: Timestamp,
}

/// A run that was broken and can be recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRun {
    /// How long it was, in days.
    pub days: u32,
    /// What it was paid already.
    pub milestones_paid: Vec<u32>,
    /// Until when it can be recovered.
    pub recoverable_until: Timestamp,
}

/// What a moment means for a streak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Not after due, or nothing to lose.
    OnTime,
    /// Late, forgiven once.
    Grace,
    /// Late, bought off with so many freeze tokens.
    Frozen {
        /// One for each missed day.
        tokens: u32,
    },
    /// Lost.
    Broken,
}

/// A streak after a judgement was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The streak now.
    pub streak: Streak,
    /// What the moment meant.
    pub judgement: Judgement,
    /// Days of the run that was lost, if one was.
    pub lost_days: Option<u32>,
    /// Milestones reached (by a claim).
    pub milestones: Vec<Milestone>,
}

/// Points paid for reaching the first day of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// The tier's first day.
    pub days: u32,
    /// What it pays.
    pub points: Points,
}

/// A streak with the run before added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The streak now.
    pub streak: Streak,
    /// Days of the run that was added.
    pub days: u32,
    /// Milestones reached by it.
    pub milestones: Vec<Milestone>,
}

/// A streak as somebody sees it at a moment; seeing settles nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakView {
    /// Days that count: 0 when the run would be found broken.
    pub days: u32,
    /// What they add to the rate.
    pub bonus: Bps,
    /// The badge of their tier.
    pub badge_name: Option<String>,
    /// What the moment means.
    pub judgement: Judgement,
    /// Until when the next claim is on time, as things stand: while mining is switched off or the miner suspended it
    /// moves on with time. None before the first session.
    pub due_at: Option<Timestamp>,
}

impl Streak {
    /// Judges the streak at `now` and changes nothing.
    #[must_use]
    pub fn judge(&self, now: Timestamp, configuration: &Configuration) -> Judgement {
        let late = self.late(now, configuration);
        let rules = &configuration.streak;
        if late <= TimeDelta::zero() {
            Judgement::OnTime
        } else if rules.grace_period_enabled
            && !self.is_grace_period
            && late <= hours(rules.grace_period_hours)
        {
            Judgement::Grace
        } else {
            let tokens = missed_days(late);
            if tokens <= self.freeze_tokens {
                Judgement::Frozen { tokens }
            } else {
                Judgement::Broken
            }
        }
    }

    /// By how much `now` is after due, without the time that stood still; not after it, if there is nothing to lose.
    fn late(&self, now: Timestamp, configuration: &Configuration) -> TimeDelta {
        let Some(due) = self.due.filter(|_| self.current > 0) else {
            return TimeDelta::zero();
        };
        let now = self.stands_at(now);
        let seen = if now > due.since {
            plus(due.since, configuration.counted(due.since, now))
        } else {
            now
        };
        seen.signed_duration_since(due.at)
    }

    /// The moment the streak is judged at: `now`, or when the miner was suspended.
    #[must_use]
    pub fn stands_at(&self, now: Timestamp) -> Timestamp {
        self.suspended_at.map_or(now, |stopped| now.min(stopped))
    }

    /// Shows the streak at `now`.
    #[must_use]
    pub fn view(&self, now: Timestamp, configuration: &Configuration) -> StreakView {
        let judgement = self.judge(now, configuration);
        let days = if judgement == Judgement::Broken {
            0
        } else {
            self.current
        };
        let tier = configuration.streak.tier_at(days);
        StreakView {
            days,
            bonus: tier.map_or(Bps(0), |tier| tier.bonus),
            badge_name: tier.and_then(|tier| tier.badge_name.clone()),
            judgement,
            due_at: self.due.map(|due| {
                let stood_still = configuration.stood_still(due.since, self.suspended_at, now);
                plus(due.at, stood_still)
            }),
        }
    }

    /// Settles the streak when a session starts; the session's claim is judged against its own due.
    #[must_use]
    pub fn on_start(
        self,
        now: Timestamp,
        ends_at: Timestamp,
        configuration: &Configuration,
    ) -> Settled {
        let (before, late) = (self.due, self.late(now, configuration));
        let mut settled = self.settle(now, configuration);
        let days = match settled.judgement {
            Judgement::OnTime | Judgement::Grace => 0,
            Judgement::Frozen { tokens } => tokens,
            Judgement::Broken => missed_days(late),
        };
        settled.streak.previous_due = before.map(|due| Due {
            at: plus(due.at, hours(days.saturating_mul(24))),
            ..due
        });
        settled.streak.due = Some(Due {
            since: ends_at,
            at: plus(ends_at, hours(DUE_AFTER_END_HOURS)),
        });
        settled
    }

    /// The streak once the newest session was not claimed in time: as far as lateness goes, there was none, and a start that
    /// was forgiven counts for nothing.
    ///
    /// A program that knows nothing of `previous_due` may have started the session: then what is due stays as it is.
    #[must_use]
    pub fn unclaimed(self, started_in_grace: bool) -> Self {
        let is_known = self.last_claim.is_none_or(|claim| {
            self.previous_due
                .is_some_and(|previous| previous.since >= claim)
        });
        if !is_known {
            return Self {
                previous_due: None,
                ..self
            };
        }
        Self {
            due: self.previous_due,
            previous_due: None,
            is_grace_period: self.is_grace_period && !started_in_grace,
            ..self
        }
    }

    /// Settles the streak when a session is claimed and counts the day, once per UTC day.
    #[must_use]
    pub fn on_claim(
        self,
        now: Timestamp,
        session_length: TimeDelta,
        started_in_grace: bool,
        configuration: &Configuration,
    ) -> Settled {
        let mut settled = self.settle(now, configuration);
        let streak = &mut settled.streak;
        streak.is_grace_period = settled.judgement == Judgement::Grace
            || (started_in_grace && settled.judgement == Judgement::OnTime);
        let counted_today = streak
            .last_claim
            .is_some_and(|claim| claim.date_naive() == now.date_naive());
        if !counted_today {
            settled.milestones = streak.add_days(1, 0, &configuration.streak);
        }
        streak.last_claim = Some(now);
        let due = plus(plus(now, session_length), hours(DUE_AFTER_END_HOURS));
        streak.due = Some(Due {
            since: now,
            at: due,
        });
        streak.previous_due = None;
        settled
    }

    /// The run that can be recovered at `now`.
    #[must_use]
    pub fn recoverable_at(&self, now: Timestamp) -> Option<&BrokenRun> {
        let now = self.stands_at(now);
        self.broken
            .as_ref()
            .filter(|run| now <= run.recoverable_until)
    }

    /// Adds the broken run to the present one, which inherits what it was paid: each milestone is paid once a run, none
    /// is skipped, and so it is with freeze tokens. None, if there is nothing to recover.
    #[must_use]
    pub fn recovered(self, now: Timestamp, configuration: &Configuration) -> Option<Recovered> {
        let run = self.recoverable_at(now)?.clone();
        let mut streak = self;
        streak.broken = None;
        for paid in &run.milestones_paid {
            if !streak.milestones_paid.contains(paid) {
                streak.milestones_paid.push(*paid);
            }
        }
        let rules = &configuration.streak;
        let milestones = streak.add_days(run.days, rules.freeze_tokens_of(run.days), rules);
        Some(Recovered {
            streak,
            days: run.days,
            milestones,
        })
    }

    /// Makes the run longer and answers the milestones this crosses that the run was not yet paid. `had` are the freeze
    /// tokens that the days added have earned already.
    fn add_days(&mut self, days: u32, had: u32, rules: &StreakConfiguration) -> Vec<Milestone> {
        let before = self.current;
        self.current = before.saturating_add(days);
        self.longest = self.longest.max(self.current);
        let earned = rules
            .freeze_tokens_of(self.current)
            .saturating_sub(rules.freeze_tokens_of(before))
            .saturating_sub(had);
        self.freeze_tokens = self
            .freeze_tokens
            .saturating_add(earned)
            .min(StreakConfiguration::MAX_FREEZE_TOKENS);
        let reached: Vec<Milestone> = rules
            .tiers
            .iter()
            .filter(|tier| tier.milestone > Points::ZERO)
            .filter(|tier| before < tier.min_days && tier.min_days <= self.current)
            .filter(|tier| !self.milestones_paid.contains(&tier.min_days))
            .map(|tier| Milestone {
                days: tier.min_days,
                points: tier.milestone,
            })
            .collect();
        self.milestones_paid
            .extend(reached.iter().map(|milestone| milestone.days));
        reached
    }

    /// Carries out what `judge` finds.
    fn settle(self, now: Timestamp, configuration: &Configuration) -> Settled {
        let judgement = self.judge(now, configuration);
        let mut streak = self;
        let mut lost_days = None;
        match judgement {
            Judgement::OnTime => {}
            Judgement::Grace => streak.is_grace_period = true,
            Judgement::Frozen { tokens } => {
                streak.freeze_tokens = streak.freeze_tokens.saturating_sub(tokens);
            }
            Judgement::Broken => {
                lost_days = Some(streak.current);
                let lost = BrokenRun {
                    days: streak.current,
                    milestones_paid: std::mem::take(&mut streak.milestones_paid),
                    recoverable_until: plus(now, hours(RECOVERABLE_HOURS)),
                };
                // A longer run that can still be recovered is worth more than the one lost now.
                let keeps =
                    |before: &BrokenRun| now <= before.recoverable_until && before.days > lost.days;
                streak.broken = streak.broken.filter(keeps).or(Some(lost));
                streak.current = 0;
                streak.is_grace_period = false;
            }
        }
        Settled {
            streak,
            judgement,
            lost_days,
            milestones: Vec::new(),
        }
    }
}

/// One for each begun day of being late.
fn missed_days(late: TimeDelta) -> u32 {
    let whole = late.num_seconds().div_euclid(DAY_SECONDS);
    let begun = late
        .checked_sub(&TimeDelta::days(whole))
        .is_some_and(|rest| rest > TimeDelta::zero());
    u32::try_from(whole.saturating_add(i64::from(begun))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod lives;
#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mining::samples::at;

    fn run_of(days: u32, due: i64, freeze_tokens: u32) -> Streak {
        Streak {
            current: days,
            longest: days,
            last_claim: Some(at(due - 48)),
            due: Some(Due {
                since: at(due - 24),
                at: at(due),
            }),
            freeze_tokens,
            ..Streak::default()
        }
    }

    #[test]
    fn lateness_is_forgiven_bought_off_or_lost() {
        let rules = Configuration::default();
        for (late, tokens, expected) in [
            (0, 0, Judgement::OnTime),
            (1, 0, Judgement::Grace),
            (24, 0, Judgement::Grace),
            (25, 1, Judgement::Broken),
            (25, 2, Judgement::Frozen { tokens: 2 }),
            (48, 2, Judgement::Frozen { tokens: 2 }),
            (49, 2, Judgement::Broken),
            (72, 3, Judgement::Frozen { tokens: 3 }),
        ] {
            let streak = run_of(9, 100, tokens);
            assert_eq!(streak.judge(at(100 + late), &rules), expected, "{late}");
        }
        let nothing_to_lose = run_of(0, 100, 0);
        assert_eq!(nothing_to_lose.judge(at(900), &rules), Judgement::OnTime);
    }

    #[test]
    fn grace_is_given_once_in_a_row() {
        let rules = Configuration::default();
        let day = TimeDelta::hours(24);
        let first = run_of(2, 100, 0).on_claim(at(101), day, false, &rules);
        assert_eq!(first.judgement, Judgement::Grace);
        assert_eq!(first.streak.current, 3);
        // The claim was at 101, so the next is due at 101 + 24 + 24.
        let started = first.streak.clone().on_start(at(150), at(174), &rules);
        assert_eq!(started.judgement, Judgement::Broken);
        assert_eq!(started.lost_days, Some(3));
        // On time in between, grace is there again.
        let punctual = first.streak.on_start(at(149), at(173), &rules).streak;
        let second = punctual.on_claim(at(197), day, false, &rules);
        assert_eq!(second.judgement, Judgement::OnTime);
        let third = second.streak.on_start(at(246), at(270), &rules);
        assert_eq!(third.judgement, Judgement::Grace);
        // A session started in grace can't be claimed in grace, and its claim counts as a grace one.
        assert_eq!(third.streak.judge(at(295), &rules), Judgement::Broken);
        let claimed = third.streak.on_claim(at(290), day, true, &rules);
        assert!(claimed.streak.is_grace_period);
    }

    #[test]
    fn a_run_earns_tokens_and_each_milestone_once() {
        let rules = Configuration::default();
        let mut streak = Streak::default();
        let mut paid = Vec::new();
        let mut now = 0;
        for _ in 0..100 {
            streak = streak.on_start(at(now), at(now + 24), &rules).streak;
            now += 24;
            let claimed = streak.on_claim(at(now), TimeDelta::hours(24), false, &rules);
            paid.extend(claimed.milestones.iter().map(|m| (m.days, m.points.0)));
            streak = claimed.streak;
        }
        assert_eq!(streak.current, 100);
        assert_eq!(streak.freeze_tokens, 3);
        let all = [
            (7, 500_000),
            (14, 1_000_000),
            (30, 3_000_000),
            (60, 5_000_000),
            (90, 10_000_000),
        ];
        assert_eq!(paid, all);
        let all = all.map(|(days, _)| days);
        assert_eq!(streak.milestones_paid, all);
        let lost = streak.on_start(at(now + 24 * 9), at(now + 24 * 10), &rules);
        assert_eq!(lost.judgement, Judgement::Broken);
        assert_eq!(lost.streak.current, 0);
        assert_eq!(lost.streak.longest, 100);
        let broken = lost.streak.broken.expect("the run can be recovered");
        assert_eq!((broken.days, broken.milestones_paid), (100, all.to_vec()));
    }

    #[test]
    fn what_was_lost_can_be_added_to_the_present_run() {
        let rules = Configuration::default();
        let lost = run_of(10, 100, 0);
        let lost = Streak {
            milestones_paid: vec![7],
            ..lost
        };
        let broken = lost.on_start(at(200), at(224), &rules).streak;
        let one = broken
            .on_claim(at(224), TimeDelta::hours(24), false, &rules)
            .streak;
        assert_eq!(
            one.recoverable_at(at(200 + 168)).map(|run| run.days),
            Some(10)
        );
        assert_eq!(one.recoverable_at(at(200 + 169)), None);
        let present = Streak {
            current: 4,
            ..one.clone()
        };
        let whole = present.recovered(at(230), &rules).expect("in time");
        assert_eq!((whole.days, whole.streak.current), (10, 14));
        assert_eq!(
            whole.milestones,
            [Milestone {
                days: 14,
                points: crate::money::Minor(1_000_000)
            }]
        );
        assert_eq!(whole.streak.milestones_paid, [7, 14]);
        assert_eq!(
            whole.streak.freeze_tokens, 1,
            "the token of the seventh day was given before"
        );
        assert_eq!(whole.streak.broken, None);
        assert_eq!(one.recovered(at(200 + 169), &rules), None);
    }

    #[test]
    fn a_day_counts_once() {
        let rules = Configuration::default();
        let hour = TimeDelta::hours(1);
        let once = Streak::default()
            .on_claim(at(1), hour, false, &rules)
            .streak;
        let twice = once.on_claim(at(5), hour, false, &rules).streak;
        assert_eq!(twice.current, 1);
        assert_eq!(
            twice.on_claim(at(25), hour, false, &rules).streak.current,
            2
        );
    }

    #[test]
    fn time_switched_off_does_not_count() {
        let mut rules = Configuration::default();
        rules.mining.pauses = vec![crate::time::Pause {
            from: at(90),
            until: Some(at(190)),
        }];
        let streak = run_of(9, 100, 0);
        assert_eq!(streak.judge(at(200), &rules), Judgement::OnTime);
        assert_eq!(streak.judge(at(201), &rules), Judgement::Grace);
    }
}
