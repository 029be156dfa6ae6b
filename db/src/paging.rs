//! Pages of lists by keyset.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::{Connection, Result};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page<K> {
    /// Largest number of items.
    pub limit: u32,
    /// Whether to take the last items before the end (or `before`) instead of the first.
    pub from_end: bool,
    /// Key after which the page starts.
    pub after: Option<K>,
    /// Key before which the page ends.
    pub before: Option<K>,
    /// Items to skip.
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

    /// The page with other keys; a key without a counterpart is dropped.
    pub(crate) fn keyed<L>(&self, key: impl Fn(&K) -> Option<L>) -> Page<L> {
        Page {
            limit: self.limit,
            from_end: self.from_end,
            after: self.after.as_ref().and_then(&key),
            before: self.before.as_ref().and_then(&key),
            offset: self.offset,
        }
    }

    /// Rows to fetch: one more than the limit shows whether there are more.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The query with its limit and offset.
    ///
    /// The limit is part of the text: with a parameter PostgreSQL would plan the statement anew each time. It is rounded up
    /// to one of few values, so that there are few statements; [`Page::slice`] drops the excess.
    pub(crate) fn cut<Q>(&self, query: Q) -> Cut<Q> {
        let steps = [10, 25, 50, 100];
        let step = steps.into_iter().find(|step| self.limit <= *step);
        Cut {
            query,
            limit: step.unwrap_or(self.limit),
            offset: self.offset.cast_signed(),
        }
    }

    /// Splits rows that were fetched in the page's direction into a slice per parent.
    pub(crate) fn slices<P, T, E>(
        &self,
        parents: &[P],
        rows: impl Iterator<Item = Result<T, E>>,
        parent_of: impl Fn(&T) -> P,
    ) -> Result<Vec<(P, Slice<T>)>, E>
    where
        P: Copy + Eq + std::hash::Hash,
    {
        let mut of_parent: HashMap<P, Vec<T>> = HashMap::new();
        for row in rows {
            let row = row?;
            of_parent.entry(parent_of(&row)).or_default().push(row);
        }
        let parents = parents.iter();
        Ok(parents
            .map(|parent| {
                let rows = of_parent.remove(parent).unwrap_or_default();
                (*parent, self.slice(rows))
            })
            .collect())
    }

    /// SQL of a page for each owner of rows that are ordered by a time and their id, newest first. Parameters: 1 owners,
    /// 2 to 5 time and id of both cursors, 6 number of rows per owner; those of `conditions` follow.
    pub(crate) fn sql_per_owner(
        &self,
        owners: usize,
        (table, owner, at): (&str, &str, &str),
        conditions: &str,
    ) -> String {
        let direction = if self.from_end { "ASC" } else { "DESC" };
        let order = format!("{at} {direction}, id {direction}");
        let cursors = format!(
            "($2 IS NULL OR ({at}, id) < ($2, $3)) AND ($4 IS NULL OR ({at}, id) > ($4, $5)) AND {conditions}"
        );
        if owners == 1 {
            return format!(
                "SELECT * FROM {table} WHERE {owner} = ($1::uuid[])[1] AND {cursors} ORDER BY {order} LIMIT $6"
            );
        }
        format!(
            "SELECT * FROM (
                 SELECT *, row_number() OVER (PARTITION BY {owner} ORDER BY {order}) AS place
                 FROM {table} WHERE {owner} = ANY($1) AND {cursors}
             ) numbered WHERE place <= $6 ORDER BY {owner}, place"
        )
    }

    /// A slice of rows that were fetched in the page's direction.
    pub(crate) fn slice<T>(&self, mut rows: Vec<T>) -> Slice<T> {
        let wanted = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        if self.from_end {
            rows.reverse();
            Slice {
                items: rows,
                has_previous: more || self.after.is_some(),
                has_next: self.before.is_some() || self.offset > 0,
            }
        } else {
            Slice {
                items: rows,
                has_previous: self.after.is_some() || self.offset > 0,
                has_next: more || self.before.is_some(),
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
        // One more than the limit shows whether there are more.
        out.push_sql(&format!(" LIMIT {} + 1", self.limit));
        if self.offset > 0 {
            out.push_sql(" OFFSET ");
            out.push_bind_param::<Integer, _>(&self.offset)?;
        }
        Ok(())
    }
}

/// Cuts a boxed query to a page by its keyset: `keyset!(query, page, [table::column desc, table::id desc])`. The last
/// column is unique.
macro_rules! keyset {
    ($query:expr, $page:expr, [$t:ident::$c:ident desc, $u:ident::$i:ident desc]) => {
        $crate::paging::keyset!(@cut $query, $page, $t::$c, $u::$i, lt le gt ge, desc asc)
    };
    ($query:expr, $page:expr, [$t:ident::$c:ident asc, $u:ident::$i:ident asc]) => {
        $crate::paging::keyset!(@cut $query, $page, $t::$c, $u::$i, gt ge lt le, asc desc)
    };
    ($query:expr, $page:expr, [$u:ident::$i:ident desc]) => {{
        let page = &$page;
        let mut query = $query;
        if let Some(id) = page.after {
            query = query.filter($u::$i.lt(id));
        }
        if let Some(id) = page.before {
            query = query.filter($u::$i.gt(id));
        }
        page.cut(if page.from_end {
            query.order($u::$i.asc())
        } else {
            query.order($u::$i.desc())
        })
    }};
    (
        @cut $query:expr, $page:expr, $column:expr, $id:expr,
        $after:ident $after_or_at:ident $before:ident $before_or_at:ident, $forward:ident $backward:ident
    ) => {{
        let page = &$page;
        let mut query = $query;
        // The redundant bound on the first column lets the index find the start.
        if let Some((key, id)) = page.after.to_owned() {
            query = query
                .filter($column.$after_or_at(key.to_owned()))
                .filter($column.$after(key).or($id.$after(id)));
        }
        if let Some((key, id)) = page.before.to_owned() {
            query = query
                .filter($column.$before_or_at(key.to_owned()))
                .filter($column.$before(key).or($id.$before(id)));
        }
        page.cut(if page.from_end {
            query.order(($column.$backward(), $id.$backward()))
        } else {
            query.order(($column.$forward(), $id.$forward()))
        })
    }};
}
pub(crate) use keyset;

/// Adds the conditions whose value is given to a boxed query.
macro_rules! narrow {
    ($query:ident, $($name:ident = $value:expr => $condition:expr),+ $(,)?) => {
        $(if let Some($name) = $value {
            $query = $query.filter($condition);
        })+
    };
}
pub(crate) use narrow;

/// Counts the rows of a query, up to [`Count::EXACT_TO`].
pub(crate) fn count_rows<'c, Q>(conn: &'c mut Connection, query: Q) -> BoxFuture<'c, Result<Count>>
where
    Counted<Q>: diesel_async::methods::LoadQuery<'c, Connection, i64> + Send + 'c,
{
    let counting = diesel_async::RunQueryDsl::get_result::<i64>(Counted(query), conn);
    async move { Ok(Count::of(counting.await?)) }.boxed()
}

/// A query that counts another's rows, up to [`Count::EXACT_TO`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<Q>(Q);

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
    /// Maps the items.
    pub fn map<U>(self, map: impl FnMut(T) -> U) -> Slice<U> {
        Slice {
            items: self.items.into_iter().map(map).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }

    /// Maps the items, without those that the function returns `None` for.
    pub fn filter_map<U>(self, map: impl FnMut(T) -> Option<U>) -> Slice<U> {
        Slice {
            items: self.items.into_iter().filter_map(map).collect(),
            has_previous: self.has_previous,
            has_next: self.has_next,
        }
    }

    /// Maps the items; the first failure is returned.
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

/// Number of items of a list, exact up to [`Count::EXACT_TO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The exact number.
    Exact(i64),
    /// This number or more.
    AtLeast(i64),
}

impl Count {
    /// Largest number that is counted.
    pub const EXACT_TO: i64 = 10_000;

    /// A count from a number that was counted up to one beyond the limit.
    pub(crate) fn of(counted: i64) -> Self {
        if counted > Self::EXACT_TO {
            Self::AtLeast(Self::EXACT_TO)
        } else {
            Self::Exact(counted)
        }
    }
}
