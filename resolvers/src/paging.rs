//! Relay connections over keyset pages.

use std::sync::Arc;

use async_graphql::{Context, Enum};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Datelike;
use db::{Count, Page, Slice};
use domain::time::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::errors::{ApiError, Result};

/// Most items of a page.
const LARGEST_PAGE: i32 = 100;
/// Most items that a page may skip.
const LARGEST_OFFSET: i32 = 10_000;

/// The page arguments of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageArgs {
    first: Option<i32>,
    last: Option<i32>,
    after: Option<String>,
    before: Option<String>,
    offset: Option<i32>,
}

impl PageArgs {
    /// The arguments of every connection.
    pub fn new(
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Self {
        Self {
            first,
            last,
            after,
            before,
            offset: None,
        }
    }

    /// The offset of a list that has one.
    pub fn offset(self, offset: Option<i32>) -> Self {
        Self { offset, ..self }
    }

    /// The page of a list. `list` names the list and its order in cursors.
    pub fn page<K: CursorKey>(&self, list: &str) -> Result<Page<K>> {
        let (limit, from_end) = match (self.first, self.last) {
            (Some(limit), None) => (limit, false),
            (None, Some(limit)) => (limit, true),
            _ => {
                return Err(ApiError::bad_input(
                    "give either `first` or `last`, a number from 1 to 100",
                ));
            }
        };
        let limit = u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=LARGEST_PAGE.unsigned_abs()).contains(limit))
            .ok_or_else(|| ApiError::bad_input("`first` and `last` are from 1 to 100"))?;
        let offset = self.offset.unwrap_or(0);
        if !(0..=LARGEST_OFFSET).contains(&offset) {
            return Err(ApiError::bad_input(
                "`offset` is from 0 to 10000: use cursors beyond",
            ));
        }
        if offset > 0 && (self.after.is_some() || self.before.is_some()) {
            return Err(ApiError::bad_input("give either `offset` or a cursor"));
        }
        let cursor = |text: &Option<String>| {
            text.as_deref()
                .map(|text| {
                    decode(list, text).ok_or_else(|| {
                        ApiError::bad_input(
                            "invalid cursor: use a `cursor` or `pageInfo` value of this list with the same order",
                        )
                    })
                })
                .transpose()
        };
        Ok(Page {
            limit,
            from_end,
            after: cursor(&self.after)?,
            before: cursor(&self.before)?,
            offset: offset.unsigned_abs(),
        })
    }
}

/// The position of an item in an order: the content of a cursor.
pub(crate) trait CursorKey: Sized {
    /// The position as text.
    fn write(&self) -> String;

    /// Reads the text of a position.
    fn read(text: &str) -> Option<Self>;
}

impl CursorKey for i64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl CursorKey for (Timestamp, i64) {
    fn write(&self) -> String {
        format!("{}:{}", self.0.timestamp_micros(), self.1)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(':')?;
        Some((moment(at)?, id.parse().ok()?))
    }
}

/// Reads a time of a cursor.
fn moment(micros: &str) -> Option<Timestamp> {
    // No stored time is outside of 1970 to 9999, and PostgreSQL's range is smaller than chrono's.
    Timestamp::from_timestamp_micros(micros.parse().ok()?)
        .filter(|at| (1970..=9999).contains(&at.year()))
}

impl CursorKey for (Timestamp, Uuid) {
    fn write(&self) -> String {
        format!("{}:{}", self.0.timestamp_micros(), self.1.simple())
    }

    fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(':')?;
        Some((moment(at)?, Uuid::try_parse(id).ok()?))
    }
}

impl CursorKey for (Timestamp, Uuid, i16) {
    fn write(&self) -> String {
        format!("{}:{}", (self.0, self.1).write(), self.2)
    }

    fn read(text: &str) -> Option<Self> {
        let (position, number) = text.rsplit_once(':')?;
        let (at, id) = <(Timestamp, Uuid)>::read(position)?;
        Some((at, id, number.parse().ok()?))
    }
}

/// Writes a cursor: its version, its list and order, and the position.
pub(crate) fn encode<K: CursorKey>(list: &str, key: &K) -> String {
    URL_SAFE_NO_PAD.encode(format!("1|{list}|{}", key.write()))
}

fn decode<K: CursorKey>(list: &str, cursor: &str) -> Option<K> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = plain.splitn(3, '|');
    let known = parts.next() == Some("1") && parts.next() == Some(list);
    K::read(parts.next().filter(|_| known)?)
}

