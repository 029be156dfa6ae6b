//! What waits for one subscriber: bounded, because what is old makes way for what is new of its kind.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

/// How long a subscriber may take nothing while more and more waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Something to tell subscribers.
pub trait News: Send + Sync + 'static {
    /// What it is about: of one kind, the newest says all that its forerunners said.
    type Kind: PartialEq;

    /// What is followed, for the metrics.
    const TOPIC: &'static str;

    /// How many may wait before those of one kind make way for the newest.
    const KEEP: usize;

    /// Its kind.
    fn kind(&self) -> Self::Kind;
}

/// Why a subscriber is let go: too much waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

/// Holds what one subscriber has not taken yet.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Arc<T>>,
    /// When something began to wait, or was last taken.
    untouched_since: Instant,
    end: Option<End>,
    reader: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// To be told.
    Untold,
    /// The subscriber knows.
    Told,
}

impl<T: News> Mailbox<T> {
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                untouched_since: Instant::now(),
                end: None,
                reader: None,
            }),
        }
    }

    /// Puts news in, never waiting. Who is behind for too long gets no more.
    pub fn put(&self, news: Arc<T>) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        if state.waiting.is_empty() {
            state.untouched_since = Instant::now();
        } else if state.waiting.len() >= T::KEEP {
            if state.untouched_since.elapsed() > PATIENCE {
                let dropped = state.waiting.len() + 1;
                metrics::counter!("goodgo_events_dropped_total", "topic" => T::TOPIC)
                    .increment(count(dropped));
                state.waiting = VecDeque::new();
                state.end = Some(End::Untold);
            } else {
                let coalesced = state.make_way(&news.kind());
                metrics::counter!("goodgo_events_coalesced_total", "topic" => T::TOPIC)
                    .increment(count(coalesced));
            }
        }
        if state.end.is_none() {
            state.waiting.push_back(news);
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Takes the oldest; once, that the subscriber was too slow; after that, nothing.
    pub fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Result<Arc<T>, TooSlow>>> {
        let mut state = self.state();
        if let Some(news) = state.waiting.pop_front() {
            state.untouched_since = Instant::now();
            return Poll::Ready(Some(Ok(news)));
        }
        match state.end {
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
            Some(End::Untold) => {
                state.end = Some(End::Told);
                Poll::Ready(Some(Err(TooSlow)))
            }
            Some(End::Told) => Poll::Ready(None),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: News> State<T> {
    /// Leaves the newest of each kind, and none of the kind that comes; answers how many went.
    fn make_way(&mut self, coming: &T::Kind) -> usize {
        let before = self.waiting.len();
        let mut kinds = Vec::new();
        let mut left = VecDeque::new();
        for news in self.waiting.drain(..).rev() {
            let kind = news.kind();
            if kind != *coming && !kinds.contains(&kind) {
                kinds.push(kind);
                left.push_front(news);
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
    struct Said(char, u32);

    impl News for Said {
        type Kind = char;
        const TOPIC: &'static str = "test";
        const KEEP: usize = 4;

        fn kind(&self) -> char {
            self.0
        }
    }

    /// What a subscriber finds.
    #[derive(Debug, PartialEq)]
    enum Found {
        News(char, u32),
        TooSlow,
        Nothing,
        End,
    }

    fn take(mailbox: &Mailbox<Said>) -> Found {
        match mailbox.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(news))) => Found::News(news.0, news.1),
            Poll::Ready(Some(Err(TooSlow))) => Found::TooSlow,
            Poll::Ready(None) => Found::End,
            Poll::Pending => Found::Nothing,
        }
    }

    fn take_all(mailbox: &Mailbox<Said>) -> Vec<(char, u32)> {
        let mut all = Vec::new();
        while let Found::News(kind, number) = take(mailbox) {
            all.push((kind, number));
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_a_few_arrive_in_order() {
        let mailbox = Mailbox::new();
        for number in 1..=4 {
            mailbox.put(Arc::new(Said('a', number)));
        }
        assert_eq!(take_all(&mailbox), [('a', 1), ('a', 2), ('a', 3), ('a', 4)]);
        assert_eq!(take(&mailbox), Found::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_the_newest_of_each_kind_arrive_in_order() {
        let mailbox = Mailbox::new();
        for (kind, number) in [('a', 1), ('b', 2), ('a', 3), ('c', 4), ('b', 5)] {
            mailbox.put(Arc::new(Said(kind, number)));
        }
        assert_eq!(take_all(&mailbox), [('a', 3), ('c', 4), ('b', 5)]);
        for number in 1..10_000 {
            mailbox.put(Arc::new(Said('a', number)));
            assert!(mailbox.state().waiting.len() <= Said::KEEP);
        }
        assert_eq!(take_all(&mailbox).last(), Some(&('a', 9_999)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_told_once_and_who_takes_something_is_not() {
        let slow = Mailbox::new();
        let slower = Mailbox::new();
        for second in 0..100 {
            for number in 0..5 {
                slow.put(Arc::new(Said('a', second * 5 + number)));
                slower.put(Arc::new(Said('a', second * 5 + number)));
            }
            if second % 20 == 0 {
                assert!(matches!(take(&slow), Found::News(..)));
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(matches!(take(&slow), Found::News(..)));
        assert_eq!(take(&slower), Found::TooSlow);
        assert_eq!(take(&slower), Found::End);
        // What comes later is not kept either.
        slower.put(Arc::new(Said('a', 0)));
        assert_eq!(take(&slower), Found::End);
    }

    #[tokio::test(start_paused = true)]
    async fn who_had_nothing_to_take_is_not_slow() {
        let mailbox = Mailbox::new();
        tokio::time::advance(PATIENCE * 10).await;
        for number in 0..100 {
            mailbox.put(Arc::new(Said('a', number)));
        }
        assert!(matches!(take(&mailbox), Found::News(..)));
    }
}
