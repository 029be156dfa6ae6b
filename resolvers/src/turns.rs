//! Turns: few commands on one object run at once, the others wait for their turn without a connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::command::Admitted;
use crate::errors::{ApiError, Code, Result};

/// Commands on one object that run at once.
const AT_ONCE: usize = 8;

/// Commands that wait, on all objects.
const WAITING: usize = 10_000;

/// The queues of this instance.
#[derive(Default)]
pub struct Turns {
    queues: Mutex<HashMap<Uuid, Arc<Semaphore>>>,
    waiting: AtomicUsize,
}

/// A command's turn.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Admitted for Turn {}

/// A command that waits.
struct Waiting<'t>(&'t AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turns {
    /// Waits for a turn on an object, in the order of the calls; UNAVAILABLE with reason OVERLOADED when too many wait.
    pub(crate) async fn wait(&self, object: Uuid) -> Result<Turn> {
        let queue = self.queue(object);
        if let Ok(permit) = Arc::clone(&queue).try_acquire_owned() {
            return Ok(Turn { _permit: permit });
        }
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            return Err(overloaded());
        }
        let permit = queue.acquire_owned().await;
        drop(waiting);
        // The queue is never closed.
        let permit = permit.map_err(|_| overloaded())?;
        Ok(Turn { _permit: permit })
    }

    fn queue(&self, object: Uuid) -> Arc<Semaphore> {
        let mut queues = self.queues.lock();
        if queues.len() > 1_000 {
            // Those that somebody has or waits for are shared.
            queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        let queue = queues
            .entry(object)
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        Arc::clone(queue)
    }
}

fn overloaded() -> ApiError {
    let problem = "too many commands wait for their turn: nothing was executed, retry";
    let error = ApiError::new(Code::Unavailable, problem);
    error.because("OVERLOADED").retry_after(1)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn lets_few_run_at_once() {
        let turns = Turns::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut running = Vec::new();
        for _ in 0..AT_ONCE {
            running.push(turns.wait(one).now_or_never().expect("a turn"));
        }
        let mut next = Box::pin(turns.wait(one));
        assert!(next.as_mut().now_or_never().is_none());
        assert!(turns.wait(other).now_or_never().is_some());
        running.pop();
        assert!(next.now_or_never().is_some());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }
}
