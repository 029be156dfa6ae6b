//! The queue of one subscriber. It is bounded: when full, the newest update of each kind replaces the older ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Time after which a subscriber that reads nothing loses its overflowing queue.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Message that subscribers receive.
pub trait Update: Send + Sync + 'static {
    /// A later update of the same kind replaces an earlier one that was not read.
    type Kind: PartialEq;

    /// Name of the topic in metrics.
    const TOPIC: &'static str;

    /// Number of queued updates from which on updates of one kind are coalesced.
    const KEEP: usize = 0;

    /// Its kind.
    fn kind(&self) -> Self::Kind;
}

/// A subscriber was disconnected, because it did not read for [`PATIENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

/// The updates that one subscriber has not read.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Arc<T>>,
    /// Time at which the subscriber last read, or had nothing to read.
    unread_since: Instant,
    end: Option<End>,
    reader: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// [`TooSlow`] has to be returned.
    Pending,
    /// [`TooSlow`] was returned.
    Reported,
}

impl<T: Update> Mailbox<T> {
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                unread_since: Instant::now(),
                end: None,
                reader: None,
            }),
        }
    }

    /// Enqueues without blocking. Disconnects a subscriber that has not read for [`PATIENCE`].
    pub fn put(&self, update: Arc<T>) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return;
        }
        if state.waiting.is_empty() {
            state.unread_since = Instant::now();
        } else if state.waiting.len() >= T::KEEP {
            if state.unread_since.elapsed() > PATIENCE {
                let dropped = state.waiting.len() + 1;
                metrics::counter!("goodgo_events_dropped_total", "topic" => T::TOPIC)
                    .increment(count(dropped));
                state.waiting = VecDeque::new();
                state.end = Some(End::Pending);
            } else {
                let coalesced = state.coalesce(&update.kind());
                metrics::counter!("goodgo_events_coalesced_total", "topic" => T::TOPIC)
                    .increment(count(coalesced));
            }
        }
        if state.end.is_none() {
            state.waiting.push_back(update);
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Takes the oldest update. After the disconnection it returns [`TooSlow`] once, and then ends.
    pub fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Result<Arc<T>, TooSlow>>> {
        let mut state = self.state.lock();
        if let Some(update) = state.waiting.pop_front() {
            state.unread_since = Instant::now();
            return Poll::Ready(Some(Ok(update)));
        }
        match state.end {
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
            Some(End::Pending) => {
                state.end = Some(End::Reported);
                Poll::Ready(Some(Err(TooSlow)))
            }
            Some(End::Reported) => Poll::Ready(None),
        }
    }
}

impl<T: Update> State<T> {
    /// Keeps the newest update of each kind, except of the kind that comes next. Returns how many were removed.
    fn coalesce(&mut self, next: &T::Kind) -> usize {
        let before = self.waiting.len();
        let mut kinds = Vec::new();
        let mut left = VecDeque::new();
        for update in self.waiting.drain(..).rev() {
            let kind = update.kind();
            if kind != *next && !kinds.contains(&kind) {
                kinds.push(kind);
                left.push_front(update);
            }
        }
        self.waiting = left;
        before - self.waiting.len()
    }
}

fn count(events: usize) -> u64 {
    u64::try_from(events).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Message(char, u32);

    impl Update for Message {
        type Kind = char;
        const TOPIC: &'static str = "test";
        const KEEP: usize = 4;

        fn kind(&self) -> char {
            self.0
        }
    }

    /// Result of a read.
    #[derive(Debug, PartialEq)]
    enum Found {
        Update(char, u32),
        TooSlow,
        Nothing,
        End,
    }

    fn take(mailbox: &Mailbox<Message>) -> Found {
        match mailbox.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(update))) => Found::Update(update.0, update.1),
            Poll::Ready(Some(Err(TooSlow))) => Found::TooSlow,
            Poll::Ready(None) => Found::End,
            Poll::Pending => Found::Nothing,
        }
    }

    fn take_all(mailbox: &Mailbox<Message>) -> Vec<(char, u32)> {
        let mut all = Vec::new();
        while let Found::Update(kind, number) = take(mailbox) {
            all.push((kind, number));
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_all_updates_below_the_limit() {
        let mailbox = Mailbox::new();
        for number in 1..=4 {
            mailbox.put(Arc::new(Message('a', number)));
        }
        assert_eq!(take_all(&mailbox), [('a', 1), ('a', 2), ('a', 3), ('a', 4)]);
        assert_eq!(take(&mailbox), Found::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_newest_of_each_kind_above_it() {
        let mailbox = Mailbox::new();
        for (kind, number) in [('a', 1), ('b', 2), ('a', 3), ('c', 4), ('b', 5)] {
            mailbox.put(Arc::new(Message(kind, number)));
        }
        assert_eq!(take_all(&mailbox), [('a', 3), ('c', 4), ('b', 5)]);
        for number in 1..10_000 {
            mailbox.put(Arc::new(Message('a', number)));
            assert!(mailbox.state.lock().waiting.len() <= Message::KEEP);
        }
        assert_eq!(take_all(&mailbox).last(), Some(&('a', 9_999)));
    }

    #[tokio::test(start_paused = true)]
    async fn disconnects_only_a_subscriber_that_does_not_read() {
        let slow = Mailbox::new();
        let slower = Mailbox::new();
        for second in 0..100 {
            for number in 0..5 {
                slow.put(Arc::new(Message('a', second * 5 + number)));
                slower.put(Arc::new(Message('a', second * 5 + number)));
            }
            if second % 20 == 0 {
                assert!(matches!(take(&slow), Found::Update(..)));
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(matches!(take(&slow), Found::Update(..)));
        assert_eq!(take(&slower), Found::TooSlow);
        assert_eq!(take(&slower), Found::End);
        // Later updates are dropped.
        slower.put(Arc::new(Message('a', 0)));
        assert_eq!(take(&slower), Found::End);
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_count_the_time_without_updates() {
        let mailbox = Mailbox::new();
        tokio::time::advance(PATIENCE * 10).await;
        for number in 0..100 {
            mailbox.put(Arc::new(Message('a', number)));
        }
        assert!(matches!(take(&mailbox), Found::Update(..)));
    }
}
