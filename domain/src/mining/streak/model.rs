//! Model of a streak in whole hours, with days counted one by one. It shares no code with the implementation.

use std::collections::BTreeSet;

/// Hours of a session.
pub(super) const SESSION: i64 = 24;
/// First days of the tiers with a milestone.
const MILESTONES: [i64; 5] = [7, 14, 30, 60, 90];

/// Result of judging a streak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    OnTime,
    Grace,
    Frozen(i64),
    Broken,
}

/// Rules that vary: length of the grace period in hours, if there is one, and days per freeze token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub grace: Option<i64>,
    pub token_days: i64,
}

/// A streak.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub days: i64,
    pub longest: i64,
    pub tokens: i64,
    pub grace: bool,
    pub lost: Option<Lost>,
    /// The open session: its end, and whether it was started in grace.
    pub open: Option<(i64, bool)>,
    /// Start of lateness, and last moment that is on time.
    due: Option<(i64, i64)>,
    /// `due` before the open session, moved by the days that were covered or lost.
    due_before: Option<(i64, i64)>,
    last_claimed_on: Option<i64>,
    paid: BTreeSet<i64>,
}

/// A run that was broken.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    pub days: i64,
    paid: BTreeSet<i64>,
    until: i64,
}

impl Model {
    /// Judges the streak; counts missed days one by one.
    pub fn judge(&self, now: i64, rules: Rules) -> Verdict {
        let late = self.due.filter(|(_, due)| self.days > 0 && now > *due);
        let Some((_, due)) = late else {
            return Verdict::OnTime;
        };
        if !self.grace && rules.grace.is_some_and(|hours| now - due <= hours) {
            return Verdict::Grace;
        }
        let missed = self.missed(now);
        if missed <= self.tokens {
            Verdict::Frozen(missed)
        } else {
            Verdict::Broken
        }
    }

    fn missed(&self, now: i64) -> i64 {
        let mut missed = 0;
        let mut day = self.due.map_or(now, |(_, due)| due);
        while day < now {
            missed += 1;
            day += 24;
        }
        missed
    }

    fn settle(&mut self, now: i64, rules: Rules) -> Verdict {
        let judgement = self.judge(now, rules);
        match judgement {
            Verdict::OnTime => {}
            Verdict::Grace => self.grace = true,
            Verdict::Frozen(tokens) => self.tokens -= tokens,
            Verdict::Broken => {
                let lost = Lost {
                    days: self.days,
                    paid: std::mem::take(&mut self.paid),
                    until: now + 7 * 24,
                };
                let keeps = |before: &Lost| now <= before.until && before.days > lost.days;
                if !self.lost.as_ref().is_some_and(keeps) {
                    self.lost = Some(lost);
                }
                self.days = 0;
                self.grace = false;
            }
        }
        judgement
    }

    pub fn start(&mut self, now: i64, rules: Rules) {
        let judgement = self.settle(now, rules);
        let gone = match judgement {
            Verdict::OnTime | Verdict::Grace => 0,
            Verdict::Frozen(days) => days,
            Verdict::Broken => self.missed(now),
        };
        self.due_before = self.due.map(|(since, due)| (since, due + gone * 24));
        self.open = Some((now + SESSION, judgement == Verdict::Grace));
        self.due = Some((now + SESSION, now + SESSION + 24));
    }

    /// Returns the milestones paid.
    pub fn claim(&mut self, now: i64, rules: Rules) -> Vec<i64> {
        let (_, in_grace) = self.open.take().expect("open");
        let judgement = self.settle(now, rules);
        self.grace = judgement == Verdict::Grace || (in_grace && judgement == Verdict::OnTime);
        let mut reached = Vec::new();
        if self.last_claimed_on != Some(now / 24) {
            reached = self.add_day(true, rules);
        }
        self.last_claimed_on = Some(now / 24);
        self.due = Some((now, now + SESSION + 24));
        self.due_before = None;
        reached
    }

    /// Expires the open session: the streak becomes what it would be without the session.
    pub fn expire(&mut self) {
        let (_, in_grace) = self.open.take().expect("open");
        self.grace &= !in_grace;
        self.due = self.due_before.take();
    }

    /// Adds a day to the run, so that no milestone is skipped.
    fn add_day(&mut self, earns_token: bool, rules: Rules) -> Vec<i64> {
        self.days += 1;
        self.longest = self.longest.max(self.days);
        if earns_token && self.days % rules.token_days == 0 {
            self.tokens = (self.tokens + 1).min(3);
        }
        if MILESTONES.contains(&self.days) && self.paid.insert(self.days) {
            vec![self.days]
        } else {
            Vec::new()
        }
    }

    /// Returns the milestones paid; none when nothing can be recovered.
    pub fn recover(&mut self, now: i64, rules: Rules) -> Option<Vec<i64>> {
        let lost = self.lost.take_if(|lost| now <= lost.until)?;
        self.paid.extend(&lost.paid);
        // Freeze tokens of the whole run that neither part earned.
        let of = |days: i64| (1..=days).filter(|day| day % rules.token_days == 0).count();
        let new = of(self.days + lost.days) - of(self.days) - of(lost.days);
        let mut reached = Vec::new();
        for _ in 0..lost.days {
            reached.extend(self.add_day(false, rules));
        }
        self.tokens = (self.tokens + i64::try_from(new).expect("few")).min(3);
        Some(reached)
    }

    /// Days that count, and days of the run that can be recovered.
    pub fn seen(&self, now: i64, rules: Rules) -> (i64, Option<i64>) {
        let broken = self.judge(now, rules) == Verdict::Broken;
        let lost = self.lost.as_ref().filter(|lost| now <= lost.until);
        (
            if broken { 0 } else { self.days },
            lost.map(|lost| lost.days),
        )
    }

    /// Stops time between `from` and `until`.
    pub fn stand_still(&mut self, from: i64, until: i64) {
        let forgiven = |since: i64| (until - from.max(since)).max(0);
        for due in [&mut self.due, &mut self.due_before] {
            *due = due.map(|(since, due)| (since, due + forgiven(since)));
        }
        if let Some(lost) = self.lost.as_mut().filter(|lost| lost.until >= from) {
            lost.until += until - from;
        }
    }

    /// Ends the run without recovery.
    pub fn reset(&mut self) {
        self.days = 0;
        self.grace = false;
        self.paid.clear();
        self.lost = None;
    }
}
