//! Runs an operation's loaders in the operation's own task, so that a level of a query is exactly one batch.
//!
//! On tasks of their own, a loader's answers would reach the operation one by one, while it already goes on with the
//! first: how many statements a level takes would be chance. Here a loader runs only when every resolver waits, and the
//! resolvers go on only when a loader has answered all of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::dataloader::Loader;
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

/// A loader whose batches are counted, and noted when the operation is traced.
pub(crate) struct Observed<L>(pub L);

impl<K, L> Loader<K> for Observed<L>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    L: Loader<K>,
{
    type Value = L::Value;
    type Error = L::Error;

    async fn load(&self, keys: &[K]) -> Result<HashMap<K, Self::Value>, Self::Error> {
        let loader = name_of(std::any::type_name::<K>());
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        metrics::histogram!("graphql_loader_batch_size", "loader" => loader.clone()).record(count);
        db::record::loading(loader, keys.len(), self.0.load(keys)).await
    }
}

/// What a loader is called: by its keys, without the modules these are in.
fn name_of(key: &'static str) -> Cow<'static, str> {
    if !key.contains(['(', '<']) {
        return key.rsplit("::").next().unwrap_or(key).into();
    }
    let mut name = String::new();
    let mut rest = key;
    while let Some(at) = rest.find("::") {
        let path = rest[..at].rfind(|c: char| !(c.is_alphanumeric() || c == '_'));
        name.push_str(&rest[..path.map_or(0, |before| before + 1)]);
        rest = &rest[at + 2..];
    }
    name.push_str(rest);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_are_called_by_their_keys() {
        for (key, name) in [
            ("domain::ids::MinerId", "MinerId"),
            ("Plain", "Plain"),
            ("(a::b::Owner, c::d::Code)", "(Owner, Code)"),
            ("a::Page<b::c::Key>", "Page<Key>"),
        ] {
            assert_eq!(name_of(key), name);
        }
    }
}
