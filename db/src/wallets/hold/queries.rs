//! Reads of holds.

use diesel::NullableExpressionMethods;
use domain::wallets::WalletOwner;
use domain::wallets::hold::{Hold, HoldStatus};

use super::rows::{HoldRow, with_settlement};
use crate::Db;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::{holds, settlements};
use crate::wallets::{by_external_id, by_uuid, ids_of};

/// Conditions on holds, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HoldFilter {
    /// Owners of the wallet, any of which.
    pub owners: Option<Vec<WalletOwner>>,
    /// Number of the currency.
    pub currency: Option<i16>,
    /// Name of the service that placed it.
    pub issuer: Option<String>,
    /// Kind and id of the object.
    pub reference: Option<(String, String)>,
    /// State.
    pub status: Option<HoldStatus>,
    /// Start of the expiry, included.
    pub expires_from: Option<Timestamp>,
    /// End of the expiry, excluded.
    pub expires_until: Option<Timestamp>,
    /// Whether nothing meets the conditions.
    pub is_empty: bool,
}

/// Holds by id.
pub async fn by_id(db: &Db, conn: &mut Connection, ids: &[HoldId]) -> Result<Vec<Hold>> {
    let rows: Vec<(HoldRow, Option<Uuid>)> = with_settlement()
        .filter(holds::owner_id.eq_any(ids.iter().map(|id| id.owner.0)))
        .filter(holds::id.eq_any(ids.iter().map(|id| id.uuid)))
        .select((HoldRow::as_select(), settlements::id.nullable()))
        .load(conn)
        .await?;
    read(db, rows)
}

by_uuid!(holds, HoldId);
by_external_id!(holds, HoldId, owner_kind);

/// Applies a filter to a boxed query.
macro_rules! filter_holds {
    ($query:ident, $filter:expr) => {
        let filter: &HoldFilter = $filter;
        narrow!($query,
            currency = filter.currency => holds::currency.eq(currency),
            issuer = &filter.issuer => holds::issuer.eq(issuer.clone()),
            reference = &filter.reference => holds::reference_kind.eq(reference.0.clone())
                .and(holds::reference_id.eq(reference.1.clone())),
            status = filter.status => holds::status.eq(status.name()),
            from = filter.expires_from => holds::expires_at.ge(from),
            until = filter.expires_until => holds::expires_at.lt(until),
            owners = &filter.owners => holds::owner_id.eq_any(ids_of(owners)).and(crate::wallets::owned_by!("holds", owners)),
        );
    };
}

/// One page of the holds that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &HoldFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Hold>> {
    if filter.is_empty {
        return Ok(Slice::default());
    }
    let mut query = with_settlement()
        .select((HoldRow::as_select(), settlements::id.nullable()))
        .into_boxed::<Pg>();
    filter_holds!(query, filter);
    let query = keyset!(query, page, [holds::created_at desc, holds::id desc]);
    let rows: Vec<(HoldRow, Option<Uuid>)> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of holds that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &HoldFilter) -> Result<Count> {
    if filter.is_empty {
        return Ok(Count::Exact(0));
    }
    let mut query = holds::table.select(holds::id).into_boxed::<Pg>();
    filter_holds!(query, filter);
    count_rows(conn, query).await
}

/// A page of the holds past their expiry that are not released yet, oldest first.
pub async fn overdue(
    db: &Db,
    conn: &mut Connection,
    now: Timestamp,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Hold>> {
    let query = with_settlement()
        .filter(holds::status.eq(HoldStatus::Held.name()))
        .filter(holds::expires_at.is_not_null())
        .filter(holds::expires_at.le(now))
        .select((HoldRow::as_select(), settlements::id.nullable()))
        .into_boxed::<Pg>();
    let query = keyset!(query, page, [holds::expires_at asc, holds::id asc]);
    let rows: Vec<(HoldRow, Option<Uuid>)> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of holds that have been past their expiry since this time.
pub async fn count_overdue(conn: &mut Connection, since: Timestamp) -> Result<Count> {
    let query = holds::table
        .filter(holds::status.eq(HoldStatus::Held.name()))
        .filter(holds::expires_at.le(since))
        .select(holds::id)
        .into_boxed::<Pg>();
    count_rows(conn, query).await
}

fn read(db: &Db, rows: Vec<(HoldRow, Option<Uuid>)>) -> Result<Vec<Hold>> {
    let currencies = db.currencies();
    rows.into_iter()
        .map(|(row, settlement)| row.into_hold(currencies, settlement))
        .collect()
}
