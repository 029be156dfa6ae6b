//! Counts the open sockets and streams of each caller. A slot is released when it is dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use domain::access::Principal;
use parking_lot::Mutex;
use resolvers::errors::Code;
use resolvers::limits::Excess;
use uuid::Uuid;

use crate::http::rate::network;
use crate::http::refusal::Refusal;

/// Maximum of sockets and streams of a caller on this instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaLimits {
    /// `GOODGO_SOCKETS_PER_ADDRESS`: unauthenticated, per address (IPv6: per /64 network), 200.
    pub per_address: u32,
    /// `GOODGO_SOCKETS_PER_USER`: per user, 50.
    pub per_user: u32,
    /// `GOODGO_SOCKETS_PER_SERVICE`: per service, 10000.
    pub per_service: u32,
}

impl Default for QuotaLimits {
    fn default() -> Self {
        Self {
            per_address: 200,
            per_user: 50,
            per_service: 10_000,
        }
    }
}

/// The caller whose sockets and streams are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QuotaHolder {
    /// An address, before authentication.
    Address(IpAddr),
    /// A user or a staff member.
    Person(Uuid),
    /// A service by issuer and subject.
    Service(String, String),
}

impl QuotaHolder {
    /// The holder for a principal at an address.
    #[must_use]
    pub fn of(principal: &Principal, address: IpAddr) -> Self {
        match principal {
            Principal::Anonymous => Self::Address(network(address)),
            Principal::Person(person) => Self::Person(person.id.0),
            Principal::Service(service) => {
                Self::Service(service.issuer.clone(), service.subject.clone())
            }
        }
    }

    /// The quota that counts for them.
    fn quota(&self, limits: QuotaLimits) -> QuotaExceeded {
        let (limit, name, maximum) = match self {
            Self::Address(_) => ("socketsPerAddress", "address", limits.per_address),
            Self::Person(_) => ("socketsPerUser", "user", limits.per_user),
            Self::Service(..) => ("socketsPerService", "service", limits.per_service),
        };
        QuotaExceeded {
            limit,
            name,
            maximum,
        }
    }
}

/// The caller has used up its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaExceeded {
    limit: &'static str,
    name: &'static str,
    maximum: u32,
}

impl From<QuotaExceeded> for Refusal {
    fn from(exceeded: QuotaExceeded) -> Self {
        let (name, maximum) = (exceeded.name, exceeded.maximum);
        let message = format!(
            "this {name} has {maximum} sockets and streams open, which is the maximum: close some, or run several operations on one socket"
        );
        Self {
            code: Code::LimitExceeded,
            excess: Some(Excess {
                limit: exceeded.limit,
                maximum: maximum.into(),
                value: u64::from(maximum) + 1,
            }),
            ..Self::http(StatusCode::TOO_MANY_REQUESTS, message)
        }
    }
}

type Counts = HashMap<QuotaHolder, u32>;

/// The open sockets and streams on this instance by caller. Clones share the counts.
#[derive(Clone, Debug)]
pub struct ConnectionQuota {
    limits: QuotaLimits,
    counts: Arc<Mutex<Counts>>,
}

impl ConnectionQuota {
    /// Starts without open connections.
    #[must_use]
    pub fn new(limits: QuotaLimits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
        }
    }

    /// Takes a slot for a socket or a stream.
    pub fn acquire(&self, holder: QuotaHolder) -> Result<QuotaSlot, QuotaExceeded> {
        self.add(&mut self.counts.lock(), &holder)?;
        Ok(QuotaSlot {
            quota: self.clone(),
            holder,
        })
    }

    /// The number of slots taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        let counts = self.counts.lock();
        counts.values().map(|count| u64::from(*count)).sum()
    }

    fn add(&self, counts: &mut Counts, holder: &QuotaHolder) -> Result<(), QuotaExceeded> {
        let quota = holder.quota(self.limits);
        let count = counts.get(holder).copied().unwrap_or_default();
        if count >= quota.maximum {
            metrics::counter!("live_refused_total", "caller" => quota.name).increment(1);
            return Err(quota);
        }
        counts.insert(holder.clone(), count + 1);
        Ok(())
    }
}

/// Releases a slot, and removes the entry of a caller without slots.
fn release(counts: &mut Counts, holder: &QuotaHolder) {
    if let Some(count) = counts.get_mut(holder) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(holder);
        }
    }
}

/// A slot for a socket or a stream. Dropping it releases the slot.
#[derive(Debug)]
pub struct QuotaSlot {
    quota: ConnectionQuota,
    holder: QuotaHolder,
}

impl QuotaSlot {
    /// Moves the slot to another holder atomically. If that holder's quota is used up, the slot stays.
    pub fn move_to(&mut self, holder: QuotaHolder) -> Result<(), QuotaExceeded> {
        if self.holder == holder {
            return Ok(());
        }
        let mut counts = self.quota.counts.lock();
        self.quota.add(&mut counts, &holder)?;
        release(&mut counts, &self.holder);
        drop(counts);
        self.holder = holder;
        Ok(())
    }
}

impl Drop for QuotaSlot {
    fn drop(&mut self) {
        release(&mut self.quota.counts.lock(), &self.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: QuotaHolder = QuotaHolder::Person(Uuid::from_u128(1));

    fn address(text: &str) -> QuotaHolder {
        QuotaHolder::of(&Principal::Anonymous, text.parse().expect("an address"))
    }

    fn quota() -> ConnectionQuota {
        ConnectionQuota::new(QuotaLimits {
            per_address: 2,
            per_user: 1,
            per_service: 1,
        })
    }

    #[test]
    fn releases_slots_and_removes_holders() {
        let quota = quota();
        let here = || address("192.0.2.1");
        let (first, second) = (quota.acquire(here()), quota.acquire(here()));
        assert!(first.is_ok() && second.is_ok());
        assert!(quota.acquire(here()).is_err());
        assert!(
            quota.acquire(address("192.0.2.2")).is_ok(),
            "another address"
        );
        drop(first);
        assert!(quota.acquire(here()).is_ok());
        drop(second);
        assert_eq!(quota.count(), 0);
        assert!(quota.counts.lock().is_empty());
    }

    #[test]
    fn moves_slots_to_the_user() {
        let quota = quota();
        let mut first = quota.acquire(address("2001:db8::1")).expect("a slot");
        let mut second = quota.acquire(address("2001:db8::2")).expect("a slot");
        assert!(
            quota.acquire(address("2001:db8::3")).is_err(),
            "one network"
        );
        assert_eq!(first.move_to(ALICE), Ok(()));
        assert_eq!(first.move_to(ALICE), Ok(()), "no change");
        assert!(quota.acquire(address("2001:db8::3")).is_ok());
        // Beyond the user's quota the slot stays with the address.
        let exceeded = second.move_to(ALICE).expect_err("the quota is used up");
        assert_eq!((exceeded.limit, exceeded.maximum), ("socketsPerUser", 1));
        assert_eq!(quota.count(), 2);
        drop(first);
        assert_eq!(second.move_to(ALICE), Ok(()));
        drop(second);
        assert!(quota.counts.lock().is_empty());
    }

    #[test]
    fn counts_correctly_across_threads() {
        let quota = ConnectionQuota::new(QuotaLimits::default());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        if let Ok(mut slot) = quota.acquire(address("192.0.2.1")) {
                            slot.move_to(ALICE).ok();
                        }
                    }
                });
            }
        });
        assert!(quota.counts.lock().is_empty());
    }
}
