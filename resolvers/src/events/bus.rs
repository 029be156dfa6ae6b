//! The topics of a schema, and their subscribers on this instance.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::outbox::Event;
use db::{Db, DbError};

use super::subscribers::Subscribers;
use super::topic::{AnyChannel, Channel, Topic};

/// The registered topics with their subscribers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct EventBus {
    channels: Arc<[Arc<dyn AnyChannel>]>,
    by_topic: Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl EventBus {
    /// Registers a topic.
    #[must_use]
    pub fn with<T: Topic>(self) -> Self {
        let channel = Arc::new(Channel::<T>::default());
        let mut by_topic = HashMap::clone(&self.by_topic);
        by_topic.insert(TypeId::of::<T>(), Arc::clone(&channel) as Arc<_>);
        let channels = self.channels.iter().cloned();
        Self {
            channels: channels.chain([channel as Arc<_>]).collect(),
            by_topic: Arc::new(by_topic),
        }
    }

    /// The subscribers of a topic, which must be registered.
    #[must_use]
    pub fn subscribers<T: Topic>(&self) -> &Subscribers<T::Subject, T::Update> {
        let channel = self.by_topic.get(&TypeId::of::<T>());
        let channel = channel.and_then(|channel| channel.downcast_ref::<Channel<T>>());
        match channel {
            Some(channel) => &channel.subscribers,
            None => unreachable!("{} is not registered", std::any::type_name::<T>()),
        }
    }

    /// Publishes what these events changed: each topic reads once for all its subscribers.
    pub async fn publish(&self, db: &Db, events: &[Event]) -> Result<(), DbError> {
        for channel in self.channels.iter() {
            channel.publish(db, events).await?;
        }
        Ok(())
    }

    /// Publishes what the subscribers missed during this time.
    pub async fn catch_up(&self, db: &Db, during: Duration) -> Result<(), DbError> {
        for channel in self.channels.iter() {
            channel.catch_up(db, during).await?;
        }
        Ok(())
    }

    /// Serves the topics that are read at intervals. Never ends.
    pub async fn run(&self, db: &Db) {
        let running = self.channels.iter().map(|channel| channel.run(db));
        futures_util::future::join_all(running).await;
        std::future::pending::<()>().await;
    }

    /// The number of subscribers by topic.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.channels
            .iter()
            .map(|channel| (channel.name(), channel.count()))
    }

    /// Whether there are subscribers.
    #[must_use]
    pub fn has_any(&self) -> bool {
        self.channels.iter().any(|channel| channel.has_any())
    }

    /// The number of subscribers.
    #[must_use]
    pub fn count(&self) -> usize {
        self.counts().map(|(_, count)| count).sum()
    }
}
