//! How lists are cut: Relay connections over keyset pages.

use async_graphql::{Context, Enum};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Datelike;
use db::mining::circles::{self, CircleFilter};
use db::mining::queries::{MinerFilter, MinerKey};
use db::{Count, Page};
use domain::ids::MinerId;
use domain::mining::InvitationStatus;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::errors::ApiError;
use crate::mining::loaders::HistoryCountOf;
use crate::platform::loaders::AuditLogCountOf;
use crate::request::Asked;

/// Items of a page, at most.
const LARGEST_PAGE: i32 = 100;
/// Items a staff list may skip, at most.
const LARGEST_OFFSET: i32 = 10_000;

/// A connection's arguments.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageArgs {
    pub first: Option<i32>,
    pub last: Option<i32>,
    pub after: Option<String>,
    pub before: Option<String>,
    pub offset: Option<i32>,
}

impl PageArgs {
    /// Reads the arguments as a page of a list.
    pub fn page<K: CursorKey>(&self, list: &str) -> Result<Page<K>, ApiError> {
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
                            "this is no cursor of this list in this order: take one from `cursor` or `pageInfo`, as it is",
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

/// What a cursor stands for: the place of an item in an order.
pub(crate) trait CursorKey: Sized {
    /// The place as text.
    fn write(&self) -> String;
    /// Reads the text of a place.
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

/// Reads a moment of a cursor.
fn moment(micros: &str) -> Option<Timestamp> {
    // Nothing of ours happened before 1970 or will after 9999, and PostgreSQL doesn't know every year chrono does.
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

impl CursorKey for MinerKey {
    fn write(&self) -> String {
        match self {
            Self::CreatedAt(at, id) => format!("c{}", (*at, *id).write()),
            Self::TotalMinedPoints(points, id) => format!("p{points}:{}", id.simple()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('c') {
            let (at, id) = <(Timestamp, Uuid)>::read(rest)?;
            return Some(Self::CreatedAt(at, id));
        }
        let (points, id) = text.strip_prefix('p')?.split_once(':')?;
        Some(Self::TotalMinedPoints(
            points.parse().ok()?,
            Uuid::try_parse(id).ok()?,
        ))
    }
}

/// Writes a cursor: the version of its form, the list and order it belongs to, and the place.
pub(crate) fn encode<K: CursorKey>(list: &str, key: &K) -> String {
    URL_SAFE_NO_PAD.encode(format!("1|{list}|{}", key.write()))
}

fn decode<K: CursorKey>(list: &str, cursor: &str) -> Option<K> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = plain.splitn(3, '|');
    let known = parts.next() == Some("1") && parts.next() == Some(list);
    K::read(parts.next().filter(|_| known)?)
}

/// Whether a number is exact.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountPrecision {
    /// It is.
    Exact,
    /// It is so many or more: counting on would cost more than it is worth.
    AtLeast,
}

/// Where a connection's total comes from; counted only when it is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Total {
    /// It is known.
    Known(i64),
    /// Miners that a filter lets through.
    Miners(MinerFilter),
    /// Circles that a filter lets through.
    Circles(CircleFilter),
    /// Invitations a miner received, of one status or of any.
    Received(MinerId, Option<InvitationStatus>),
    /// Referrals that a filter lets through.
    Referrals(db::mining::referrals::Filter),
    /// Lines of a miner's history.
    History(MinerId),
    /// Approvals of a status.
    Approvals(Option<domain::approval::ApprovalStatus>),
    /// Entries of the audit log that a filter lets through.
    AuditLog(db::audit_log::Filter),
    /// Entries of the audit log about one thing.
    AuditLogOf(db::audit_log::Entity),
}

impl Total {
    pub async fn count(&self, ctx: &Context<'_>) -> Result<Count, ApiError> {
        Ok(match self {
            Self::Known(count) => Count::Exact(*count),
            Self::Miners(filter) => {
                let filter = filter.clone();
                ctx.db()
                    .read(async move |conn| db::mining::queries::miners_count(conn, &filter).await)
                    .await?
            }
            Self::Approvals(status) => {
                let status = *status;
                ctx.db()
                    .read(async move |conn| db::approvals::count(conn, status).await)
                    .await?
            }
            Self::Circles(filter) => {
                let filter = filter.clone();
                ctx.db()
                    .read(async move |conn| circles::count(conn, &filter).await)
                    .await?
            }
            Self::Received(miner, status) => {
                let (miner, status) = (*miner, *status);
                ctx.db()
                    .read(async move |conn| circles::received_count(conn, miner, status).await)
                    .await?
            }
            Self::Referrals(filter) => {
                let filter = *filter;
                ctx.db()
                    .read(async move |conn| db::mining::referrals::count(conn, &filter).await)
                    .await?
            }
            Self::AuditLog(filter) => {
                let filter = filter.clone();
                ctx.db()
                    .read(async move |conn| db::audit_log::count(conn, &filter).await)
                    .await?
            }
            Self::AuditLogOf(entity) => {
                let loaded = ctx
                    .operation()
                    .platform
                    .load_one(AuditLogCountOf(*entity))
                    .await?;
                loaded.unwrap_or(Count::Exact(0))
            }
            Self::History(miner) => {
                let loaded = ctx
                    .operation()
                    .mining
                    .load_one(HistoryCountOf(*miner))
                    .await?;
                loaded.unwrap_or(Count::Exact(0))
            }
        })
    }
}

/// Splits a count into what fields show.
pub(crate) fn shown(count: Count) -> (i32, CountPrecision) {
    let (count, precision) = match count {
        Count::Exact(count) => (count, CountPrecision::Exact),
        Count::AtLeast(count) => (count, CountPrecision::AtLeast),
    };
    (i32::try_from(count).unwrap_or(i32::MAX), precision)
}

/// Declares a connection type and its edge type over a node type, whose places are keys of a type.
macro_rules! connection {
    ($(#[$doc:meta])* $connection:ident, $(#[$edge_doc:meta])* $edge:ident, $node:ty, by $key:ty) => {
        $(#[$doc])*
        pub struct $connection {
            list: &'static str,
            items: std::sync::Arc<Vec<($key, $node)>>,
            has_previous: bool,
            has_next: bool,
            total: $crate::paging::Total,
        }

        impl $connection {
            /// Makes a connection of a slice of a list whose items know their places.
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

        $(#[$doc])*
        #[async_graphql::Object]
        impl $connection {
            /// The items with their cursors.
            async fn edges(&self) -> Vec<$edge> {
                (0..self.items.len())
                    .map(|index| $edge {
                        list: self.list,
                        items: std::sync::Arc::clone(&self.items),
                        index,
                    })
                    .collect()
            }

            /// The items alone.
            async fn nodes(&self) -> $crate::plain::ReadyList<&$node> {
                $crate::plain::ReadyList(self.items.iter().map(|(_, node)| node).collect())
            }

            /// Where this page lies in the list.
            async fn page_info(&self) -> async_graphql::connection::PageInfo {
                let cursor = |item: Option<&($key, _)>| {
                    item.map(|(key, _)| $crate::paging::encode(self.list, key))
                };
                async_graphql::connection::PageInfo {
                    has_previous_page: self.has_previous,
                    has_next_page: self.has_next,
                    start_cursor: cursor(self.items.first()),
                    end_cursor: cursor(self.items.last()),
                }
            }

            /// How many items the whole list has; exact to 10,000. Counted only when it is asked for.
            async fn total_count(&self, ctx: &async_graphql::Context<'_>) -> Option<Result<i32, $crate::errors::ApiError>> {
                Some(self.total.count(ctx).await.map(|count| $crate::paging::shown(count).0))
            }

            /// Whether `totalCount` is exact.
            async fn total_count_precision(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> Option<Result<$crate::paging::CountPrecision, $crate::errors::ApiError>> {
                Some(self.total.count(ctx).await.map(|count| $crate::paging::shown(count).1))
            }
        }

        $(#[$edge_doc])*
        pub struct $edge {
            list: &'static str,
            items: std::sync::Arc<Vec<($key, $node)>>,
            index: usize,
        }

        $(#[$edge_doc])*
        #[async_graphql::Object]
        impl $edge {
            /// Where the item stands: give it as `after` or `before`.
            async fn cursor(&self) -> String {
                $crate::paging::encode(self.list, &self.items[self.index].0)
            }

            /// The item.
            async fn node(&self) -> $crate::plain::Ready<&$node> {
                $crate::plain::Ready(&self.items[self.index].1)
            }
        }
    };
}
pub(crate) use connection;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_fits_its_own_list_only() {
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
    fn pages_have_limits() {
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
