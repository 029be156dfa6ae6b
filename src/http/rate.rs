//! How much each caller may ask: a leaky bucket of points for everybody, by what their operations cost.
//!
//! Each instance counts for itself. A bucket holds what leaks in ten seconds, so that a page that loads a lot at once
//! is not held up, and a caller that never stops is.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use domain::access::{Person, Principal};
use lru::LruCache;
use resolvers::limits::Mode;
use tokio::time::{Duration, Instant};

/// How many callers are remembered; who is forgotten begins with a full bucket.
const CALLERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);
/// Buckets hold thousandths of points.
const POINT: u64 = 1_000;
/// What a request costs at least.
const ARRIVAL: u64 = POINT;
/// A bucket holds what leaks in this time.
const SECONDS: u32 = 10;

/// Points a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of an address without a token.
    pub anonymous: u32,
    /// Of a user.
    pub user: u32,
    /// Of support, finance and administrators.
    pub staff: u32,
    /// Of all services of an issuer together.
    pub service: u32,
    /// Of single issuers.
    pub issuers: Vec<(String, u32)>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            anonymous: 1_000,
            user: 2_000,
            staff: 5_000,
            service: 100_000,
            issuers: Vec::new(),
        }
    }
}

/// Whose bucket is filled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// An address; of IPv6 the network, for a machine has many.
    Address(IpAddr),
    /// A user.
    User(uuid::Uuid),
    /// A member of the staff.
    Staff(uuid::Uuid),
    /// An issuer of services' tokens.
    Issuer(String),
    /// An address that sends tokens that are none: it must not spend what others behind it need.
    Guesser(IpAddr),
}

impl Payer {
    /// Who pays for what this caller asks.
    #[must_use]
    pub fn of(principal: &Principal, address: IpAddr) -> Self {
        match principal {
            Principal::Anonymous => Self::Address(network(address)),
            Principal::Person(person) => Self::of_person(person),
            Principal::Service(service) => Self::Issuer(service.issuer.clone()),
        }
    }

    /// Who pays for a token that is none.
    #[must_use]
    pub fn guesser(address: IpAddr) -> Self {
        Self::Guesser(network(address))
    }

    fn of_person(person: &Person) -> Self {
        if person.is_staff() {
            Self::Staff(person.id.0)
        } else {
            Self::User(person.id.0)
        }
    }
}

/// The address, or of IPv6 its network: a machine has many.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// How full a caller's bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Points that may be asked for at once.
    pub maximum: u64,
    /// Points left.
    pub left: u64,
    /// Points that come back each second.
    pub restored: u32,
}

/// Too much in too short a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// When there is enough again, in whole seconds.
    pub retry_after_seconds: u32,
}

/// Everybody's buckets.
#[derive(Debug)]
pub struct Buckets {
    rates: Rates,
    mode: Mode,
    /// Those who are known by their tokens.
    known: Mutex<LruCache<Payer, Bucket>>,
    /// Those who are known by their address, of which somebody may have many: they make nobody else forgotten.
    strangers: Mutex<LruCache<Payer, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u64,
    at: Instant,
}

impl Bucket {
    /// A thousandth of a point comes back for each millisecond and point a second.
    fn restore(&mut self, now: Instant, rate: u32, capacity: u64) {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let restored = passed.saturating_mul(u64::from(rate));
        self.left = self.left.saturating_add(restored).min(capacity);
        // What is less than a millisecond is not lost: the clock of the bucket stands still for it.
        self.at += Duration::from_millis(passed);
    }
}

impl Buckets {
    /// Full buckets for everybody.
    #[must_use]
    pub fn new(rates: Rates, mode: Mode) -> Self {
        Self {
            rates,
            mode,
            known: Mutex::new(LruCache::new(CALLERS)),
            strangers: Mutex::new(LruCache::new(CALLERS)),
        }
    }

    /// Takes what every request costs by having come, whatever becomes of it.
    pub fn arrive(&self, payer: &Payer) -> Result<(), TooMuch> {
        self.take(payer, |_| ARRIVAL).map(drop)
    }

    /// Takes the rest of what an operation costs, or nothing if there isn't enough. What costs more than a bucket holds
    /// takes a full one.
    pub fn pay(&self, payer: &Payer, points: u64) -> Result<Budget, TooMuch> {
        self.take(payer, |capacity| {
            let cost = points.saturating_mul(POINT).min(capacity);
            cost.saturating_sub(ARRIVAL)
        })
    }

    /// Takes points whether or not there are enough: for what has been done already.
    pub fn charge(&self, payer: &Payer, points: u64) {
        let left = |capacity: u64| points.saturating_mul(POINT).min(capacity);
        if self.take(payer, left).is_err() {
            // Less than that is left, so all of it goes.
            let mut callers = self
                .of(payer)
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(bucket) = callers.get_mut(payer) {
                bucket.left = 0;
            }
        }
    }

