//! Random lives of a streak against a model that counts hours and days one by one.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::Streak;
use crate::mining::{Configuration, Judgement};
use crate::time::Timestamp;

/// Hours of a session.
const SESSION: i64 = 24;

fn at(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// What somebody does, after so many hours.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Claim,
    Recover,
    Look,
}

/// A streak in whole hours since the beginning.
#[derive(Clone, Debug, Default)]
struct Model {
    days: i64,
    longest: i64,
    tokens: i64,
    grace: bool,
    due: Option<i64>,
    last_claimed_on: Option<i64>,
    paid: BTreeSet<i64>,
    lost: Option<Lost>,
    /// The open session: its end, and whether its start was forgiven.
    open: Option<(i64, bool)>,
}

#[derive(Clone, Debug)]
struct Lost {
    days: i64,
    paid: BTreeSet<i64>,
    until: i64,
}

/// The rules that vary.
#[derive(Clone, Copy, Debug)]
struct Rules {
    grace: Option<i64>,
    token_days: i64,
}

impl Rules {
    fn configuration(self) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.streak.grace_period_enabled = self.grace.is_some();
        configuration.streak.grace_period_hours =
            u32::try_from(self.grace.unwrap_or(0)).expect("not negative");
        configuration.streak.freeze_token_days =
            u32::try_from(self.token_days).expect("not negative");
        configuration
    }
}

impl Model {
    /// Days missed and whether that is forgiven: counted a day at a time.
    fn judge(&self, now: i64, rules: Rules) -> Judgement {
        let Some(due) = self.due.filter(|due| self.days > 0 && now > *due) else {
            return Judgement::OnTime;
        };
        if !self.grace && rules.grace.is_some_and(|hours| now - due <= hours) {
            return Judgement::Grace;
        }
        let mut missed = 0;
        let mut day = due;
        while day < now {
            missed += 1;
            day += 24;
        }
        if missed <= self.tokens {
            let tokens = u32::try_from(missed).expect("not negative");
            Judgement::Frozen { tokens }
        } else {
            Judgement::Broken
        }
    }

    fn settle(&mut self, now: i64, rules: Rules) -> Judgement {
        let judgement = self.judge(now, rules);
        match judgement {
            Judgement::OnTime => {}
            Judgement::Grace => self.grace = true,
            Judgement::Frozen { tokens } => self.tokens -= i64::from(tokens),
            Judgement::Broken => {
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

    fn start(&mut self, now: i64, rules: Rules) {
        let judgement = self.settle(now, rules);
        self.open = Some((now + SESSION, judgement == Judgement::Grace));
        self.due = Some(now + SESSION + 24);
    }

    /// Answers the milestones paid.
    fn claim(&mut self, now: i64, rules: Rules) -> Vec<i64> {
        let (_, in_grace) = self.open.take().expect("open");
        let judgement = self.settle(now, rules);
        self.grace = judgement == Judgement::Grace || (in_grace && judgement == Judgement::OnTime);
        let mut reached = Vec::new();
        if self.last_claimed_on != Some(now / 24) {
            reached = self.live_one_more_day(true, rules);
        }
        self.last_claimed_on = Some(now / 24);
        self.due = Some(now + SESSION + 24);
        reached
    }

    /// A day of the run: each is lived through, so none of its milestones is skipped.
    fn live_one_more_day(&mut self, earns_token: bool, rules: Rules) -> Vec<i64> {
        self.days += 1;
        self.longest = self.longest.max(self.days);
        if earns_token && self.days % rules.token_days == 0 {
            self.tokens = (self.tokens + 1).min(3);
        }
        let is_first = [7, 14, 30, 60, 90].contains(&self.days);
        if is_first && self.paid.insert(self.days) {
            vec![self.days]
        } else {
            Vec::new()
        }
    }

    /// Answers the milestones paid; none, if nothing can be recovered.
    fn recover(&mut self, now: i64, rules: Rules) -> Option<Vec<i64>> {
        let lost = self.lost.take_if(|lost| now <= lost.until)?;
        self.paid.extend(&lost.paid);
        // The tokens of the whole run that neither part has had.
        let of = |days: i64| (1..=days).filter(|day| day % rules.token_days == 0).count();
        let new = of(self.days + lost.days) - of(self.days) - of(lost.days);
        let mut reached = Vec::new();
        for _ in 0..lost.days {
            reached.extend(self.live_one_more_day(false, rules));
        }
        self.tokens = (self.tokens + i64::try_from(new).expect("few")).min(3);
        Some(reached)
    }
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        4 => Just(Step::Start),
        4 => Just(Step::Claim),
        1 => Just(Step::Recover),
        1 => Just(Step::Look),
    ];
    // Mostly punctual, sometimes late, now and then away for weeks.
    let wait = prop_oneof![8 => Just(0_i64), 8 => Just(24), 4 => 0_i64..48, 2 => 0_i64..120, 1 => 0_i64..400];
    prop::collection::vec((wait, step), 1..160)
}

fn rules() -> impl Strategy<Value = Rules> {
    (prop::option::of(0_i64..72), 1_i64..12)
        .prop_map(|(grace, token_days)| Rules { grace, token_days })
}

proptest! {
    #[test]
    fn a_streak_lives_as_its_days_are_counted(rules in rules(), steps in steps()) {
        let configuration = rules.configuration();
        let mut model = Model::default();
        let mut streak = Streak::default();
        let mut now = 0;
        for (wait, step) in steps {
            now += wait;
            prop_assert_eq!(streak.judge(at(now), &configuration), model.judge(now, rules));
            let (milestones, paid) = match step {
                Step::Start if model.open.is_none_or(|(end, _)| now > end + 168) => {
                    let ends_at = at(now + SESSION);
                    streak = streak.on_start(at(now), ends_at, &configuration).streak;
                    model.start(now, rules);
                    (Vec::new(), Vec::new())
                }
                Step::Claim if model.open.is_some_and(|(end, _)| now >= end && now <= end + 168) => {
                    let in_grace = model.open.is_some_and(|(_, in_grace)| in_grace);
                    let length = TimeDelta::hours(SESSION);
                    let settled = streak.on_claim(at(now), length, in_grace, &configuration);
                    streak = settled.streak;
                    (settled.milestones, model.claim(now, rules))
                }
                Step::Recover => {
                    let recovered = streak.clone().recovered(at(now), &configuration);
                    let expected = model.recover(now, rules);
                    prop_assert_eq!(recovered.is_some(), expected.is_some());
                    match recovered {
                        Some(recovered) => {
                            streak = recovered.streak;
                            (recovered.milestones, expected.unwrap_or_default())
                        }
                        None => (Vec::new(), Vec::new()),
                    }
                }
                _ => {
                    let view = streak.view(at(now), &configuration);
                    let lost = model.judge(now, rules) == Judgement::Broken;
                    prop_assert_eq!(i64::from(view.days), if lost { 0 } else { model.days });
                    (Vec::new(), Vec::new())
                }
            };
            let milestones: Vec<i64> = milestones.iter().map(|one| i64::from(one.days)).collect();
            prop_assert_eq!(milestones, paid);
            prop_assert_eq!(i64::from(streak.current), model.days);
            prop_assert_eq!(i64::from(streak.longest), model.longest);
            prop_assert_eq!(i64::from(streak.freeze_tokens), model.tokens);
            prop_assert_eq!(streak.is_grace_period, model.grace);
            let lost = streak.broken.as_ref().map(|run| i64::from(run.days));
            prop_assert_eq!(lost, model.lost.as_ref().map(|lost| lost.days));
        }
    }
}
