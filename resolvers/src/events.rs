//! What happens, as it happens: events of this and other instances, handed to whoever follows their subject.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use db::mining::MinerSeen;
use db::outbox::Event;
use domain::ids::UserId;
use futures_util::Stream;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Events a subscriber may be behind before it is let go.
const BEHIND: usize = 64;

/// An event with its subject as it is after it, read once for all subscribers.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The event.
    pub event: Event,
    /// The miner it is about.
    pub miner: Option<MinerSeen>,
}

type Senders = HashMap<Uuid, Vec<mpsc::Sender<Arc<Announced>>>>;

/// Hands events to subscribers of this instance. Clones share one.
#[derive(Clone, Debug, Default)]
pub struct EventBus {
    followers: Arc<Mutex<Senders>>,
}

impl EventBus {
    /// Follows what happens to a person, from now on. A follower who falls far behind is let go: the stream ends.
    pub fn follow(&self, user: UserId) -> impl Stream<Item = Arc<Announced>> + Send + use<> {
        let (sender, mut receiver) = mpsc::channel(BEHIND);
        self.followers().entry(user.0).or_default().push(sender);
        futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))
    }

    /// Whether anybody follows anything.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        !self.followers().is_empty()
    }

    /// Whether anybody follows what happens to this person.
    #[must_use]
    pub fn follows(&self, user: Uuid) -> bool {
        self.followers().contains_key(&user)
    }

    /// Hands an event to those who follow its audience.
    pub fn publish(&self, announced: Announced) {
        let Some(audience) = announced.event.audience_id else {
            return;
        };
        let announced = Arc::new(announced);
        let mut followers = self.followers();
        if let Some(senders) = followers.get_mut(&audience) {
            senders.retain(|sender| sender.try_send(Arc::clone(&announced)).is_ok());
            if senders.is_empty() {
                followers.remove(&audience);
            }
        }
    }

    /// How many follow something, those who just left included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.followers().values().map(Vec::len).sum()
    }

    /// Forgets followers who are gone.
    pub fn sweep(&self) {
        self.followers().retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
    }

    fn followers(&self) -> MutexGuard<'_, Senders> {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
