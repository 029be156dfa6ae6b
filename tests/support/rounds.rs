//! Races: commands that run at the same time, many times.

use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt, StreamExt, stream};

use super::{Outcome, Run, at_once};

/// Rounds of a race, so many that each side wins some.
pub const ROUNDS: usize = 200;

/// A setting for tests in which one user sends the commands of all rounds.
pub const QUICK_USERS: (&str, &str) = ("GOODGO_RATE_USER", "100000");

/// Commands of a preparation that run at the same time.
const WIDTH: usize = 8;

/// Runs the rounds of a race one after the other. A failure names its round.
pub async fn rounds(mut round: impl AsyncFnMut(usize)) {
    for number in 0..ROUNDS {
        let result = AssertUnwindSafe(round(number)).catch_unwind().await;
        if let Err(panic) = result {
            println!("failed in round {number}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Prepares an object for each round, several at a time.
pub async fn prepared<T, F: Future<Output = T>>(prepare: impl Fn(usize) -> F) -> Vec<T> {
    let objects = stream::iter(0..ROUNDS).map(prepare).buffered(WIDTH);
    objects.collect().await
}

/// Runs two mutations at the same time. The first one is sent first in even rounds, the second one in odd rounds. Returns
/// their outcomes in the order given.
pub async fn race(round: usize, one: Run, other: Run) -> [Outcome; 2] {
    let is_turned = round % 2 == 1;
    let mut runs = [one, other];
    if is_turned {
        runs.reverse();
    }
    let mut outcomes = at_once(runs).await.0;
    if is_turned {
        outcomes.reverse();
    }
    outcomes.try_into().unwrap()
}
