//! Guesses of codes: how many unknown ones a caller and an address may try in an hour. Each process counts its own.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::promotions::configuration;
use lru::LruCache;
use parking_lot::Mutex;

use crate::command::Admitted;
use crate::prelude::*;

/// Callers and addresses that are remembered at most.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// Time during which a guess counts.
const HOUR: Duration = Duration::from_secs(3_600);

/// Guesses of an address for each of a caller.
const PER_ADDRESS: usize = 3;

/// Who guesses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Guesser {
    /// Issuer and subject of a caller.
    Caller((String, String)),
    /// An address, or the network of an IPv6 address.
    Address(IpAddr),
}

type Counted = Mutex<LruCache<Guesser, VecDeque<Instant>>>;

/// The counted guesses. Clones share them.
#[derive(Clone)]
pub struct Guesses(Arc<Counted>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(MOST))))
    }
}

/// A guess that counts, unless the code turns out to be known.
pub(super) struct Guess {
    counted: Arc<Counted>,
    guessers: [Guesser; 2],
    at: Instant,
}

impl Guesses {
    /// Counts a guess; RATE_LIMITED when the caller or the address has made as many as allowed. The codes of others count
    /// like unknown ones.
    pub(super) async fn begin(ctx: &Context<'_>) -> Result<Guess> {
        let guesses: &Self = ctx.operation().services.of_contexts.get();
        let read = async |conn: &mut db::Connection| configuration::in_force(conn).await;
        let section = ctx.db().read_replicated(read).await?;
        let limit = usize::try_from(section.code_guesses_per_hour).unwrap_or(usize::MAX);
        let caller = &ctx.operation().caller;
        let guessers = [
            (
                Guesser::Caller(db::command::actor(&caller.principal)),
                limit,
            ),
            (
                Guesser::Address(caller.network),
                limit.saturating_mul(PER_ADDRESS),
            ),
        ];
        guesses.count(guessers, Instant::now())
    }

    fn count(&self, guessers: [(Guesser, usize); 2], now: Instant) -> Result<Guess> {
        let mut counted = self.0.lock();
        for (guesser, limit) in &guessers {
            let times = counted.get_or_insert_mut(guesser.clone(), VecDeque::new);
            times.retain(|at| now.saturating_duration_since(*at) < HOUR);
            if let (true, Some(oldest)) = (times.len() >= *limit, times.front()) {
                let rest = HOUR.saturating_sub(now.saturating_duration_since(*oldest));
                let problem = "too many unknown codes: check the code, and try again later";
                let seconds = u32::try_from(rest.as_secs()).unwrap_or(u32::MAX);
                let limited = ApiError::new(Code::RateLimited, problem);
                return Err(limited
                    .because("CODE_GUESSES")
                    .retry_after(seconds.saturating_add(1)));
            }
        }
        for (guesser, _) in &guessers {
            if let Some(times) = counted.get_mut(guesser) {
                times.push_back(now);
            }
        }
        Ok(Guess {
            counted: Arc::clone(&self.0),
            guessers: guessers.map(|(guesser, _)| guesser),
            at: now,
        })
    }
}

impl Guess {
    /// Takes the guess back, because the code is known.
    pub(super) fn is_known(&self) {
        let mut counted = self.counted.lock();
        for guesser in &self.guessers {
            let times = counted.get_mut(guesser);
            if let Some((times, index)) = times.and_then(|times| {
                let index = times.iter().position(|at| *at == self.at)?;
                Some((times, index))
            }) {
                times.remove(index);
            }
        }
    }
}

impl Admitted for Guess {
    fn ended(&self, refusal: Option<&str>) {
        if refusal != Some("VOUCHER_NOT_FOUND") {
            self.is_known();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(caller: &str, address: u8) -> [(Guesser, usize); 2] {
        let caller = Guesser::Caller(("iam".to_owned(), caller.to_owned()));
        let address = Guesser::Address([10, 0, 0, address].into());
        [(caller, 2), (address, 3)]
    }

    #[test]
    fn counts_unknown_codes_of_callers_and_addresses() {
        let guesses = Guesses::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let guess = |who, at| guesses.count(who, at);
        assert!(guess(by("alice", 1), after(0)).is_ok());
        guess(by("alice", 1), after(1)).expect("a guess").is_known();
        assert!(guess(by("alice", 1), after(2)).is_ok());
        assert!(guess(by("alice", 2), after(3)).is_err());
        assert!(guess(by("bob", 1), after(4)).is_ok());
        assert!(guess(by("carol", 1), after(5)).is_err());
        assert!(guess(by("carol", 2), after(6)).is_ok());
        assert!(guess(by("alice", 2), after(3_601)).is_ok());
    }
}
