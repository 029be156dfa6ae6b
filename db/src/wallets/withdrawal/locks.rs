//! Withdrawals inside a transaction: found, then locked before the wallets.

use diesel::dsl::{Eq, Filter, Find};
use domain::wallets::withdrawal::{Withdrawal, WithdrawalStatus};

use super::queries;
use super::rows::WithdrawalRow;
use crate::prelude::*;
use crate::schema::withdrawals;

/// A withdrawal, without a lock: its owner, amount and issuer never change.
pub(super) async fn find(tx: &mut Tx, id: WithdrawalId) -> Result<Option<Withdrawal>> {
    let query = WithdrawalRow::query().find((id.owner.0, id.uuid));
    let row: Option<WithdrawalRow> = query.first(tx.conn()).await.optional()?;
    read(tx, row)
}

/// Locks a withdrawal.
pub(super) async fn lock(tx: &mut Tx, id: WithdrawalId) -> Result<Option<Withdrawal>> {
    let query = WithdrawalRow::query().find((id.owner.0, id.uuid));
    let locked = query.for_no_key_update();
    let row: Option<WithdrawalRow> = locked.first(tx.conn()).await.optional()?;
    read(tx, row)
}

/// The withdrawal with the same external id.
pub(super) async fn by_external_id(tx: &mut Tx, withdrawal: &Withdrawal) -> Result<Option<Uuid>> {
    let Some(external_id) = &withdrawal.external_id else {
        return Ok(None);
    };
    let Withdrawal { owner, issuer, .. } = withdrawal;
    let found = queries::by_external_id(tx.conn(), *owner, issuer, external_id).await?;
    Ok(found.map(|id| id.uuid))
}

type InStatus =
    Filter<Find<withdrawals::table, (Uuid, Uuid)>, Eq<withdrawals::status, &'static str>>;

/// The row of a withdrawal, while it has a status.
pub(super) fn in_status(id: WithdrawalId, status: WithdrawalStatus) -> InStatus {
    withdrawals::table
        .find((id.owner.0, id.uuid))
        .filter(withdrawals::status.eq(status.name()))
}

fn read(tx: &Tx, row: Option<WithdrawalRow>) -> Result<Option<Withdrawal>> {
    row.map(|row| row.into_withdrawal(tx.currencies()))
        .transpose()
}
