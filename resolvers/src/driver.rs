//! Runs an operation's loaders in the operation's own task, so that a level of a query is exactly one batch.
//!
//! On tasks of their own, a loader's answers would reach the operation one by one, while it already goes on with the
//! first: how many statements a level takes would be chance. Here a loader runs only when every resolver waits, and the
//! resolvers go on only when a loader has answered all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::runtime::Timer;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use futures_util::task::{FutureObj, Spawn, SpawnError};
use std::task::Poll;

/// What loaders want to have run: waits for the operation to be polled.
#[derive(Clone, Default)]
pub(crate) struct Loads {
    waiting: Arc<Mutex<Vec<FutureObj<'static, ()>>>>,
}

impl Loads {
    fn waiting(&self) -> MutexGuard<'_, Vec<FutureObj<'static, ()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls an operation and, whenever it waits, what it waits for.
    pub fn drive<S: Stream>(self, operation: S) -> impl Stream<Item = S::Item> {
        let mut operation = Box::pin(operation);
        let mut running = FuturesUnordered::new();
        futures_util::stream::poll_fn(move |context| {
            loop {
                if let Poll::Ready(item) = operation.as_mut().poll_next(context) {
                    return Poll::Ready(item);
                }
                running.extend(self.waiting().drain(..));
                match running.poll_next_unpin(context) {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
    }
}

impl Spawn for Loads {
    fn spawn_obj(&self, load: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.waiting().push(load);
        Ok(())
    }
}

/// No wait at all: when a load is first polled, every resolver of its level has asked.
pub(crate) struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
