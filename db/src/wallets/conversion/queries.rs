//! Reads of conversions.

use domain::wallets::conversion::Conversion;

use super::rows::ConversionRow;
use crate::Db;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::conversions;
use crate::wallets::{by_external_id, by_uuid};

/// Conditions on conversions, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConversionFilter {
    /// The person.
    pub user: Option<UserId>,
    /// Number of the currency given.
    pub from: Option<i16>,
    /// Number of the currency received.
    pub to: Option<i16>,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Start of the time, included.
    pub created_from: Option<Timestamp>,
    /// End of the time, excluded.
    pub created_until: Option<Timestamp>,
    /// Whether nothing meets the conditions.
    pub is_empty: bool,
}

/// Conversions by id.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[ConversionId],
) -> Result<Vec<Conversion>> {
    let rows: Vec<ConversionRow> = ConversionRow::query()
        .filter(conversions::owner_id.eq_any(ids.iter().map(|id| id.user.0)))
        .filter(conversions::id.eq_any(ids.iter().map(|id| id.uuid)))
        .load(conn)
        .await?;
    read(db, rows)
}

by_uuid!(conversions, ConversionId);
by_external_id!(conversions, ConversionId);

/// Narrows a query to the conversions that meet the conditions.
macro_rules! filter_conversions {
    ($query:ident, $filter:expr) => {
        let filter: &ConversionFilter = $filter;
        narrow!($query,
            user = filter.user => conversions::owner_id.eq(user.0),
            from = filter.from => conversions::from_currency.eq(from),
            to = filter.to => conversions::to_currency.eq(to),
            external_id = &filter.external_id => conversions::external_id.eq(external_id.clone()),
            from = filter.created_from => conversions::created_at.ge(from),
            until = filter.created_until => conversions::created_at.lt(until),
        );
    };
}

/// One page of the conversions that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &ConversionFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Conversion>> {
    if filter.is_empty {
        return Ok(Slice::default());
    }
    let mut query = ConversionRow::query().into_boxed::<Pg>();
    filter_conversions!(query, filter);
    let query = keyset!(query, page, [conversions::created_at desc, conversions::id desc]);
    let rows: Vec<ConversionRow> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of conversions that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &ConversionFilter) -> Result<Count> {
    if filter.is_empty {
        return Ok(Count::Exact(0));
    }
    let mut query = conversions::table
        .select(conversions::id)
        .into_boxed::<Pg>();
    filter_conversions!(query, filter);
    count_rows(conn, query).await
}

fn read(db: &Db, rows: Vec<ConversionRow>) -> Result<Vec<Conversion>> {
    let currencies = db.currencies();
    rows.into_iter()
        .map(|row| row.into_conversion(currencies))
        .collect()
}
