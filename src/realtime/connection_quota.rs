//! Counts the open sockets and streams of each caller. A slot is released when it is dropped.
//!
//! A socket is unauthenticated until its `connection_init`. Such sockets have a bound of their own per address. Beyond it the
//! oldest one is closed instead of the newest one refused, so that silent sockets keep nobody of their address out.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use domain::access::Principal;
use parking_lot::Mutex;
use resolvers::errors::Code;
use resolvers::limits::Excess;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::http::rate::network;
use crate::http::refusal::Refusal;

/// Maximum of sockets and streams of a caller on this instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaLimits {
    /// `GOODGO_SOCKETS_PER_ADDRESS`: anonymous, per address (IPv6: per /64 network), 200.
    pub per_address: u32,
    /// `GOODGO_SOCKETS_WAITING_PER_ADDRESS`: without `connection_init`, per address, 200.
    pub waiting_per_address: u32,
    /// `GOODGO_SOCKETS_PER_USER`: per user, 50.
    pub per_user: u32,
    /// `GOODGO_SOCKETS_PER_SERVICE`: per service, 10000.
    pub per_service: u32,
}

impl Default for QuotaLimits {
    fn default() -> Self {
        Self {
            per_address: 200,
            waiting_per_address: 200,
            per_user: 50,
            per_service: 10_000,
        }
    }
}

/// The caller whose sockets and streams are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QuotaHolder {
    /// An address, for its anonymous callers.
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

/// The open sockets and streams on this instance by caller. Clones share the counts.
#[derive(Clone, Debug)]
pub struct ConnectionQuota {
    limits: QuotaLimits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    counts: HashMap<QuotaHolder, u32>,
    /// Sockets without `connection_init` by address, the oldest first.
    waiting: HashMap<IpAddr, VecDeque<Waiting>>,
    last_number: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    displaced: Arc<Notify>,
}

impl ConnectionQuota {
    /// Starts without open connections.
    #[must_use]
    pub fn new(limits: QuotaLimits) -> Self {
        Self {
            limits,
            open: Arc::default(),
        }
    }

    /// Takes a slot for a socket or a stream.
    pub fn acquire(&self, holder: QuotaHolder) -> Result<QuotaSlot, QuotaExceeded> {
        self.open.lock().add(&holder, self.limits)?;
        Ok(QuotaSlot {
            quota: self.clone(),
            place: Place::Of(holder),
        })
    }

    /// Takes a slot for a socket that is not authenticated yet. Beyond the bound it displaces the oldest one of its address.
    #[must_use]
    pub fn wait(&self, address: IpAddr) -> QuotaSlot {
        let address = network(address);
        let displaced = Arc::new(Notify::new());
        let mut open = self.open.lock();
        open.last_number += 1;
        let number = open.last_number;
        let waiting = open.waiting.entry(address).or_default();
        waiting.push_back(Waiting {
            number,
            displaced: Arc::clone(&displaced),
        });
        let most = usize::try_from(self.limits.waiting_per_address).unwrap_or(usize::MAX);
        if waiting.len() > most
            && let Some(oldest) = waiting.pop_front()
        {
            metrics::counter!("live_refused_total", "caller" => "waiting").increment(1);
            oldest.displaced.notify_one();
        }
        drop(open);
        QuotaSlot {
            quota: self.clone(),
            place: Place::Waiting {
                address,
                number,
                displaced,
            },
        }
    }

    /// The number of slots taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        let open = self.open.lock();
        let waiting = open.waiting.values().map(|waiting| waiting.len() as u64);
        let counted = open.counts.values().map(|count| u64::from(*count));
        counted.chain(waiting).sum()
    }
}

impl Open {
    fn add(&mut self, holder: &QuotaHolder, limits: QuotaLimits) -> Result<(), QuotaExceeded> {
        let quota = holder.quota(limits);
        let count = self.counts.get(holder).copied().unwrap_or_default();
        if count >= quota.maximum {
            metrics::counter!("live_refused_total", "caller" => quota.name).increment(1);
            return Err(quota);
        }
        self.counts.insert(holder.clone(), count + 1);
        Ok(())
    }

    /// Releases a slot, and removes the entry of a caller without slots.
    fn release(&mut self, place: &Place) {
        match place {
            Place::Of(holder) => {
                if let Some(count) = self.counts.get_mut(holder) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        self.counts.remove(holder);
                    }
                }
            }
            Place::Waiting {
                address, number, ..
            } => {
                if let Some(waiting) = self.waiting.get_mut(address) {
                    waiting.retain(|waiting| waiting.number != *number);
                    if waiting.is_empty() {
                        self.waiting.remove(address);
                    }
                }
            }
        }
    }
}

/// A slot for a socket or a stream. Dropping it releases the slot.
#[derive(Debug)]
pub struct QuotaSlot {
    quota: ConnectionQuota,
    place: Place,
}

/// Where a slot is counted.
#[derive(Debug)]
enum Place {
    Of(QuotaHolder),
    Waiting {
        address: IpAddr,
        number: u64,
        displaced: Arc<Notify>,
    },
}

impl QuotaSlot {
    /// Moves the slot to another holder atomically. If that holder's quota is used up, the slot stays.
    pub fn move_to(&mut self, holder: QuotaHolder) -> Result<(), QuotaExceeded> {
        if matches!(&self.place, Place::Of(present) if *present == holder) {
            return Ok(());
        }
        let mut open = self.quota.open.lock();
        open.add(&holder, self.quota.limits)?;
        open.release(&self.place);
        drop(open);
        self.place = Place::Of(holder);
        Ok(())
    }

    /// Waits until a newer socket displaces this one, which is not authenticated. Others wait forever.
    pub async fn displaced(&self) {
        match &self.place {
            Place::Of(_) => std::future::pending().await,
            Place::Waiting { displaced, .. } => displaced.notified().await,
        }
    }
}

impl Drop for QuotaSlot {
    fn drop(&mut self) {
        self.quota.open.lock().release(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const ALICE: QuotaHolder = QuotaHolder::Person(Uuid::from_u128(1));

    fn address(text: &str) -> QuotaHolder {
        QuotaHolder::of(&Principal::Anonymous, text.parse().expect("an address"))
    }

    fn quota() -> ConnectionQuota {
        ConnectionQuota::new(QuotaLimits {
            per_address: 2,
            waiting_per_address: 2,
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
        assert!(quota.open.lock().counts.is_empty());
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
        assert!(quota.open.lock().counts.is_empty());
    }

    #[tokio::test]
    async fn displaces_the_oldest_waiting_socket() {
        let quota = quota();
        let here = "192.0.2.1".parse().expect("an address");
        let full = (
            quota.acquire(address("192.0.2.1")),
            quota.acquire(address("192.0.2.1")),
        );
        let mut waiting: VecDeque<_> = (0..2).map(|_| quota.wait(here)).collect();
        let elsewhere = quota.wait("192.0.2.2".parse().expect("an address"));
        waiting.push_back(quota.wait(here));
        waiting[0].displaced().await;
        assert!(waiting[1].displaced().now_or_never().is_none());
        assert!(elsewhere.displaced().now_or_never().is_none());
        assert_eq!(
            waiting[2].move_to(ALICE),
            Ok(()),
            "anonymous sockets don't count for her"
        );
        assert!(waiting[1].move_to(address("192.0.2.1")).is_err());
        drop((waiting, elsewhere, full));
        assert_eq!(quota.count(), 0);
        assert!(quota.open.lock().waiting.is_empty());
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
        assert!(quota.open.lock().counts.is_empty());
    }
}
