//! Loaders: fields that wait at the same time are one batch per loader, whatever the number of objects.
//!
//! The operation's own task polls its loaders: a loader runs only when every resolver waits. With a task per loader the
//! number of statements would depend on timing. Batches that end at different times start their next levels separately.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::dataloader::Loader;
use async_graphql::runtime::Timer;
use db::Db;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use futures_util::task::{FutureObj, Spawn, SpawnError};
use parking_lot::Mutex;
use tokio::task::unconstrained;

/// Batches that wait for the operation to poll them.
#[derive(Clone, Default)]
pub(crate) struct Loads {
    waiting: Arc<Mutex<Vec<FutureObj<'static, ()>>>>,
}

impl Loads {
    /// Polls an operation and, whenever it waits, its batches.
    pub fn drive<S: Stream>(self, operation: S) -> impl Stream<Item = S::Item> {
        let mut operation = Box::pin(operation);
        let mut running = FuturesUnordered::new();
        futures_util::stream::poll_fn(move |context| {
            loop {
                // A resolver that tokio made yield would miss the batch of its level.
                let mut next = pin!(unconstrained(operation.next()));
                if let Poll::Ready(item) = next.as_mut().poll(context) {
                    return Poll::Ready(item);
                }
                running.extend(self.waiting.lock().drain(..));
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
        self.waiting.lock().push(load);
        Ok(())
    }
}

/// No delay: when a batch is first polled, every resolver of its level has added its keys.
pub(crate) struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The loader of a context: it loads the context's edges for all parents of a level at once.
pub(crate) trait ContextLoader: Send + Sync + 'static {
    /// The loader on a database.
    fn new(db: Db) -> Self;
}

/// Declares the loader of a context. `Loader.at_primary` never reads from a replica.
macro_rules! loader {
    ($(#[$doc:meta])* $loader:ident $(.$place:ident)?) => {
        $(#[$doc])*
        pub(crate) struct $loader {
            db: db::Db,
        }

        impl $crate::loading::ContextLoader for $loader {
            fn new(database: db::Db) -> Self {
                Self { db: database$(.$place())? }
            }
        }
    };
}
pub(crate) use loader;

/// Declares a loader's batch for one value per key; a query that needs the database takes it as third argument: `by_key!(Loader, Key => Value, |conn, keys| query, |value| key)`.
macro_rules! by_key {
    ($loader:ty, $key:ty => $value:ty, |$conn:ident, $keys:ident $(, $db:ident)?| $query:expr, |$row:pat_param| $pair:expr) => {
        impl async_graphql::dataloader::Loader<$key> for $loader {
            type Value = $value;
            type Error = std::sync::Arc<db::DbError>;

            async fn load(
                &self,
                keys: &[$key],
            ) -> Result<std::collections::HashMap<$key, $value>, Self::Error> {
                let $keys = keys.to_vec();
                $(let $db = self.db.clone();)?
                let rows = self.db.read_replicated(async move |$conn| $query.await).await?;
                Ok(rows.into_iter().map(|$row| $pair).collect())
            }
        }
    };
}
pub(crate) use by_key;

/// Groups rows by a key.
pub(crate) fn grouped<K: Eq + Hash, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups = HashMap::<_, Vec<_>>::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

/// Declares a loader's batch for pages of lists: one statement for each distinct page, whatever the number of parents.
/// A key is a tuple struct of the parent and the page's arguments.
macro_rules! pages {
    ($loader:ty, $key:ident($parent:ty, $args:ty) => $value:ty, |$conn:ident, $parents:ident, $page:ident $(, $db:ident)?| $query:expr) => {
        impl async_graphql::dataloader::Loader<$key> for $loader {
            type Value = $value;
            type Error = std::sync::Arc<db::DbError>;

            async fn load(
                &self,
                keys: &[$key],
            ) -> Result<std::collections::HashMap<$key, $value>, Self::Error> {
                let mut of_page = std::collections::HashMap::<&$args, Vec<$parent>>::new();
                for $key(parent, args) in keys {
                    of_page.entry(args).or_default().push(*parent);
                }
                let mut loaded = std::collections::HashMap::new();
                for (args, $parents) in of_page {
                    let $page = args.clone();
                    $(let $db = self.db.clone();)?
                    let values = self.db.read_replicated(async move |$conn| $query.await).await?;
                    let values = values.into_iter();
                    loaded
                        .extend(values.map(|(parent, value)| ($key(parent, args.clone()), value)));
                }
                Ok(loaded)
            }
        }
    };
}
pub(crate) use pages;

/// A loader whose batches are counted, and recorded when the operation is traced.
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
        db::operation_trace::loading(loader, keys.len(), self.0.load(keys)).await
    }
}

/// The name of a loader in metrics: the type of its keys without modules.
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
    fn names_loaders_by_their_keys() {
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
