//! Where this instance looks for the next free object of a stock, and which stocks it saw empty. An object that was taken
//! never becomes free again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use uuid::Uuid;

/// Stocks that are remembered at most.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// Places from which to look on. Taken objects leave dead rows in the index: looking from where the last one was found steps
/// over them once, not in each search. Clones share the places.
#[derive(Clone, Debug)]
pub(crate) struct Stocks(Arc<Mutex<LruCache<Uuid, Next>>>);

/// Where to look in a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// From this number on.
    From(i32),
    /// Nowhere: it is empty.
    Nowhere,
}

impl Default for Stocks {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(MOST))))
    }
}

impl Stocks {
    /// Where to look; none for a stock that is not remembered.
    pub fn next(&self, stock: Uuid) -> Option<Next> {
        self.0.lock().get(&stock).copied()
    }

    /// Remembers where to look next.
    pub fn note(&self, stock: Uuid, next: Next) {
        let mut known = self.0.lock();
        // A search that began before does not fill an empty stock.
        if known.get(&stock) != Some(&Next::Nowhere) {
            known.put(stock, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_where_to_look() {
        let stocks = Stocks::default();
        let id = Uuid::from_u128;
        assert_eq!(stocks.next(id(1)), None);
        stocks.note(id(1), Next::From(7));
        assert_eq!(stocks.next(id(1)), Some(Next::From(7)));
        stocks.note(id(1), Next::Nowhere);
        stocks.note(id(1), Next::From(8));
        assert_eq!(stocks.next(id(1)), Some(Next::Nowhere));
        for other in 2..=10_001 {
            stocks.note(id(other), Next::From(1));
        }
        assert_eq!(stocks.next(id(1)), None);
    }
}
