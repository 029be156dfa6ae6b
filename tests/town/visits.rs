//! Everybody's daily visit: claim what is complete, begin the next session.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::Town;
use crate::support::Actor;

/// Visitors at a time.
const AT_ONCE: usize = 8;

/// What a visit must hear.
struct Visit {
    number: usize,
    who: Actor,
    /// Reward, milestones, days after.
    claim: Option<(i64, i64, i64)>,
    total: i64,
    rate: i64,
    key: String,
}

impl Town<'_> {
    /// Everybody who is diligent enough today visits, eight at a time.
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
                key: self.key(),
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
            let paid = self.who.must_claim(&self.key).await;
            let heard =
                ["pointsEarned", "streakBonus", "totalPoints"].map(|name| points(&paid[name]));
            assert_eq!(heard, [reward, bonus, self.total], "{number}: {paid}");
            assert_eq!(paid["streakDays"], json!(days), "{number}: {paid}");
        }
        let started = self.who.start().await;
        assert_eq!(started["userErrors"], json!([]), "{number}: {started}");
        assert_eq!(
            points(&started["hourlyRate"]),
            self.rate,
            "{number}: {started}"
        );
    }
}

/// Ten-thousandths of what a decimal says.
pub fn points(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    let (whole, rest) = text.split_once('.').unwrap();
    assert_eq!(rest.len(), 4, "{text}");
    format!("{whole}{rest}").parse().unwrap()
}
