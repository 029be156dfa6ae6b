//! Rate limits: a token bucket of points per caller; each operation spends its cost.
//!
//! Each instance has its own buckets. A bucket holds ten seconds of the caller's rate, which allows bursts.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;

use domain::access::Principal;
use lru::LruCache;
use parking_lot::Mutex;
use resolvers::limits::Mode;
use tokio::time::{Duration, Instant};

/// Largest number of buckets of each kind. A caller whose bucket was evicted starts with a full one.
const MAX_BUCKETS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);
/// Buckets hold thousandths of points.
const POINT: u64 = 1_000;
/// The minimal cost of a request.
const REQUEST_COST: u64 = POINT;
/// Capacity of a bucket in seconds of the caller's rate.
const BUCKET_SECONDS: u32 = 10;

/// Points per second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// For an address without a token.
    pub anonymous: u32,
    /// For a user.
    pub user: u32,
    /// For a staff member.
    pub staff: u32,
    /// For all services of an issuer together.
    pub service: u32,
    /// Overrides of `service` by issuer.
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

/// The owner of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// An address, or an IPv6 network, because a machine has many addresses.
    Address(IpAddr),
    /// A user.
    User(uuid::Uuid),
    /// A staff member.
    Staff(uuid::Uuid),
    /// An issuer of service tokens.
    Issuer(String),
    /// An address that sends invalid tokens. Its bucket is separate, so that other callers of the address are not affected.
    InvalidToken(IpAddr),
    /// An address that sends probes. Its bucket is separate for the same reason.
    Probe(IpAddr),
    /// An address that opens sockets, for handshakes and `connection_init`. Its bucket is separate, so that anonymous callers
    /// don't keep signed-in ones of their address out.
    Handshake(IpAddr),
}

impl RateKey {
    /// The bucket of a caller.
    #[must_use]
    pub fn of(principal: &Principal, address: IpAddr) -> Self {
        match principal {
            Principal::Anonymous => Self::Address(network(address)),
            Principal::Person(person) if person.is_staff() => Self::Staff(person.id.0),
            Principal::Person(person) => Self::User(person.id.0),
            Principal::Service(service) => Self::Issuer(service.issuer.clone()),
        }
    }

    /// The bucket for invalid tokens from an address.
    #[must_use]
    pub fn invalid_token(address: IpAddr) -> Self {
        Self::InvalidToken(network(address))
    }

    /// The bucket for handshakes from an address.
    #[must_use]
    pub fn handshake(address: IpAddr) -> Self {
        Self::Handshake(network(address))
    }

    /// The bucket for probes from an address.
    #[must_use]
    pub fn probe(address: IpAddr) -> Self {
        Self::Probe(network(address))
    }
}

/// The address, or the /64 network of an IPv6 address, because a machine has many addresses.
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

/// The state of a caller's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Capacity in points.
    pub maximum: u64,
    /// Remaining points.
    pub left: u64,
    /// Points restored per second.
    pub restored: u32,
}

/// The caller's bucket has too few points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateExceeded {
    /// Seconds until there are enough points.
    pub retry_after_seconds: u32,
}

/// The buckets of all callers.
#[derive(Debug)]
pub struct Buckets {
    rates: Rates,
    mode: Mode,
    /// Buckets of authenticated callers.
    authenticated: Mutex<LruCache<RateKey, Bucket>>,
    /// Buckets of addresses. They are separate, because a client with many addresses could evict the other buckets.
    addresses: Mutex<LruCache<RateKey, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u64,
    at: Instant,
}

impl Bucket {
    /// Refills `rate` thousandths of a point per elapsed millisecond.
    fn restore(&mut self, now: Instant, rate: u32, capacity: u64) {
        let passed = now.saturating_duration_since(self.at).as_millis();
        // Saturates after 584 million years, when the bucket is full anyway.
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let restored = passed.saturating_mul(u64::from(rate));
        self.left = self.left.saturating_add(restored).min(capacity);
        // Advances by whole milliseconds, so that the remainder counts next time.
        self.at += Duration::from_millis(passed);
    }
}

impl Buckets {
    /// Creates full buckets.
    #[must_use]
    pub fn new(rates: Rates, mode: Mode) -> Self {
        Self {
            rates,
            mode,
            authenticated: Mutex::new(LruCache::new(MAX_BUCKETS)),
            addresses: Mutex::new(LruCache::new(MAX_BUCKETS)),
        }
    }

    /// Takes the minimal cost of a request.
    pub fn charge_request(&self, key: &RateKey) -> Result<(), RateExceeded> {
        self.take(key, |_| REQUEST_COST).map(drop)
    }

    /// Takes the cost of a request that executes no operation.
    pub fn charge(&self, key: &RateKey, points: u64) -> Result<(), RateExceeded> {
        self.take(key, |capacity| points.saturating_mul(POINT).min(capacity))
            .map(drop)
    }

    /// Charges an operation's cost minus the request cost that was charged; nothing if there are too few points. The cost
    /// is capped at the capacity.
    pub fn charge_operation(&self, key: &RateKey, points: u64) -> Result<Budget, RateExceeded> {
        self.take(key, |capacity| {
            let cost = points.saturating_mul(POINT).min(capacity);
            cost.saturating_sub(REQUEST_COST)
        })
    }

    /// Takes points for work that was done. Empties the bucket if there are too few.
    pub fn charge_afterwards(&self, key: &RateKey, points: u64) {
        let cost = |capacity: u64| points.saturating_mul(POINT).min(capacity);
        if self.take(key, cost).is_err() {
            let mut callers = self.of(key).lock();
            if let Some(bucket) = callers.get_mut(key) {
                bucket.left = 0;
            }
        }
    }

