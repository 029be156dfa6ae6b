//! Tokens that were verified a moment ago, so that a signature isn't checked again with every request.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use sha2::{Digest, Sha256};

use super::Authenticated;

const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// A key that its issuer withdraws stops counting within this time.
const MAX_AGE: TimeDelta = TimeDelta::minutes(5);

/// What a token is remembered by: it itself is not kept.
pub type TokenHash = [u8; 32];

/// Hashes a token.
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

/// The tokens verified lately.
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
    /// What the token said, unless it is time to verify it again.
    pub fn get(&self, hash: &TokenHash, now: DateTime<Utc>) -> Option<Authenticated> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = tokens.get(hash)?;
        if now < verified.until {
            return Some(verified.authenticated.clone());
        }
        tokens.pop(hash);
        None
    }

    /// Remembers what the token said, until it expires at the latest.
    pub fn put(&self, hash: TokenHash, authenticated: Authenticated, now: DateTime<Utc>) {
        let latest = now + MAX_AGE;
        let until = authenticated.expires_at.unwrap_or(latest).min(latest);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(
            hash,
            Verified {
                authenticated,
                until,
            },
        );
    }
}
