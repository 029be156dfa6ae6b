//! Reads of settlements and clearing accounts.

use domain::money::CurrencyCode;
use domain::time::{hours, plus};
use domain::wallets::settlement::{Settlement, SettlementOutcome};
use domain::wallets::{WalletKind, WalletOwner};

use super::rows::{ClearingAccount, ClearingRow, SettlementRow};
use crate::Db;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::{clearing_accounts, settlements, wallets};
use crate::wallets::{configuration, ids_of};

/// Settlements by id.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[SettlementId],
) -> Result<Vec<Settlement>> {
    let rows: Vec<SettlementRow> = SettlementRow::query()
        .filter(settlements::owner_id.eq_any(ids.iter().map(|id| id.owner.0)))
        .filter(settlements::id.eq_any(ids.iter().map(|id| id.uuid)))
        .load(conn)
        .await?;
    read(db, rows)
}

/// Conditions on settlements, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SettlementFilter {
    /// Owners of the hold, any of which.
    pub owners: Option<Vec<WalletOwner>>,
    /// Name of the service.
    pub issuer: Option<String>,
    /// Outcome for the hold's owner.
    pub outcome: Option<SettlementOutcome>,
    /// Start of the time, included.
    pub from: Option<Timestamp>,
    /// End of the time, excluded.
    pub until: Option<Timestamp>,
    /// Whether nothing meets the conditions.
    pub is_empty: bool,
}

macro_rules! filter_settlements {
    ($query:ident, $filter:expr) => {
        let filter: &SettlementFilter = $filter;
        narrow!($query,
            issuer = &filter.issuer => settlements::issuer.eq(issuer.clone()),
            outcome = filter.outcome => settlements::outcome.eq(outcome.name()),
            from = filter.from => settlements::created_at.ge(from),
            until = filter.until => settlements::created_at.lt(until),
            owners = &filter.owners => settlements::owner_id.eq_any(ids_of(owners))
                .and(crate::wallets::owned_by!("settlements", owners)),
        );
    };
}

/// A page of settlements, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &SettlementFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Settlement>> {
    if filter.is_empty {
        return Ok(Slice::default());
    }
    let mut query = SettlementRow::query().into_boxed::<Pg>();
    filter_settlements!(query, filter);
    let query = keyset!(query, page, [settlements::created_at desc, settlements::id desc]);
    Ok(page.slice(read(db, query.load(conn).await?)?))
}

/// Number of settlements that a filter selects.
pub async fn count(conn: &mut Connection, filter: &SettlementFilter) -> Result<Count> {
    if filter.is_empty {
        return Ok(Count::Exact(0));
    }
    let mut query = settlements::table
        .select(settlements::id)
        .into_boxed::<Pg>();
    filter_settlements!(query, filter);
    count_rows(conn, query).await
}

fn read(db: &Db, rows: Vec<SettlementRow>) -> Result<Vec<Settlement>> {
    let currencies = db.currencies();
    let settlements = rows.into_iter().map(|row| row.into_settlement(currencies));
    settlements.collect()
}

/// Clearing accounts by owner and currency.
pub async fn clearing_by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[(OwnerId, CurrencyCode)],
) -> Result<Vec<ClearingAccount>> {
    let rows: Vec<(ClearingRow, i64)> = with_wallets()
        .filter(wallets::kind.eq(WalletKind::Clearing.name()))
        .filter(clearing_accounts::owner_id.eq_any(ids.iter().map(|(owner, _)| owner.0)))
        .select((ClearingRow::as_select(), wallets::available))
        .load(conn)
        .await?;
    let found = read_clearing(db, rows)?;
    let is_wanted =
        |account: &ClearingAccount| ids.contains(&(account.owner, account.balance.currency.code));
    Ok(found.into_iter().filter(is_wanted).collect())
}

