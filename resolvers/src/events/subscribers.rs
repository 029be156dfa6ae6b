//! Who follows what: news go to the mailboxes of its followers.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;

use super::mailbox::{Mailbox, News, TooSlow};

/// Hands news to whoever follows their subject. Clones share one.
#[derive(Debug)]
pub struct Followers<K, T> {
    table: Arc<Mutex<Table<K, T>>>,
}

#[derive(Debug)]
struct Table<K, T> {
    next: u64,
    /// By subject, then by number: leaving costs the same whatever the crowd.
    mailboxes: HashMap<K, HashMap<u64, Arc<Mailbox<T>>>>,
}

impl<K: Copy + Eq + Hash, T: News> Followers<K, T> {
    /// Follows a subject, from now on until the answer is dropped.
    #[must_use]
    pub fn follow(&self, subject: K) -> Follower<K, T> {
        let mailbox = Arc::new(Mailbox::new());
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        let mailboxes = table.mailboxes.entry(subject).or_default();
        mailboxes.insert(number, Arc::clone(&mailbox));
        drop(table);
        Follower {
            of: self.clone(),
            subject,
            number,
            mailbox,
        }
    }

    /// Hands news to all who follow the subject. Nobody waits for anybody.
    pub fn publish(&self, subject: &K, news: T) {
        let table = self.table();
        if let Some(mailboxes) = table.mailboxes.get(subject) {
            let news = Arc::new(news);
            for mailbox in mailboxes.values() {
                mailbox.put(Arc::clone(&news));
            }
        }
    }

    /// Whether anybody follows a subject.
    #[must_use]
    pub fn follows(&self, subject: &K) -> bool {
        self.table().mailboxes.contains_key(subject)
    }

    /// Whether anybody follows anything.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        !self.table().mailboxes.is_empty()
    }

    /// What is followed.
    #[must_use]
    pub fn subjects(&self) -> Vec<K> {
        self.table().mailboxes.keys().copied().collect()
    }

    /// How many follow something.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().mailboxes.values().map(HashMap::len).sum()
    }

    fn leave(&self, subject: K, number: u64) {
        let mut table = self.table();
        if let Some(mailboxes) = table.mailboxes.get_mut(&subject) {
            mailboxes.remove(&number);
            if mailboxes.is_empty() {
                table.mailboxes.remove(&subject);
            }
        }
    }
}

impl<K, T> Followers<K, T> {
    fn table(&self) -> MutexGuard<'_, Table<K, T>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, T> Default for Followers<K, T> {
    fn default() -> Self {
        Self {
            table: Arc::new(Mutex::new(Table {
                next: 0,
                mailboxes: HashMap::new(),
            })),
        }
    }
}

impl<K, T> Clone for Followers<K, T> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
        }
    }
}

/// One subscriber's end: the news in order, then that it was too slow, if it was.
pub struct Follower<K: Copy + Eq + Hash, T: News> {
    of: Followers<K, T>,
    subject: K,
    number: u64,
    mailbox: Arc<Mailbox<T>>,
}

impl<K: Copy + Eq + Hash, T: News> Stream for Follower<K, T> {
    type Item = Result<Arc<T>, TooSlow>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.mailbox.poll_take(context)
    }
}

impl<K: Copy + Eq + Hash, T: News> Drop for Follower<K, T> {
    fn drop(&mut self) {
        self.of.leave(self.subject, self.number);
    }
}
