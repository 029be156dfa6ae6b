//! Estimated places in the leaderboard, from a histogram that is at most a minute old.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Db, DbError};
use parking_lot::Mutex;

/// Time after which the histogram is read again.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The last histogram of lifetime points. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    last: Arc<Mutex<Option<Histogram>>>,
}

/// The points of every thousandth place, in ten-thousandths.
#[derive(Clone, Debug)]
struct Histogram {
    read_at: Instant,
    steps: Arc<Vec<i64>>,
}

impl Ranks {
    /// The estimated place of points, in ten-thousandths.
    pub(super) async fn estimate(&self, db: &Db, points: i64) -> Result<i64, DbError> {
        if let Some(histogram) = self.fresh() {
            return Ok(place(&histogram.steps, points));
        }
        let steps = db
            .read_replicated(async |conn| db::mining::miner::queries::rank_steps(conn).await)
            .await?;
        let estimated = place(&steps, points);
        *self.last.lock() = Some(Histogram {
            read_at: Instant::now(),
            steps: Arc::new(steps),
        });
        Ok(estimated)
    }

    fn fresh(&self) -> Option<Histogram> {
        let last = self.last.lock();
        last.clone()
            .filter(|histogram| histogram.read_at.elapsed() < FRESH_FOR)
    }
}

/// The place of points among the points of every thousandth place, in proportion between two of them.
fn place(steps: &[i64], points: i64) -> i64 {
    let every = db::mining::miner::queries::RANK_STEP;
    let passed = steps.partition_point(|step| *step > points);
    let count = i64::try_from(passed).unwrap_or(i64::MAX / every);
    let (Some(above), Some(below)) = (
        passed.checked_sub(1).and_then(|last| steps.get(last)),
        steps.get(passed),
    ) else {
        return count * every + 1;
    };
    let (down, whole) = (
        i128::from(above - points),
        i128::from((above - below).max(1)),
    );
    count * every + i64::try_from(down * i128::from(every) / whole).unwrap_or(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_places_between_the_steps() {
        let steps = [900, 500, 500, 100];
        for (points, expected) in [
            (1_000, 1),
            (900, 1),
            (700, 1_500),
            (500, 2_000),
            (300, 3_500),
            (100, 4_000),
            (50, 4_001),
        ] {
            let found = place(&steps, points);
            assert!(
                (found - expected).abs() <= 1_000,
                "{points}: {found} is not about {expected}"
            );
        }
        assert_eq!(place(&steps, 700), 1_500);
        assert_eq!(place(&[], 5), 1);
    }
}