    fn of(&self, key: &RateKey) -> &Mutex<LruCache<RateKey, Bucket>> {
        match key {
            RateKey::Address(_)
            | RateKey::InvalidToken(_)
            | RateKey::Probe(_)
            | RateKey::Handshake(_) => &self.addresses,
            RateKey::User(_) | RateKey::Staff(_) | RateKey::Issuer(_) => &self.authenticated,
        }
    }

    fn take(&self, key: &RateKey, wanted: impl Fn(u64) -> u64) -> Result<Budget, RateExceeded> {
        let rate = self.rate(key);
        let capacity = u64::from(rate) * u64::from(BUCKET_SECONDS) * POINT;
        let wanted = wanted(capacity);
        let now = Instant::now();
        let mut callers = self.of(key).lock();
        let full = || Bucket {
            left: capacity,
            at: now,
        };
        let bucket = match callers.get_mut(key) {
            Some(bucket) => bucket,
            None => callers.get_or_insert_mut(key.clone(), full),
        };
        bucket.restore(now, rate, capacity);
        let lacking = wanted.saturating_sub(bucket.left);
        if lacking > 0 {
            metrics::counter!("rate_limited_total", "caller" => key.label()).increment(1);
            if self.mode == Mode::Enforce {
                // The next request costs its minimum, too.
                let lacking = lacking.saturating_add(REQUEST_COST);
                let seconds = lacking.div_ceil(u64::from(rate.max(1)) * POINT);
                return Err(RateExceeded {
                    retry_after_seconds: u32::try_from(seconds)
                        .map_or(BUCKET_SECONDS, |seconds| seconds.min(BUCKET_SECONDS)),
                });
            }
            tracing::warn!(
                caller = key.label(),
                "Rate exceeded: not refused, because limits are only logged"
            );
        }
        bucket.left = bucket.left.saturating_sub(wanted);
        Ok(Budget {
            maximum: capacity / POINT,
            left: bucket.left / POINT,
            restored: rate,
        })
    }

    fn rate(&self, key: &RateKey) -> u32 {
        match key {
            RateKey::Address(_)
            | RateKey::InvalidToken(_)
            | RateKey::Probe(_)
            | RateKey::Handshake(_) => self.rates.anonymous,
            RateKey::User(_) => self.rates.user,
            RateKey::Staff(_) => self.rates.staff,
            RateKey::Issuer(issuer) => {
                let mut issuers = self.rates.issuers.iter();
                issuers
                    .find(|(known, _)| known == issuer)
                    .map_or(self.rates.service, |(_, rate)| *rate)
            }
        }
    }
}

impl RateKey {
    fn label(&self) -> &'static str {
        match self {
            Self::Address(_) => "anonymous",
            Self::User(_) => "user",
            Self::Staff(_) => "staff",
            Self::Issuer(_) => "service",
            Self::InvalidToken(_) => "bad token",
            Self::Probe(_) => "probe",
            Self::Handshake(_) => "handshake",
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

    fn address(text: &str) -> RateKey {
        RateKey::of(&Principal::Anonymous, text.parse().expect("an address"))
    }

    #[tokio::test(start_paused = true)]
    async fn empties_and_restores_buckets() {
        let buckets = buckets(Mode::Enforce);
        let caller = address("192.0.2.1");
        let left = |points| {
            buckets.charge_request(&caller)?;
            buckets
                .charge_operation(&caller, points)
                .map(|budget| budget.left)
        };
        let first = buckets.charge_operation(&caller, 1).expect("a full bucket");
        assert_eq!((first.maximum, first.left, first.restored), (100, 100, 10));
        assert_eq!(left(40), Ok(60));
        assert_eq!(left(60), Ok(0));
        assert!(buckets.charge_request(&caller).is_err(), "it is empty");
        for (points, seconds) in [(2, 1), (10, 1), (11, 2), (100, 10), (1_000_000, 10)] {
            let refused = buckets
                .charge_operation(&caller, points)
                .expect_err("it is empty");
            assert_eq!(refused.retry_after_seconds, seconds, "{points}");
        }
        assert!(buckets.charge_operation(&address("192.0.2.2"), 100).is_ok());
        tokio::time::advance(Duration::from_millis(150)).await;
        assert_eq!(left(1), Ok(0));
        assert!(
            buckets.charge_request(&caller).is_err(),
            "half a point is left"
        );
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(left(1), Ok(0), "and was not lost");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(left(1_000_000), Ok(0), "a full bucket pays for anything");
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(left(1), Ok(99));
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_nothing_in_log_mode() {
        let buckets = buckets(Mode::Log);
        for _ in 0..3 {
            assert!(buckets.charge_operation(&address("192.0.2.1"), 100).is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_networks_together_and_issuers_apart() {
        let buckets = buckets(Mode::Enforce);
        let empty = |caller: &RateKey| {
            buckets.charge_request(caller).is_ok() && buckets.charge_operation(caller, 100).is_ok()
        };
        assert!(empty(&address("2001:db8::1")));
        assert!(!empty(&address("2001:db8::2")));
        assert!(empty(&address("2001:db8:0:1::1")));
        assert!(empty(&address("::ffff:192.0.2.9")));
        assert!(!empty(&address("192.0.2.9")));
        let maximum = |issuer: &str| {
            let issuer = RateKey::Issuer(issuer.to_owned());
            buckets
                .charge_operation(&issuer, 1)
                .map(|budget| budget.maximum)
        };
        assert_eq!((maximum("shop"), maximum("other")), (Ok(30), Ok(1_000_000)));
    }
}
