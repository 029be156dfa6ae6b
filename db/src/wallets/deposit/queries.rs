//! Reads of deposits.

use domain::wallets::deposit::{Deposit, DepositStatus};
use domain::wallets::{ProviderPayment, WalletOwner};

use super::rows::DepositRow;
use crate::Db;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::deposits;
use crate::wallets::by_uuid;
use crate::wallets::directory::{self, Space};

/// Conditions on deposits, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DepositFilter {
    /// Owner of the credited wallet.
    pub owner: Option<WalletOwner>,
    /// Name of the provider.
    pub provider: Option<String>,
    /// Key of the payment at the provider.
    pub reference: Option<String>,
    /// Start of the time it was recorded, included.
    pub received_from: Option<Timestamp>,
    /// End of the time it was recorded, excluded.
    pub received_until: Option<Timestamp>,
    /// State.
    pub status: Option<DepositStatus>,
}

/// Deposits by id.
pub async fn by_id(db: &Db, conn: &mut Connection, ids: &[DepositId]) -> Result<Vec<Deposit>> {
    let rows: Vec<DepositRow> = DepositRow::query()
        .filter(deposits::owner_id.eq_any(ids.iter().map(|id| id.owner.0)))
        .filter(deposits::id.eq_any(ids.iter().map(|id| id.uuid)))
        .load(conn)
        .await?;
    read(db, rows)
}

by_uuid!(deposits, DepositId);

/// The ids of deposits by their uuids alone; a read over all shards.
pub async fn by_uuids(conn: &mut Connection, uuids: &[Uuid]) -> Result<Vec<DepositId>> {
    let rows: Vec<(Uuid, Uuid)> = deposits::table
        .filter(deposits::id.eq_any(uuids))
        .select((deposits::owner_id, deposits::id))
        .load(conn)
        .await?;
    let ids = rows.into_iter();
    Ok(ids.map(|(owner, uuid)| [owner, uuid].into()).collect())
}

/// The id of a payment's deposit.
pub async fn by_payment(
    conn: &mut Connection,
    payment: &ProviderPayment,
) -> Result<Option<DepositId>> {
    let found = directory::find(conn, Space::Payment, payment).await?;
    Ok(found.map(Into::into))
}

/// Narrows a query to the deposits that meet the conditions.
macro_rules! filter_deposits {
    ($query:ident, $filter:expr) => {
        let filter: &DepositFilter = $filter;
        narrow!($query,
            owner = filter.owner => deposits::credited_id.eq(owner.id).and(deposits::credited_kind.eq(owner.kind.name())),
            provider = &filter.provider => deposits::provider.eq(provider.clone()),
            reference = &filter.reference => deposits::reference.eq(reference.clone()),
            from = filter.received_from => deposits::received_at.ge(from),
            until = filter.received_until => deposits::received_at.lt(until),
        );
        match filter.status {
            Some(DepositStatus::Credited) => $query = $query.filter(deposits::credited_id.is_not_null()),
            Some(DepositStatus::Unmatched) => $query = $query.filter(deposits::credited_id.is_null()),
            None => {}
        }
    };
}

/// One page of the deposits that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &DepositFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Deposit>> {
    let mut query = DepositRow::query().into_boxed::<Pg>();
    filter_deposits!(query, filter);
    let query = keyset!(query, page, [deposits::received_at desc, deposits::id desc]);
    let rows: Vec<DepositRow> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of deposits that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &DepositFilter) -> Result<Count> {
    let mut query = deposits::table.select(deposits::id).into_boxed::<Pg>();
    filter_deposits!(query, filter);
    count_rows(conn, query).await
}

fn read(db: &Db, rows: Vec<DepositRow>) -> Result<Vec<Deposit>> {
    let currencies = db.currencies();
    rows.into_iter()
        .map(|row| row.into_deposit(currencies))
        .collect()
}
