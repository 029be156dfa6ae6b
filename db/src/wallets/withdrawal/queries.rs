//! Reads of withdrawals.

use domain::wallets::WalletOwner;
use domain::wallets::withdrawal::{Withdrawal, WithdrawalStatus};

use super::rows::WithdrawalRow;
use crate::Db;
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::withdrawals;
use crate::wallets::{by_external_id, by_uuid, ids_of};

/// Conditions on withdrawals, which all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WithdrawalFilter {
    /// Owners of the wallet, any of which.
    pub owners: Option<Vec<WalletOwner>>,
    /// Number of the currency.
    pub currency: Option<i16>,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Start of the request, included.
    pub requested_from: Option<Timestamp>,
    /// End of the request, excluded.
    pub requested_until: Option<Timestamp>,
    /// State.
    pub status: Option<WithdrawalStatus>,
}

/// Withdrawals by id.
pub async fn by_id(
    db: &Db,
    conn: &mut Connection,
    ids: &[WithdrawalId],
) -> Result<Vec<Withdrawal>> {
    let rows: Vec<WithdrawalRow> = WithdrawalRow::query()
        .filter(withdrawals::owner_id.eq_any(ids.iter().map(|id| id.owner.0)))
        .filter(withdrawals::id.eq_any(ids.iter().map(|id| id.uuid)))
        .load(conn)
        .await?;
    read(db, rows)
}

by_uuid!(withdrawals, WithdrawalId);
by_external_id!(withdrawals, WithdrawalId, owner_kind);

/// Narrows a query to the withdrawals that meet the conditions.
macro_rules! filter_withdrawals {
    ($query:ident, $filter:expr) => {
        let filter: &WithdrawalFilter = $filter;
        narrow!($query,
            currency = filter.currency => withdrawals::currency.eq(currency),
            external_id = &filter.external_id => withdrawals::external_id.eq(external_id.clone()),
            from = filter.requested_from => withdrawals::requested_at.ge(from),
            until = filter.requested_until => withdrawals::requested_at.lt(until),
            status = filter.status => withdrawals::status.eq(status.name()),
            owners = &filter.owners => withdrawals::owner_id.eq_any(ids_of(owners))
                .and(crate::wallets::owned_by!("withdrawals", owners)),
        );
    };
}

/// One page of the withdrawals that meet the conditions, newest first.
pub async fn list(
    db: &Db,
    conn: &mut Connection,
    filter: &WithdrawalFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Slice<Withdrawal>> {
    let mut query = WithdrawalRow::query().into_boxed::<Pg>();
    filter_withdrawals!(query, filter);
    let query = keyset!(query, page, [withdrawals::requested_at desc, withdrawals::id desc]);
    let rows: Vec<WithdrawalRow> = query.load(conn).await?;
    Ok(page.slice(read(db, rows)?))
}

/// Number of withdrawals that meet the conditions.
pub async fn count(conn: &mut Connection, filter: &WithdrawalFilter) -> Result<Count> {
    let mut query = withdrawals::table
        .select(withdrawals::id)
        .into_boxed::<Pg>();
    filter_withdrawals!(query, filter);
    count_rows(conn, query).await
}

fn read(db: &Db, rows: Vec<WithdrawalRow>) -> Result<Vec<Withdrawal>> {
    let currencies = db.currencies();
    rows.into_iter()
        .map(|row| row.into_withdrawal(currencies))
        .collect()
}
