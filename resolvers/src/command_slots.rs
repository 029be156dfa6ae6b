//! Bounded concurrency of commands: what does not fit is refused at once, and nothing waits for later.

use std::collections::HashMap;
use std::sync::Arc;

use domain::access::Principal;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::errors::{ApiError, Code, Result};

/// Slots of commands that run at once. An issuer of service tokens has at most half of them.
pub struct CommandSlots {
    all: Arc<Semaphore>,
    of_issuer: usize,
    issuers: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A command's place among those that run.
pub(crate) struct Slot {
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl CommandSlots {
    /// This many slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(slots)),
            of_issuer: slots.div_ceil(2),
            issuers: Mutex::default(),
        }
    }

    /// Takes a slot; UNAVAILABLE with reason OVERLOADED when all are taken.
    pub(crate) fn take(&self, principal: &Principal) -> Result<Slot> {
        let taken = self.of_issuer(principal).and_then(|of_issuer| {
            let permit = Arc::clone(&self.all).try_acquire_owned()?;
            Ok((permit, of_issuer))
        });
        let Ok(permits) = taken else {
            metrics::counter!("goodgo_commands_overloaded_total").increment(1);
            let problem = "too many commands run at once: nothing was executed, retry";
            let error = ApiError::new(Code::Unavailable, problem);
            return Err(error.because("OVERLOADED").retry_after(1));
        };
        metrics::gauge!("goodgo_commands_running").increment(1);
        Ok(Slot { _permits: permits })
    }

    /// The permit of the issuer, which people don't need; an error when its share is taken.
    fn of_issuer(
        &self,
        principal: &Principal,
    ) -> std::result::Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
        let Principal::Service(service) = principal else {
            return Ok(None);
        };
        // Issuers are configured, so there are few.
        let mut issuers = self.issuers.lock();
        let slots = issuers
            .entry(service.issuer.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(self.of_issuer)));
        Arc::clone(slots).try_acquire_owned().map(Some)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        metrics::gauge!("goodgo_commands_running").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use domain::access::Service;

    use super::*;

    fn service(issuer: &str) -> Principal {
        Principal::Service(Service {
            issuer: issuer.to_owned(),
            subject: "game".to_owned(),
            scopes: Vec::new(),
        })
    }

    #[test]
    fn refuses_more_than_all_and_half_of_an_issuer() {
        let slots = CommandSlots::new(4);
        let (game, shop) = (service("game"), service("shop"));
        let kept = [slots.take(&game), slots.take(&game)];
        assert!(kept.iter().all(Result::is_ok));
        assert!(slots.take(&game).is_err());
        let others = [slots.take(&shop), slots.take(&Principal::Anonymous)];
        assert!(others.iter().all(Result::is_ok));
        assert!(slots.take(&Principal::Anonymous).is_err());
        drop(kept);
        assert!(slots.take(&game).is_ok());
    }
}
