//! Streaks: days in a row. [`Streak::judge`] is the one rule for start, claim and read.

mod recovery;
mod refusal;

use chrono::TimeDelta;

pub use recovery::*;
pub use refusal::*;

use super::{Bps, Configuration, Points, StreakConfiguration};
use crate::time::{Timestamp, hours, plus};

/// Time after a session's end within which its claim is on time, in hours.
const DUE_AFTER_END_HOURS: u32 = 24;
/// Time within which a broken run can be recovered, in hours.
const RECOVERABLE_HOURS: u32 = 7 * 24;
/// Length of a day in seconds.
const DAY_SECONDS: i64 = 86_400;

/// A miner's streak as of the last start or claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// Days of the present run.
    pub current: u32,
    /// Days of the longest run.
    pub longest: u32,
    /// Time of the last claim.
    pub last_claim: Option<Timestamp>,
    /// Due time of the next claim or start; none before the first session.
    pub due: Option<Due>,
    /// Due time before the open session, moved by the days that were covered by freeze tokens or lost at its start. It
    /// applies again when the session is not claimed.
    pub previous_due: Option<Due>,
    /// Number of missed days that can still be covered.
    pub freeze_tokens: u32,
    /// Whether the last claim, or the start since, was within the grace period.
    pub is_grace_period: bool,
    /// First days of the tiers whose milestones were paid for this run.
    pub milestones_paid: Vec<u32>,
    /// The previous run, while it can be recovered.
    pub broken: Option<BrokenRun>,
    /// Time since which the streak is stopped, while the miner is suspended.
    pub suspended_at: Option<Timestamp>,
}

/// Due time of the next claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// End of the session, or time of the last claim. Pauses since then do not count.
    pub since: Timestamp,
    /// Last moment that is on time.
    pub at: Timestamp,
}

/// A broken run that can be recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRun {
    /// Number of days.
    pub days: u32,
    /// First days of the tiers whose milestones were paid for it.
    pub milestones_paid: Vec<u32>,
    /// Time until which it can be recovered.
    pub recoverable_until: Timestamp,
}

/// Result of judging a streak at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Not late, or without days to lose.
    OnTime,
    /// Late, forgiven by the grace period.
    Grace,
    /// Late, covered by freeze tokens.
    Frozen {
        /// Number of tokens: one for each missed day.
        tokens: u32,
    },
    /// Late, and lost.
    Broken,
}

/// A streak after a judgement was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The streak afterwards.
    pub streak: Streak,
    /// The judgement.
    pub judgement: Judgement,
    /// Days of the lost run; none when no run was lost.
    pub lost_days: Option<u32>,
    /// Milestones reached by a claim.
    pub milestones: Vec<Milestone>,
}

/// Points paid for reaching the first day of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// The tier's first day.
    pub days: u32,
    /// Number of points.
    pub points: Points,
}

/// A streak with the broken run added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The streak afterwards.
    pub streak: Streak,
    /// Days of the added run.
    pub days: u32,
    /// Milestones reached by adding it.
    pub milestones: Vec<Milestone>,
}

/// View of a streak at a moment; reading it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreakView {
    /// Days that count: 0 when the run is broken.
    pub days: u32,
    /// Bonus rate of these days.
    pub bonus: Bps,
    /// Badge of the tier.
    pub badge_name: Option<String>,
    /// The judgement.
    pub judgement: Judgement,
    /// Due time of the next claim, given the facts at that moment: it moves on while mining is switched off or the
    /// miner is suspended. None before the first session.
    pub due_at: Option<Timestamp>,
}

impl Streak {
    /// Judges the streak at `now` without changing it.
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

    /// Time from the due time to `now`, without the time that does not count; zero or negative when not late or when
    /// there are no days to lose.
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

    /// Moment at which the streak is judged: `now`, or the start of the suspension.
    #[must_use]
    pub fn stands_at(&self, now: Timestamp) -> Timestamp {
        self.suspended_at.map_or(now, |stopped| now.min(stopped))
    }

    /// View of the streak at `now`.
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

    /// Applies the judgement when a session starts. The claim of the session is judged against its own due time.
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

    /// The streak after the newest session was not claimed in time: the due time before the session applies again, and
    /// a start within the grace period does not use up the grace.
    ///
    /// The due time stays when `previous_due` is missing, because an older program started the session.
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

    /// Applies the judgement when a session is claimed, and adds a day, at most one per UTC day.
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

    /// Adds the broken run to the present one. Milestones and freeze tokens of the combined run are earned once: those
    /// of either part are not paid again. None when there is nothing to recover.
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

    /// Adds days to the run; returns the milestones reached that were not paid for it. `had` is the number of freeze
    /// tokens that the added days have earned before.
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

    /// Applies the judgement.
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
                // A longer run that can still be recovered takes precedence over the one lost now.
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

/// Number of missed days; a partial day counts as one.
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
    fn judges_lateness() {
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
    fn grace_applies_once_in_a_row() {
        let rules = Configuration::default();
        let day = TimeDelta::hours(24);
        let first = run_of(2, 100, 0).on_claim(at(101), day, false, &rules);
        assert_eq!(first.judgement, Judgement::Grace);
        assert_eq!(first.streak.current, 3);
        // The claim was at 101, so the next one is due at 101 + 24 + 24.
        let started = first.streak.clone().on_start(at(150), at(174), &rules);
        assert_eq!(started.judgement, Judgement::Broken);
        assert_eq!(started.lost_days, Some(3));
        // A punctual claim makes the grace period available again.
        let punctual = first.streak.on_start(at(149), at(173), &rules).streak;
        let second = punctual.on_claim(at(197), day, false, &rules);
        assert_eq!(second.judgement, Judgement::OnTime);
        let third = second.streak.on_start(at(246), at(270), &rules);
        assert_eq!(third.judgement, Judgement::Grace);
        // A session started in grace can't be claimed in grace, and its claim counts as one in grace.
        assert_eq!(third.streak.judge(at(295), &rules), Judgement::Broken);
        let claimed = third.streak.on_claim(at(290), day, true, &rules);
        assert!(claimed.streak.is_grace_period);
    }

    #[test]
    fn run_earns_each_milestone_once() {
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
    fn recovery_adds_the_broken_run() {
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
            "the token of the seventh day was earned before"
        );
        assert_eq!(whole.streak.broken, None);
        assert_eq!(one.recovered(at(200 + 169), &rules), None);
    }

    #[test]
    fn day_counts_once() {
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
    fn pauses_do_not_count() {
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