/// Precision of a count.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountPrecision {
    /// The count is exact.
    Exact,
    /// The list has more items than were counted.
    AtLeast,
}

type CountFn = dyn for<'a> Fn(&'a Context<'a>) -> BoxFuture<'a, Result<Count>> + Send + Sync;

/// The total of a connection. It is counted when it is first selected, and once.
#[derive(Clone)]
pub(crate) struct Total {
    count: Arc<CountFn>,
    counted: Arc<OnceCell<Count>>,
}

impl Total {
    /// A total that is known.
    pub fn known(count: i64) -> Self {
        Self::loaded(move |_| std::future::ready(Ok(Count::Exact(count))).boxed())
    }

    /// A total that a function counts.
    pub fn loaded<F>(count: F) -> Self
    where
        F: for<'a> Fn(&'a Context<'a>) -> BoxFuture<'a, Result<Count>> + Send + Sync + 'static,
    {
        Self {
            count: Arc::new(count),
            counted: Arc::default(),
        }
    }

    /// A total that a statement counts.
    pub fn query<F, Fut>(count: F) -> Self
    where
        F: Fn(db::Db) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Count, db::DbError>> + Send + 'static,
    {
        Self::loaded(move |ctx| {
            use crate::request::OperationContext as _;
            let counting = count(ctx.db().clone());
            async move { Ok(counting.await?) }.boxed()
        })
    }

    /// The number and its precision.
    pub async fn get(&self, ctx: &Context<'_>) -> Result<(i32, CountPrecision)> {
        let count = self.counted.get_or_try_init(|| (self.count)(ctx)).await?;
        let (count, precision) = match count {
            Count::Exact(count) => (*count, CountPrecision::Exact),
            Count::AtLeast(count) => (*count, CountPrecision::AtLeast),
        };
        // Counts above the range of `Int` are reported as `AT_LEAST`.
        Ok(match i32::try_from(count) {
            Ok(count) => (count, precision),
            Err(_) => (i32::MAX, CountPrecision::AtLeast),
        })
    }
}

/// An empty slice with its total.
pub(crate) fn nothing<T>() -> (Slice<T>, Total) {
    (Slice::default(), Total::known(0))
}