    fn of(&self, payer: &Payer) -> &Mutex<LruCache<Payer, Bucket>> {
        match payer {
            Payer::Address(_) | Payer::Guesser(_) => &self.strangers,
            Payer::User(_) | Payer::Staff(_) | Payer::Issuer(_) => &self.known,
        }
    }

    fn take(&self, payer: &Payer, wanted: impl Fn(u64) -> u64) -> Result<Budget, TooMuch> {
        let rate = self.rate(payer);
        let capacity = u64::from(rate) * u64::from(SECONDS) * POINT;
        let wanted = wanted(capacity);
        let now = Instant::now();
        let mut callers = self
            .of(payer)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let full = || Bucket {
            left: capacity,
            at: now,
        };
        let bucket = match callers.get_mut(payer) {
            Some(bucket) => bucket,
            None => callers.get_or_insert_mut(payer.clone(), full),
        };
        bucket.restore(now, rate, capacity);
        let lacking = wanted.saturating_sub(bucket.left);
        if lacking > 0 {
            metrics::counter!("rate_limited_total", "caller" => payer.kind()).increment(1);
            if self.mode == Mode::Enforce {
                // Whoever comes back pays for coming again.
                let lacking = lacking.saturating_add(ARRIVAL);
                let seconds = lacking.div_ceil(u64::from(rate.max(1)) * POINT);
                return Err(TooMuch {
                    retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX).min(SECONDS),
                });
            }
            tracing::warn!(caller = payer.kind(), "Would refuse: too much at once");
        }
        bucket.left = bucket.left.saturating_sub(wanted);
        Ok(Budget {
            maximum: capacity / POINT,
            left: bucket.left / POINT,
            restored: rate,
        })
    }

    fn rate(&self, payer: &Payer) -> u32 {
        match payer {
            Payer::Address(_) | Payer::Guesser(_) => self.rates.anonymous,
            Payer::User(_) => self.rates.user,
            Payer::Staff(_) => self.rates.staff,
            Payer::Issuer(issuer) => {
                let mut issuers = self.rates.issuers.iter();
                issuers
                    .find(|(known, _)| known == issuer)
                    .map_or(self.rates.service, |(_, rate)| *rate)
            }
        }
    }
}

impl Payer {
    fn kind(&self) -> &'static str {
        match self {
            Self::Address(_) => "anonymous",
            Self::User(_) => "user",
            Self::Staff(_) => "staff",
            Self::Issuer(_) => "service",
            Self::Guesser(_) => "bad token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(mode: Mode) -> Buckets {
        let rates = Rates {
            anonymous: 10,
            issuers: vec![("shop".to_owned(), 3)],
            ..Rates::default()
        };
        Buckets::new(rates, mode)
    }

    fn address(text: &str) -> Payer {
        Payer::of(&Principal::Anonymous, text.parse().expect("an address"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_fills_again() {
        let buckets = buckets(Mode::Enforce);
        let caller = address("192.0.2.1");
        let left = |points| {
            buckets.arrive(&caller)?;
            buckets.pay(&caller, points).map(|budget| budget.left)
        };
        let first = buckets.pay(&caller, 1).expect("a full bucket");
        assert_eq!((first.maximum, first.left, first.restored), (100, 100, 10));
        assert_eq!(left(40), Ok(60));
        assert_eq!(left(60), Ok(0));
        assert!(buckets.arrive(&caller).is_err(), "it is empty");
        for (points, seconds) in [(2, 1), (10, 1), (11, 2), (100, 10), (1_000_000, 10)] {
            let refused = buckets.pay(&caller, points).expect_err("it is empty");
            assert_eq!(refused.retry_after_seconds, seconds, "{points}");
        }
        assert!(buckets.pay(&address("192.0.2.2"), 100).is_ok());
        tokio::time::advance(Duration::from_millis(150)).await;
        assert_eq!(left(1), Ok(0));
        assert!(buckets.arrive(&caller).is_err(), "half a point is left");
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(left(1), Ok(0), "and was not lost");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(left(1_000_000), Ok(0), "a full bucket pays for anything");
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(left(1), Ok(99));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_refused_where_limits_are_only_logged() {
        let buckets = buckets(Mode::Log);
        for _ in 0..3 {
            assert!(buckets.pay(&address("192.0.2.1"), 100).is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_has_one_bucket_and_an_issuer_its_own_rate() {
        let buckets = buckets(Mode::Enforce);
        let empty =
            |caller: &Payer| buckets.arrive(caller).is_ok() && buckets.pay(caller, 100).is_ok();
        assert!(empty(&address("2001:db8::1")));
        assert!(!empty(&address("2001:db8::2")));
        assert!(empty(&address("2001:db8:0:1::1")));
        assert!(empty(&address("::ffff:192.0.2.9")));
        assert!(!empty(&address("192.0.2.9")));
        let maximum = |issuer: &str| {
            let issuer = Payer::Issuer(issuer.to_owned());
            buckets.pay(&issuer, 1).map(|budget| budget.maximum)
        };
        assert_eq!((maximum("shop"), maximum("other")), (Ok(30), Ok(1_000_000)));
    }
}
