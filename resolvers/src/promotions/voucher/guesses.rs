//! Guesses of codes: how many unknown ones a caller and an address may try in an hour. Each process counts its own.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use db::promotions::configuration;
use domain::access::Principal;
use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::command::Admitted;
use crate::prelude::*;

/// Callers and addresses that are remembered at most.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// Time during which an unknown code counts.
const HOUR: Duration = Duration::from_secs(3_600);

/// Unknown codes of an address for each of a caller.
const PER_ADDRESS: usize = 3;

/// Who guesses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Guesser {
    /// Issuer and subject of a caller, and the holder whom a service names.
    Caller((String, String), Option<UserId>),
    /// An address, or the network of an IPv6 address.
    Address(IpAddr),
}

/// Codes of a guesser.
#[derive(Default)]
struct Tally {
    /// Times of unknown ones.
    unknown: VecDeque<Instant>,
    /// Number of those that are being looked up.
    open: usize,
}

struct Shared {
    tallies: Mutex<LruCache<Guesser, Tally>>,
    /// Told when a code has been looked up.
    closed: Notify,
}

/// The counted guesses. Clones share them.
#[derive(Clone)]
pub struct Guesses(Arc<Shared>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Arc::new(Shared {
            tallies: Mutex::new(LruCache::new(MOST)),
            closed: Notify::new(),
        }))
    }
}

/// A code that is being looked up. It counts when it is dropped, unless it turned out to be known.
pub(super) struct Guess {
    shared: Arc<Shared>,
    guessers: Vec<Guesser>,
    is_known: AtomicBool,
}

impl Guesses {
    /// Begins to look a code up; RATE_LIMITED when the caller or the address has tried as many unknown ones as allowed. While
    /// as many are being looked up it waits for them. The codes of others count like unknown ones.
    ///
    /// A service is counted per holder that it names, whatever its address: it asks for all its customers.
    pub(super) async fn begin(ctx: &Context<'_>, named: Option<UserId>) -> Result<Guess> {
        let guesses: &Self = ctx.operation().services.of_contexts.get();
        let read = async |conn: &mut db::Connection| configuration::in_force(conn).await;
        let section = ctx.db().read_replicated(read).await?;
        let limit = usize::try_from(section.code_guesses_per_hour).unwrap_or(usize::MAX);
        let caller = &ctx.operation().caller;
        let of_address = limit.saturating_mul(PER_ADDRESS);
        let actor = db::command::actor(&caller.principal);
        let mut limits = vec![(Guesser::Caller(actor, named), limit)];
        if !matches!(caller.principal, Principal::Service(_)) {
            limits.push((Guesser::Address(caller.network), of_address));
        }
        loop {
            let closed = guesses.0.closed.notified();
            if let Some(guess) = guesses.open(&limits, Instant::now())? {
                return Ok(guess);
            }
            closed.await;
        }
    }

    /// Opens a guess; none while too many others are open.
    fn open(&self, limits: &[(Guesser, usize)], now: Instant) -> Result<Option<Guess>> {
        let mut tallies = self.0.tallies.lock();
        let mut is_full = false;
        for (guesser, limit) in limits {
            let tally = tallies.get_or_insert_mut(guesser.clone(), Tally::default);
            let unknown = &mut tally.unknown;
            unknown.retain(|at| now.saturating_duration_since(*at) < HOUR);
            if let (true, Some(oldest)) = (unknown.len() >= *limit, unknown.front()) {
                let rest = HOUR.saturating_sub(now.saturating_duration_since(*oldest));
                let problem = "too many unknown codes: check the code, and try again later";
                let seconds = u32::try_from(rest.as_secs()).unwrap_or(u32::MAX);
                let limited = ApiError::new(Code::RateLimited, problem);
                return Err(limited
                    .because("CODE_GUESSES")
                    .retry_after(seconds.saturating_add(1)));
            }
            is_full |= unknown.len().saturating_add(tally.open) >= *limit;
        }
        if is_full {
            return Ok(None);
        }
        for (guesser, _) in limits {
            if let Some(tally) = tallies.get_mut(guesser) {
                tally.open = tally.open.saturating_add(1);
            }
        }
        Ok(Some(Guess {
            shared: Arc::clone(&self.0),
            guessers: limits.iter().map(|(guesser, _)| guesser.clone()).collect(),
            is_known: AtomicBool::new(false),
        }))
    }
}

impl Guess {
    /// Marks the code as known, so that it doesn't count.
    pub(super) fn is_known(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        let is_known = self.is_known.load(Ordering::Relaxed);
        let mut tallies = self.shared.tallies.lock();
        for guesser in &self.guessers {
            if let Some(tally) = tallies.get_mut(guesser) {
                tally.open = tally.open.saturating_sub(1);
                if !is_known {
                    tally.unknown.push_back(Instant::now());
                }
            }
        }
        drop(tallies);
        self.shared.closed.notify_waiters();
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
        let caller = Guesser::Caller(("iam".to_owned(), caller.to_owned()), None);
        let address = Guesser::Address([10, 0, 0, address].into());
        [(caller, 2), (address, 3)]
    }

    #[test]
    fn counts_unknown_codes_of_callers_and_addresses() {
        let guesses = Guesses::default();
        let start = Instant::now();
        // Tries an unknown code; true unless that is refused.
        let tries = |(caller, address), after| {
            let at = start + Duration::from_secs(after);
            let opened = guesses.open(&by(caller, address), at);
            opened.is_ok_and(|guess| guess.is_some())
        };
        assert!(tries(("alice", 1), 0));
        let known = guesses.open(&by("alice", 1), start).expect("a guess");
        known.expect("a guess").is_known();
        assert!(tries(("alice", 1), 0));
        assert!(!tries(("alice", 2), 0));
        assert!(tries(("bob", 1), 0));
        assert!(!tries(("carol", 1), 0));
        assert!(tries(("carol", 2), 0));
        assert!(tries(("alice", 2), 3_700));
    }

    #[test]
    fn waits_for_codes_that_are_being_looked_up() {
        let guesses = Guesses::default();
        let open = || {
            guesses
                .open(&by("alice", 1), Instant::now())
                .expect("no limit")
        };
        let guesses_at_once = [open(), open()];
        assert!(open().is_none());
        for guess in guesses_at_once.into_iter().flatten() {
            guess.is_known();
        }
        assert!(open().is_some());
    }
}
