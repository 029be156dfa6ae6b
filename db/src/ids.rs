//! Ids and randomness. Tests seed the source.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::prelude::*;

/// Makes ids. Clones share one source.
#[derive(Clone, Debug)]
pub struct Ids {
    source: Arc<Mutex<StdRng>>,
}

impl Ids {
    /// A source of random ids.
    #[must_use]
    pub fn random() -> Self {
        Self::from_rng(StdRng::from_os_rng())
    }

    /// A source that produces the same ids in every run.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::from_rng(StdRng::seed_from_u64(seed))
    }

    fn from_rng(rng: StdRng) -> Self {
        Self {
            source: Arc::new(Mutex::new(rng)),
        }
    }

    /// Random bytes of cryptographic quality.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.source.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A `UUIDv7` with the timestamp `at`.
    #[must_use]
    pub fn uuid(&self, at: Timestamp) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_the_time_and_repeats_by_seed() {
        let at = Timestamp::from_timestamp(1_700_000_000, 0).expect("a moment");
        let id = Ids::seeded(1).uuid(at);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(
            id.get_timestamp().map(|at| at.to_unix().0),
            Some(1_700_000_000)
        );
        assert_eq!(id, Ids::seeded(1).uuid(at));
        assert_ne!(id, Ids::seeded(2).uuid(at));
        assert_ne!(Ids::random().uuid(at), Ids::random().uuid(at));
    }
}
