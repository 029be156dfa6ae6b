//! The daily visits: each person claims a complete session and starts the next one.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::Town;
use crate::support::Miner;

/// Visitors at a time.
const AT_ONCE: usize = 8;

/// A visit with its expected outcome.
struct Visit {
    number: usize,
    who: Miner,
    /// Reward, milestones, days after.
    claim: Option<(i64, i64, i64)>,
    total: i64,
    rate: i64,
}

impl Town<'_> {
    /// Visits of the people who come today, eight at a time.
    pub async fn visit(&mut self) {
        let mut visits = Vec::new();
        for number in 0..self.people.len() {
            // A third comes nearly every day, a third now and then, and a third forgets for long.
            let comes = match number % 3 {
                0 => !self.dice.once_in(30),
                1 => !self.dice.once_in(4),
                _ => self.dice.once_in(2),
            };
            if !comes || !self.model.people[number].is_active() {
                continue;
            }
            let claim = self.model.claim(number);
            visits.push(Visit {
                number,
                who: self.people[number].clone(),
                claim,
                total: self.model.people[number].lifetime,
                rate: self.model.start(number),
            });
        }
        stream::iter(visits)
            .for_each_concurrent(AT_ONCE, Visit::go)
            .await;
    }
}

impl Visit {
    async fn go(self) {
        let Self { number, .. } = self;
        if let Some((reward, bonus, days)) = self.claim {
            let paid = self.who.claim().await.ok();
            let figures = [
                "/pointsEarned",
                "/milestonePoints",
                "/miner/totalMinedPoints",
            ]
            .map(|path| points(paid.pointer(path).unwrap()));
            assert_eq!(figures, [reward, bonus, self.total], "{number}: {paid}");
            assert_eq!(
                paid["miner"]["streak"]["streakDays"],
                json!(days),
                "{number}: {paid}"
            );
        }
        let started = self.who.start().await.ok();
        assert_eq!(
            points(&started["session"]["rate"]["hourlyRate"]),
            self.rate,
            "{number}: {started}"
        );
    }
}

/// The ten-thousandths of a decimal.
pub fn points(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    let (whole, rest) = text.split_once('.').unwrap();
    assert_eq!(rest.len(), 4, "{text}");
    format!("{whole}{rest}").parse().unwrap()
}