/// Clearing accounts of a reference, by currency.
pub async fn clearing_of(
    db: &Db,
    conn: &mut Connection,
    owner: OwnerId,
) -> Result<Vec<ClearingAccount>> {
    let rows: Vec<(ClearingRow, i64)> = with_wallets()
        .filter(wallets::kind.eq(WalletKind::Clearing.name()))
        .filter(clearing_accounts::owner_id.eq(owner.0))
        .order(clearing_accounts::currency)
        .select((ClearingRow::as_select(), wallets::available))
        .load(conn)
        .await?;
    read_clearing(db, rows)
}

/// Conditions on clearing accounts, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClearingFilter {
    /// Number of the currency.
    pub currency: Option<i16>,
    /// Name of the service.
    pub issuer: Option<String>,
    /// Owner of the account: its reference.
    pub owner: Option<OwnerId>,
    /// Whether it has not been at zero since this time.
    pub is_overdue: Option<(Timestamp, bool)>,
    /// Whether nothing meets the conditions.
    pub is_empty: bool,
}

macro_rules! filter_clearing {
    ($query:ident, $filter:expr) => {
        let filter: &ClearingFilter = $filter;
        narrow!($query,
            currency = filter.currency => clearing_accounts::currency.eq(currency),
            issuer = &filter.issuer => clearing_accounts::issuer.eq(issuer.clone()),
            owner = filter.owner => clearing_accounts::owner_id.eq(owner.0),
            overdue = filter.is_overdue.filter(|(_, is_overdue)| *is_overdue) =>
                clearing_accounts::open_since.le(overdue.0),
            overdue = filter.is_overdue.filter(|(_, is_overdue)| !is_overdue) =>
                clearing_accounts::open_since.is_null().or(clearing_accounts::open_since.gt(overdue.0)),
        );
    };
}

/// A page of clearing accounts, newest first.
pub async fn clearing_list(
    db: &Db,
    conn: &mut Connection,
    filter: &ClearingFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<ClearingAccount>> {
    if filter.is_empty {
        return Ok(Slice::default());
    }
    let mut query = with_wallets()
        .filter(wallets::kind.eq(WalletKind::Clearing.name()))
        .select((ClearingRow::as_select(), wallets::available))
        .into_boxed::<Pg>();
    filter_clearing!(query, filter);
    let query =
        keyset!(query, page, [clearing_accounts::opened_at desc, clearing_accounts::owner_id desc]);
    Ok(page.slice(read_clearing(db, query.load(conn).await?)?))
}

/// Number of clearing accounts that a filter selects.
pub async fn clearing_count(conn: &mut Connection, filter: &ClearingFilter) -> Result<Count> {
    if filter.is_empty {
        return Ok(Count::Exact(0));
    }
    let mut query = clearing_accounts::table
        .select(clearing_accounts::owner_id)
        .into_boxed::<Pg>();
    filter_clearing!(query, filter);
    count_rows(conn, query).await
}

/// Number of clearing accounts that were not at zero for the time of the configuration.
pub async fn count_overdue(conn: &mut Connection, now: Timestamp) -> Result<Count> {
    let age = hours(configuration::in_force(conn).await?.clearing_age_hours);
    let query = clearing_accounts::table
        .filter(clearing_accounts::open_since.le(plus(now, -age)))
        .select(clearing_accounts::owner_id)
        .into_boxed::<Pg>();
    count_rows(conn, query).await
}

/// Clearing accounts with their wallets.
#[diesel::dsl::auto_type(no_type_alias)]
fn with_wallets() -> _ {
    clearing_accounts::table.inner_join(
        wallets::table.on(wallets::owner_id
            .eq(clearing_accounts::owner_id)
            .and(wallets::currency.eq(clearing_accounts::currency))),
    )
}

fn read_clearing(db: &Db, rows: Vec<(ClearingRow, i64)>) -> Result<Vec<ClearingAccount>> {
    let currencies = db.currencies();
    rows.into_iter()
        .map(|(row, balance)| row.with_balance(currencies, balance))
        .collect()
}
