//! Random histories of a streak, compared with a model that counts hours and days one by one.

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::model::{Model, Rules, SESSION, Verdict};
use super::{Judgement, Streak};
use crate::ids::UserId;
use crate::mining::Configuration;
use crate::mining::miner::{reset_streak, restore, suspend};
use crate::mining::samples::{at, miner};

/// A command or a read; each follows a number of hours after the previous one.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Claim,
    Recover,
    Reset,
    /// Suspension for a number of hours.
    Rest(i64),
    Look,
}

const STAFF: UserId = UserId(Uuid::max());

fn configuration(rules: Rules) -> Configuration {
    let number = |number: i64| u32::try_from(number).expect("not negative");
    let mut configuration = Configuration::default();
    configuration.streak.grace_period_enabled = rules.grace.is_some();
    configuration.streak.grace_period_hours = number(rules.grace.unwrap_or(0));
    configuration.streak.freeze_token_days = number(rules.token_days);
    configuration
}

fn verdict(judgement: Judgement) -> Verdict {
    match judgement {
        Judgement::OnTime => Verdict::OnTime,
        Judgement::Grace => Verdict::Grace,
        Judgement::Frozen { tokens } => Verdict::Frozen(tokens.into()),
        Judgement::Broken => Verdict::Broken,
    }
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        4 => Just(Step::Start),
        4 => Just(Step::Claim),
        1 => Just(Step::Recover),
        1 => Just(Step::Reset),
        1 => (0_i64..200).prop_map(Step::Rest),
        1 => Just(Step::Look),
    ];
    // Mostly punctual, sometimes late, rarely absent for weeks.
    let wait = prop_oneof![8 => Just(0_i64), 8 => Just(24), 4 => 0_i64..48, 2 => 0_i64..120, 1 => 0_i64..400];
    prop::collection::vec((wait, step), 1..160)
}

fn rules() -> impl Strategy<Value = Rules> {
    (prop::option::of(0_i64..72), 1_i64..12)
        .prop_map(|(grace, token_days)| Rules { grace, token_days })
}

/// Length of the claim window in hours.
fn windows() -> impl Strategy<Value = i64> {
    prop_oneof![Just(168_i64), 1_i64..200]
}

proptest! {
    #[test]
    fn streak_equals_the_model(rules in rules(), window in windows(), steps in steps()) {
        let configuration = configuration(rules);
        let mut model = Model::default();
        let mut streak = Streak::default();
        let mut now = 0;
        for (wait, step) in steps {
            now += wait;
            if let Some((_, in_grace)) = model.open.filter(|(end, _)| now > *end + window) {
                streak = streak.unclaimed(in_grace);
                model.expire();
            }
            prop_assert_eq!(verdict(streak.judge(at(now), &configuration)), model.judge(now, rules));
            let (milestones, paid) = match step {
                Step::Start if model.open.is_none() => {
                    let ends_at = at(now + SESSION);
                    streak = streak.on_start(at(now), ends_at, &configuration).streak;
                    model.start(now, rules);
                    (Vec::new(), Vec::new())
                }
                Step::Claim if model.open.is_some_and(|(end, _)| now >= end) => {
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
                Step::Reset => {
                    if let Ok(reset) = reset_streak(miner(streak.clone()), STAFF) {
                        streak = reset.miner.streak;
                        model.reset();
                    }
                    (Vec::new(), Vec::new())
                }
                Step::Rest(hours) => {
                    let resting = suspend(miner(streak), None, STAFF, at(now)).expect("active").miner;
                    let until = at(now + hours);
                    prop_assert_eq!(verdict(resting.streak.judge(until, &configuration)), model.judge(now, rules));
                    let restored = restore(resting, None, STAFF, &configuration, until);
                    streak = restored.expect("suspended").miner.streak;
                    model.stand_still(now, now + hours);
                    now += hours;
                    (Vec::new(), Vec::new())
                }
                _ => {
                    let view = streak.view(at(now), &configuration);
                    let run = streak.recoverable_at(at(now)).map(|run| i64::from(run.days));
                    prop_assert_eq!((i64::from(view.days), run), model.seen(now, rules));
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