/// Declares a root field that lists objects, on a query object of its own: the body makes a page of the arguments.
macro_rules! list_field {
    (
        $(#[$doc:meta])* $query:ident;
        $(#[$field_doc:meta])* $field:ident($($argument:ident: $type:ty),+) -> $connection:ty = |$ctx:ident, $args:ident| $body:block
    ) => {
        $(#[$doc])*
        #[derive(Default)]
        pub struct $query;

        #[async_graphql::Object]
        impl $query {
            $(#[$field_doc])*
            #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
            async fn $field(
                &self,
                $ctx: &async_graphql::Context<'_>,
                $($argument: $type,)+
                first: Option<i32>,
                last: Option<i32>,
                after: Option<String>,
                before: Option<String>,
                offset: Option<i32>,
            ) -> $crate::errors::Loaded<$connection> {
                let $args = $crate::paging::PageArgs::new(first, last, after, before).offset(offset);
                Some(async { $body }.await)
            }
        }
    };
}
pub(crate) use list_field;

/// Reads a page of a list with its total, which is counted when it is selected. Both statements use the filter; `items`
/// makes the items of the page's rows.
macro_rules! read_list {
    (
        $connection:ident, $list:expr, $ctx:expr, $filter:ident;
        |$conn:ident| $read:expr, $count:expr, |$rows:ident| $items:expr
    ) => {{
        let total = {
            let $filter = Clone::clone(&$filter);
            $crate::paging::Total::query(move |db| {
                let $filter = Clone::clone(&$filter);
                async move { db.read_replicated(async move |$conn| $count.await).await }
            })
        };
        let read = $ctx.db().read_replicated(async move |$conn| $read.await);
        let $rows = read.await?;
        Ok::<_, $crate::errors::ApiError>($connection::new($list, $items, total))
    }};
}
pub(crate) use read_list;

/// Declares the connection and edge of a node type: `connection!(MinerConnection, MinerEdge, Miner, "miners", by MinerKey)`.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $nouns:literal, by $key:ty) => {
        #[doc = concat!("Page of ", $nouns, ".")]
        pub struct $connection {
            list: &'static str,
            items: std::sync::Arc<Vec<($key, $node)>>,
            has_previous: bool,
            has_next: bool,
            total: $crate::paging::Total,
        }

        impl $connection {
            /// A page of a list whose items know their positions.
            pub(crate) fn new(
                list: &'static str,
                slice: db::Slice<($key, $node)>,
                total: $crate::paging::Total,
            ) -> Self {
                Self {
                    list,
                    items: std::sync::Arc::new(slice.items),
                    has_previous: slice.has_previous,
                    has_next: slice.has_next,
                    total,
                }
            }
        }

        #[doc = concat!("Page of ", $nouns, ".")]
        #[async_graphql::Object]
        impl $connection {
            /// Items with their cursors.
            async fn edges(&self) -> Vec<$edge> {
                (0..self.items.len())
                    .map(|index| $edge {
                        list: self.list,
                        items: std::sync::Arc::clone(&self.items),
                        index,
                    })
                    .collect()
            }

            /// Items without cursors.
            async fn nodes(&self) -> $crate::eager::ReadyList<&$node> {
                $crate::eager::ReadyList(self.items.iter().map(|(_, node)| node).collect())
            }

            /// Position of the page in the list.
            async fn page_info(&self) -> $crate::paging::PageInfo {
                let cursor = |item: Option<&($key, _)>| {
                    item.map(|(key, _)| $crate::paging::encode(self.list, key))
                };
                $crate::paging::PageInfo {
                    has_previous_page: self.has_previous,
                    has_next_page: self.has_next,
                    start_cursor: cursor(self.items.first()),
                    end_cursor: cursor(self.items.last()),
                }
            }

            /// Number of items in the whole list; see `totalCountPrecision`. Counted only when selected; null only on error.
            async fn total_count(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> Option<Result<i32, $crate::errors::ApiError>> {
                Some(self.total.get(ctx).await.map(|total| total.0))
            }

            /// Precision of `totalCount`. Null only on error.
            async fn total_count_precision(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> Option<Result<$crate::paging::CountPrecision, $crate::errors::ApiError>> {
                Some(self.total.get(ctx).await.map(|total| total.1))
            }
        }

        #[doc = concat!("Item of a page of ", $nouns, ".")]
        pub struct $edge {
            list: &'static str,
            items: std::sync::Arc<Vec<($key, $node)>>,
            index: usize,
        }

        #[doc = concat!("Item of a page of ", $nouns, ".")]
        #[async_graphql::Object]
        impl $edge {
            /// Position of the item, for `after` and `before`.
            async fn cursor(&self) -> String {
                $crate::paging::encode(self.list, &self.items[self.index].0)
            }

            /// The item.
            async fn node(&self) -> $crate::eager::Ready<&$node> {
                $crate::eager::Ready(&self.items[self.index].1)
            }
        }
    };
}
pub(crate) use connection;

/// Position of a page in its list.
#[derive(async_graphql::SimpleObject)]
pub struct PageInfo {
    /// Cursor of the last item; null on an empty page.
    pub end_cursor: Option<String>,
    /// Whether items follow the page.
    pub has_next_page: bool,
    /// Whether items precede the page.
    pub has_previous_page: bool,
    /// Cursor of the first item; null on an empty page.
    pub start_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_cursors_of_other_lists() {
        let key = (Timestamp::UNIX_EPOCH, Uuid::from_u128(7));
        let cursor = encode("history", &key);
        assert_eq!(decode("history", &cursor), Some(key));
        assert_eq!(decode::<(Timestamp, Uuid)>("entries", &cursor), None);
        assert_eq!(decode::<i64>("history", &cursor), None);
        for bad in ["", "MQ", "☃", "MXxoaXN0b3J5fA"] {
            assert_eq!(decode::<(Timestamp, Uuid)>("history", bad), None, "{bad}");
        }
    }

    #[test]
    fn rejects_pages_out_of_range() {
        let page = |first, last, offset| {
            PageArgs {
                first,
                last,
                offset,
                ..PageArgs::default()
            }
            .page::<i64>("list")
            .is_ok()
        };
        assert!(page(Some(1), None, None) && page(None, Some(100), Some(10_000)));
        for (first, last, offset) in [
            (None, None, None),
            (Some(1), Some(1), None),
            (Some(0), None, None),
            (Some(101), None, None),
            (None, Some(-1), None),
            (Some(1), None, Some(10_001)),
            (Some(1), None, Some(-1)),
        ] {
            assert!(!page(first, last, offset), "{first:?} {last:?} {offset:?}");
        }
    }
}
