//! How many sockets and streams each caller has open: a place each, which nobody can forget to give back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use domain::access::Principal;
use resolvers::errors::Code;
use resolvers::limits::Excess;
use uuid::Uuid;

use crate::http::rate::network;
use crate::http::refusal::Refusal;

/// How many places a caller may hold on this instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPlaces {
    /// `GOODGO_SOCKETS_PER_ADDRESS`: an address (IPv6: a /64 network) on which nobody is signed in, 200.
    pub per_address: u32,
    /// `GOODGO_SOCKETS_PER_USER`: a user, 50.
    pub per_user: u32,
    /// `GOODGO_SOCKETS_PER_SERVICE`: a service, 10000.
    pub per_service: u32,
}

impl Default for MaxPlaces {
    fn default() -> Self {
        Self {
            per_address: 200,
            per_user: 50,
            per_service: 10_000,
        }
    }
}

/// Whose places are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// An address nobody has signed in on.
    Address(IpAddr),
    /// A user, or a member of the staff.
    Person(Uuid),
    /// A service: its issuer and its subject.
    Service(String, String),
}

impl Holder {
    /// Whoever this is, there.
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

    fn limit(&self) -> &'static str {
        match self {
            Self::Address(_) => "socketsPerAddress",
            Self::Person(_) => "socketsPerUser",
            Self::Service(..) => "socketsPerService",
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Person(_) => "user",
            Self::Service(..) => "service",
        }
    }
}

/// A caller has all the places it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    limit: &'static str,
    name: &'static str,
    maximum: u32,
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        let Full {
            limit,
            name,
            maximum,
        } = full;
        let message = format!(
            "this {name} has {maximum} sockets and streams open, and may not have more: close some, or send several operations over one socket"
        );
        Self {
            excess: Some(Excess {
                limit,
                maximum: maximum.into(),
                value: u64::from(maximum) + 1,
            }),
            ..Self::http(StatusCode::TOO_MANY_REQUESTS, Code::LimitExceeded, message)
        }
    }
}

type Taken = HashMap<Holder, u32>;

/// Everybody's places on this instance. Clones share them.
#[derive(Clone, Debug)]
pub struct Places {
    most: MaxPlaces,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// None is taken.
    #[must_use]
    pub fn new(most: MaxPlaces) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Takes a place, until what it answers is dropped.
    pub fn take(&self, holder: Holder) -> Result<Place, Full> {
        self.add(&mut self.taken(), &holder)?;
        Ok(Place {
            places: self.clone(),
            holder,
        })
    }

    /// How many are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        let taken = self.taken();
        let places = taken.values().map(|count| usize::try_from(*count));
        places.map(Result::unwrap_or_default).sum()
    }

    fn add(&self, taken: &mut Taken, holder: &Holder) -> Result<(), Full> {
        let maximum = match holder {
            Holder::Address(_) => self.most.per_address,
            Holder::Person(_) => self.most.per_user,
            Holder::Service(..) => self.most.per_service,
        };
        let count = taken.get(holder).copied().unwrap_or_default();
        if count >= maximum {
            let name = holder.name();
            metrics::counter!("live_refused_total", "caller" => name).increment(1);
            return Err(Full {
                limit: holder.limit(),
                name,
                maximum,
            });
        }
        taken.insert(holder.clone(), count + 1);
        Ok(())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a place back; who holds none is forgotten.
fn give_back(taken: &mut Taken, holder: &Holder) {
    if let Some(count) = taken.get_mut(holder) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            taken.remove(holder);
        }
    }
}

/// A place that is taken. Dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    places: Places,
    holder: Holder,
}

impl Place {
    /// Moves it to another holder, in one step: nobody sees both or none. Where that one has enough, it stays.
    pub fn move_to(&mut self, holder: Holder) -> Result<(), Full> {
        if self.holder == holder {
            return Ok(());
        }
        let mut taken = self.places.taken();
        self.places.add(&mut taken, &holder)?;
        give_back(&mut taken, &self.holder);
        drop(taken);
        self.holder = holder;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        give_back(&mut self.places.taken(), &self.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Holder = Holder::Person(Uuid::from_u128(1));

    fn address(text: &str) -> Holder {
        Holder::of(&Principal::Anonymous, text.parse().expect("an address"))
    }

    fn places() -> Places {
        Places::new(MaxPlaces {
            per_address: 2,
            per_user: 1,
            per_service: 1,
        })
    }

    #[test]
    fn places_are_given_back_and_holders_forgotten() {
        let places = places();
        let here = || address("192.0.2.1");
        let (first, second) = (places.take(here()), places.take(here()));
        assert!(first.is_ok() && second.is_ok());
        assert!(places.take(here()).is_err());
        assert!(places.take(address("192.0.2.2")).is_ok(), "of another one");
        drop(first);
        assert!(places.take(here()).is_ok());
        drop(second);
        assert_eq!(places.count(), 0);
        assert!(places.taken().is_empty());
    }

    #[test]
    fn who_signs_in_leaves_its_address() {
        let places = places();
        let mut first = places.take(address("2001:db8::1")).expect("a place");
        let mut second = places.take(address("2001:db8::2")).expect("a place");
        assert!(places.take(address("2001:db8::3")).is_err(), "one network");
        assert_eq!(first.move_to(ALICE), Ok(()));
        assert_eq!(first.move_to(ALICE), Ok(()), "again is nothing new");
        assert!(places.take(address("2001:db8::3")).is_ok());
        // One too many of a user keeps the place of its address.
        let full = second.move_to(ALICE).expect_err("one is enough");
        assert_eq!((full.limit, full.maximum), ("socketsPerUser", 1));
        assert_eq!(places.count(), 2);
        drop(first);
        assert_eq!(second.move_to(ALICE), Ok(()));
        drop(second);
        assert!(places.taken().is_empty());
    }

    #[test]
    fn nothing_is_lost_among_threads() {
        let places = Places::new(MaxPlaces::default());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        if let Ok(mut place) = places.take(address("192.0.2.1")) {
                            place.move_to(ALICE).ok();
                        }
                    }
                });
            }
        });
        assert!(places.taken().is_empty());
    }
}
