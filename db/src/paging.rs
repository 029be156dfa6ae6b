//! Pages of lists: a slice after or before a key, never an unbounded one.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer};

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page<K> {
    /// How many items, at most.
    pub limit: u32,
    /// Whether they are the last ones before the end (or `before`) instead of the first ones.
    pub from_end: bool,
    /// Only items after this key.
    pub after: Option<K>,
    /// Only items before this key.
    pub before: Option<K>,
    /// Items to skip, for staff lists.
    pub offset: u32,
}

impl<K> Page<K> {
    /// The first items.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            limit,
            from_end: false,
            after: None,
            before: None,
            offset: 0,
        }
    }

    /// Rows to ask for: one more than wanted tells whether there are more.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// A query cut to the page, with the numbers in its text.
    ///
    /// With the limit as a parameter PostgreSQL plans the statement anew each time, because any limit could come. With
    /// few different limits there are few different statements; rows that are too many are dropped by [`Page::slice`].
    pub(crate) fn cut<Q>(&self, query: Q) -> Cut<Q> {
        let steps = [10, 25, 50, 100];
        let step = steps.into_iter().find(|step| self.limit <= *step);
        Cut {
            query,
            limit: step.unwrap_or(self.limit),
            offset: self.offset.cast_signed(),
        }
    }

    /// Makes a slice of rows that were fetched in the page's direction.
    pub(crate) fn slice<T>(&self, mut rows: Vec<T>) -> Slice<T> {
        let wanted = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        if self.from_end {
            rows.reverse();
            Slice {
                items: rows,
                has_previous: more,
                has_next: self.before.is_some() || self.offset > 0,
            }
        } else {
            Slice {
                items: rows,
                has_previous: self.after.is_some() || self.offset > 0,
                has_next: more,
            }
        }
    }
}

/// A query with its limit and offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<Q> {
    query: Q,
    limit: u32,
    offset: i32,
}

impl<Q: Query> Query for Cut<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for Cut<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Cut<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        // One more than wanted tells whether there are more.
        out.push_sql(&format!(" LIMIT {} + 1", self.limit));
        if self.offset > 0 {
            out.push_sql(" OFFSET ");
            out.push_bind_param::<Integer, _>(&self.offset)?;
        }
        Ok(())
    }
}

/// How many rows a query has, counted as far as counts are exact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<Q>(pub Q);

impl<Q: Query> Query for Counted<Q> {
    type SqlType = BigInt;
}

impl<Q> QueryId for Counted<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(&format!(" LIMIT {}) counted", Count::EXACT_TO + 1));
        Ok(())
    }
}

/// A page's items, in the list's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether there are items before them.
    pub has_previous: bool,
    /// Whether there are items after them.
    pub has_next: bool,
}

impl<T> Slice<T> {
    /// Turns every item into another.
    pub fn map<U>(self, map: impl FnMut(T) -> U) -> Slice<U> {
        Slice {
            items: self.items.into_iter().map(map).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }

    /// Turns every item into another, if all of them can be.
    pub fn try_map<U, E>(self, map: impl FnMut(T) -> Result<U, E>) -> Result<Slice<U>, E> {
        Ok(Slice {
            items: self.items.into_iter().map(map).collect::<Result<_, _>>()?,
            has_previous: self.has_previous,
            has_next: self.has_next,
        })
    }
}

impl<T> Default for Slice<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            has_previous: false,
            has_next: false,
        }
    }
}

/// How many items a list has: exact up to [`Count::EXACT_TO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exact(i64),
    /// So many or more.
    AtLeast(i64),
}

impl Count {
    /// Beyond, counting would cost more than the answer is worth.
    pub const EXACT_TO: i64 = 10_000;

    /// Reads a count that was stopped right after the limit.
    pub(crate) fn of(counted: i64) -> Self {
        if counted > Self::EXACT_TO {
            Self::AtLeast(Self::EXACT_TO)
        } else {
            Self::Exact(counted)
        }
    }
}
