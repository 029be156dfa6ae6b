//! Trait that a context implements for each live subscription, and the loop that serves it.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use db::outbox::Event;
use db::{Db, DbError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::mailbox::Update;
use super::subscribers::Subscribers;

/// The subscribers of a topic.
pub type SubscribersOf<T> = Subscribers<<T as Topic>::Subject, <T as Topic>::Update>;

/// The updates of a topic with their subjects.
pub type UpdatesOf<T> = Vec<(<T as Topic>::Subject, <T as Topic>::Update)>;

/// A kind of live update: which events concern its subscribers, and how the new state is read once for all of them.
pub trait Topic: Debug + Default + Send + Sync + 'static {
    /// Key that a subscriber subscribes to.
    type Subject: Copy + Debug + Eq + Hash + Send + Sync;

    /// Message that subscribers receive.
    type Update: Update + Debug;

    /// Read that the events require.
    type Changes: Send;

    /// The least time between two reads. With one, events that arrive meanwhile lead to one read of [`Topic::missed`].
    const MIN_INTERVAL: Option<Duration> = None;

    /// Read that these events require for the subscribers. Returns `None` if nothing has to be read.
    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<Self::Changes>;

    /// Read of everything that the subscribers may have missed during this time, because the connection that listens was
    /// lost.
    fn missed(&self, during: Duration, of: &SubscribersOf<Self>) -> Option<Self::Changes>;

    /// Reads the changes, and returns the updates in the order in which they are published. Updates of subjects without
    /// subscribers are ignored.
    fn read(
        &self,
        db: Db,
        changes: Self::Changes,
    ) -> impl Future<Output = Result<UpdatesOf<Self>, DbError>> + Send;
}

/// A topic with its subscribers.
#[derive(Debug)]
pub(super) struct Channel<T: Topic> {
    topic: T,
    pub subscribers: SubscribersOf<T>,
    /// Notified when a topic with a least interval has something to read.
    changed: Notify,
}

/// A [`Channel`] of any topic.
pub(super) trait AnyChannel: Debug + Send + Sync {
    /// The topic's name in metrics.
    fn name(&self) -> &'static str;

    /// The number of subscribers.
    fn count(&self) -> usize;

    /// Whether there are subscribers.
    fn has_any(&self) -> bool;

    /// Publishes what these events changed.
    fn publish<'a>(&'a self, db: &'a Db, events: &'a [Event])
    -> BoxFuture<'a, Result<(), DbError>>;

    /// Publishes what was missed during this time.
    fn catch_up<'a>(&'a self, db: &'a Db, during: Duration) -> BoxFuture<'a, Result<(), DbError>>;

    /// Reads a topic with a least interval whenever it changed. Ends at once for other topics.
    fn run<'a>(&'a self, db: &'a Db) -> BoxFuture<'a, ()>;
}

impl<T: Topic> Channel<T> {
    async fn read_now_or_later(
        &self,
        db: &Db,
        changes: impl FnOnce() -> Option<T::Changes>,
    ) -> Result<(), DbError> {
        match self.subscribers.has_any().then(changes).flatten() {
            None => {}
            Some(_) if T::MIN_INTERVAL.is_some() => self.changed.notify_one(),
            Some(changes) => self.read(db, changes).await?,
        }
        Ok(())
    }

    async fn read(&self, db: &Db, changes: T::Changes) -> Result<(), DbError> {
        for (subject, update) in self.topic.read(db.clone(), changes).await? {
            self.subscribers.publish(&subject, update);
        }
        Ok(())
    }

    async fn run_at_intervals(&self, db: &Db, interval: Duration) {
        loop {
            self.changed.notified().await;
            let started_at = Instant::now();
            if let Some(changes) = self.topic.missed(Duration::ZERO, &self.subscribers)
                && let Err(error) = self.read(db, changes).await
            {
                let topic = T::Update::TOPIC;
                tracing::warn!(topic, %error, "The topic {topic} can't be read: {error}");
                self.changed.notify_one();
            }
            sleep_until(started_at + interval).await;
        }
    }
}

impl<T: Topic> Default for Channel<T> {
    fn default() -> Self {
        Self {
            topic: T::default(),
            subscribers: Subscribers::default(),
            changed: Notify::new(),
        }
    }
}

impl<T: Topic> AnyChannel for Channel<T> {
    fn name(&self) -> &'static str {
        T::Update::TOPIC
    }

    fn has_any(&self) -> bool {
        self.subscribers.has_any()
    }

    fn count(&self) -> usize {
        self.subscribers.count()
    }

    fn publish<'a>(
        &'a self,
        db: &'a Db,
        events: &'a [Event],
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let changes = || self.topic.changes(events, &self.subscribers);
        self.read_now_or_later(db, changes).boxed()
    }

    fn catch_up<'a>(&'a self, db: &'a Db, during: Duration) -> BoxFuture<'a, Result<(), DbError>> {
        let missed = move || self.topic.missed(during, &self.subscribers);
        self.read_now_or_later(db, missed).boxed()
    }

    fn run<'a>(&'a self, db: &'a Db) -> BoxFuture<'a, ()> {
        async move {
            if let Some(interval) = T::MIN_INTERVAL {
                self.run_at_intervals(db, interval).await;
            }
        }
        .boxed()
    }
}
