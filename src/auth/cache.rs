//! A cache of verified tokens, so that not every request verifies a signature.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::Authenticated;

const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Maximum age of an entry. A withdrawn key is refused after this time at the latest.
const MAX_AGE: TimeDelta = TimeDelta::minutes(5);

/// The key of the cache. Tokens themselves are not stored.
pub type TokenHash = [u8; 32];

/// Hashes a token.
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

/// Recently verified tokens.
#[derive(Debug)]
pub struct VerifiedTokens(Mutex<LruCache<TokenHash, Verified>>);

#[derive(Debug)]
struct Verified {
    authenticated: Authenticated,
    until: DateTime<Utc>,
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl VerifiedTokens {
    /// The result of a verified token, unless the entry is too old.
    pub fn get(&self, hash: &TokenHash, now: DateTime<Utc>) -> Option<Authenticated> {
        let mut tokens = self.0.lock();
        let verified = tokens.get(hash)?;
        if now < verified.until {
            return Some(verified.authenticated.clone());
        }
        tokens.pop(hash);
        None
    }

    /// Stores the result until the token expires or the entry is too old.
    pub fn put(&self, hash: TokenHash, authenticated: Authenticated, now: DateTime<Utc>) {
        let latest = now + MAX_AGE;
        let until = authenticated.expires_at.unwrap_or(latest).min(latest);
        self.0.lock().put(
            hash,
            Verified {
                authenticated,
                until,
            },
        );
    }
}
