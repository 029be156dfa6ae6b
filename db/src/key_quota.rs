//! The quota of idempotency keys: how many a person stores in an hour. Each process counts its own; services are bounded
//! by their rates.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;
use uuid::Uuid;

/// Largest number of keys that a person stores in an hour.
pub const KEYS_PER_HOUR: u16 = 1_000;

/// Largest number of counted people. A person whose count was evicted starts at zero.
const MAX_PEOPLE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);
/// Seconds of a period, the unit in which time is counted.
const PERIOD_SECONDS: u64 = 600;
/// Counted periods: the present one and the five before, which make up an hour at most.
const PERIODS: usize = 6;

/// Counts the keys that people store. Clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct KeyQuota {
    started: Instant,
    people: Arc<Mutex<LruCache<Uuid, Counts>>>,
}

impl Default for KeyQuota {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            people: Arc::new(Mutex::new(LruCache::new(MAX_PEOPLE))),
        }
    }
}

/// Keys of a person by period.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Number of the newest period.
    period: u64,
    /// Keys of each period, newest first.
    keys: [u16; PERIODS],
}

impl Counts {
    /// Makes a period the newest one.
    fn advance(&mut self, period: u64) {
        let passed = usize::try_from(period.saturating_sub(self.period)).unwrap_or(PERIODS);
        let passed = passed.min(PERIODS);
        self.keys.rotate_right(passed % PERIODS);
        self.keys[..passed].fill(0);
        self.period = self.period.max(period);
    }

    /// The number of keys of a period that is still counted.
    fn of(&mut self, period: u64) -> Option<&mut u16> {
        let age = usize::try_from(self.period.checked_sub(period)?).ok()?;
        self.keys.get_mut(age)
    }

    /// The oldest period with keys.
    fn oldest(&self) -> u64 {
        let age = self.keys.iter().rposition(|keys| *keys > 0).unwrap_or(0);
        self.period.saturating_sub(age as u64)
    }
}

impl KeyQuota {
    /// Reserves a key of a person; when the quota is used up, returns the seconds until a key is free again.
    pub fn reserve(&self, person: Uuid) -> Result<ReservedKey, u32> {
        self.reserve_at(person, self.started.elapsed())
    }

    fn reserve_at(&self, person: Uuid, elapsed: Duration) -> Result<ReservedKey, u32> {
        let period = elapsed.as_secs() / PERIOD_SECONDS;
        let mut people = self.people.lock();
        let counts = people.get_or_insert_mut(person, Counts::default);
        counts.advance(period);
        if counts.keys.iter().sum::<u16>() >= KEYS_PER_HOUR {
            let free_at = (counts.oldest() + PERIODS as u64) * PERIOD_SECONDS;
            let seconds = free_at.saturating_sub(elapsed.as_secs()).max(1);
            return Err(u32::try_from(seconds).unwrap_or(u32::MAX));
        }
        counts.keys[0] += 1;
        Ok(ReservedKey {
            quota: self.clone(),
            person,
            period,
            is_stored: false,
        })
    }

    fn release(&self, person: Uuid, period: u64) {
        if let Some(counts) = self.people.lock().get_mut(&person)
            && let Some(keys) = counts.of(period)
        {
            *keys = keys.saturating_sub(1);
        }
    }
}

/// A key that counts against the quota, unless it is dropped before it was stored.
#[derive(Debug)]
pub(crate) struct ReservedKey {
    quota: KeyQuota,
    person: Uuid,
    period: u64,
    is_stored: bool,
}

impl ReservedKey {
    /// The key is stored, so it stays counted.
    pub fn stored(mut self) {
        self.is_stored = true;
    }
}

impl Drop for ReservedKey {
    fn drop(&mut self) {
        if !self.is_stored {
            self.quota.release(self.person, self.period);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Uuid = Uuid::from_u128(1);

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    #[test]
    fn counts_stored_keys_of_an_hour() {
        let quota = KeyQuota::default();
        let store = |person, elapsed, number: u16| {
            (0..number).try_for_each(|_| quota.reserve_at(person, elapsed).map(ReservedKey::stored))
        };
        assert_eq!(store(ALICE, minutes(5), 400), Ok(()));
        assert_eq!(store(ALICE, minutes(31), 600), Ok(()));
        assert_eq!(store(ALICE, minutes(31), 1), Err(29 * 60));
        assert_eq!(store(Uuid::from_u128(2), minutes(31), 1), Ok(()));
        // The first 400 no longer count.
        assert_eq!(store(ALICE, minutes(59), 1), Err(60));
        assert_eq!(store(ALICE, minutes(60), 400), Ok(()));
        assert_eq!(store(ALICE, minutes(60), 1), Err(30 * 60));
        assert_eq!(store(ALICE, minutes(1_000), 1_000), Ok(()));
    }

    #[test]
    fn frees_keys_that_were_not_stored() {
        let quota = KeyQuota::default();
        for _ in 0..2 * KEYS_PER_HOUR {
            assert!(quota.reserve_at(ALICE, minutes(1)).is_ok());
        }
        let reserved = (0..KEYS_PER_HOUR).map(|_| quota.reserve_at(ALICE, minutes(1)));
        let reserved: Vec<_> = reserved.collect();
        assert!(quota.reserve_at(ALICE, minutes(12)).is_err());
        drop(reserved);
        assert!(quota.reserve_at(ALICE, minutes(12)).is_ok());
    }
}
