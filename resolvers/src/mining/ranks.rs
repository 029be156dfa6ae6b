//! Places beyond those that are counted: read off a histogram that is at most a minute old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use db::{Db, DbError};

/// How old a histogram may be.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The last histogram of lifetime points. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    last: Arc<Mutex<Option<(Instant, Arc<Vec<i64>>)>>>,
}

impl Ranks {
    /// About which place so many points have, in ten-thousandths.
    pub(crate) async fn estimate(&self, db: &Db, points: i64) -> Result<i64, DbError> {
        let steps = match self.fresh() {
            Some(steps) => steps,
            None => {
                let read =
                    async |conn: &mut db::Connection| db::mining::queries::rank_steps(conn).await;
                let steps = Arc::new(db.read(read).await?);
                let read_at = (Instant::now(), Arc::clone(&steps));
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(read_at);
                steps
            }
        };
        Ok(place(&steps, points))
    }

    fn fresh(&self) -> Option<Arc<Vec<i64>>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, steps) = last.as_ref()?;
        (read_at.elapsed() < FRESH_FOR).then(|| Arc::clone(steps))
    }
}

/// The place of points among the points of every thousandth place, in proportion between two of them.
fn place(steps: &[i64], points: i64) -> i64 {
    let every = db::mining::queries::RANK_STEP;
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
    fn places_lie_between_the_steps() {
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
