//! The subscribers of a topic by subject.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use parking_lot::Mutex;

use super::mailbox::{Mailbox, TooSlow, Update};

/// The subscribers of a topic by subject. Clones share them.
#[derive(Debug)]
pub struct Subscribers<K, T> {
    table: Arc<Mutex<Table<K, T>>>,
}

#[derive(Debug)]
struct Table<K, T> {
    next: u64,
    /// By subject, then by number, so that unsubscribing takes constant time.
    mailboxes: HashMap<K, HashMap<u64, Arc<Mailbox<T>>>>,
}

impl<K: Copy + Eq + Hash, T: Update> Subscribers<K, T> {
    /// Subscribes to a subject until the stream is dropped.
    #[must_use]
    pub fn subscribe(&self, subject: K) -> Updates<K, T> {
        let mailbox = Arc::new(Mailbox::new());
        let mut table = self.table.lock();
        let number = table.next;
        table.next += 1;
        let mailboxes = table.mailboxes.entry(subject).or_default();
        mailboxes.insert(number, Arc::clone(&mailbox));
        drop(table);
        Updates {
            of: self.clone(),
            subject,
            number,
            mailbox,
        }
    }

    /// Enqueues an update for the subscribers of a subject without blocking.
    pub fn publish(&self, subject: &K, update: T) {
        let table = self.table.lock();
        if let Some(mailboxes) = table.mailboxes.get(subject) {
            let update = Arc::new(update);
            for mailbox in mailboxes.values() {
                mailbox.put(Arc::clone(&update));
            }
        }
    }

    /// Whether a subject has subscribers.
    #[must_use]
    pub fn has(&self, subject: &K) -> bool {
        self.table.lock().mailboxes.contains_key(subject)
    }

    /// Whether there are subscribers.
    #[must_use]
    pub fn has_any(&self) -> bool {
        !self.table.lock().mailboxes.is_empty()
    }

    /// The subjects with subscribers.
    #[must_use]
    pub fn subjects(&self) -> Vec<K> {
        self.table.lock().mailboxes.keys().copied().collect()
    }

    /// The number of subscribers.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table.lock().mailboxes.values().map(HashMap::len).sum()
    }

    fn unsubscribe(&self, subject: K, number: u64) {
        let mut table = self.table.lock();
        if let Some(mailboxes) = table.mailboxes.get_mut(&subject) {
            mailboxes.remove(&number);
            if mailboxes.is_empty() {
                table.mailboxes.remove(&subject);
            }
        }
    }
}

impl<K, T> Default for Subscribers<K, T> {
    fn default() -> Self {
        Self {
            table: Arc::new(Mutex::new(Table {
                next: 0,
                mailboxes: HashMap::new(),
            })),
        }
    }
}

impl<K, T> Clone for Subscribers<K, T> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
        }
    }
}

/// The updates of one subscriber in order, and [`TooSlow`] at the end if it was too slow.
pub struct Updates<K: Copy + Eq + Hash, T: Update> {
    of: Subscribers<K, T>,
    subject: K,
    number: u64,
    mailbox: Arc<Mailbox<T>>,
}

impl<K: Copy + Eq + Hash, T: Update> Stream for Updates<K, T> {
    type Item = Result<Arc<T>, TooSlow>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.mailbox.poll_take(context)
    }
}

impl<K: Copy + Eq + Hash, T: Update> Drop for Updates<K, T> {
    fn drop(&mut self) {
        self.of.unsubscribe(self.subject, self.number);
    }
}
