//! Hourly sums of what each person does alone, by which dual control is judged.

use diesel::upsert::excluded;
use domain::money::{CurrencyCode, Minor};
use domain::platform::{DoneAlone, first_hour, hour_before, hour_of, needs_second_person};

use crate::Owner;
use crate::prelude::*;
use crate::schema::dual_control_sums as sums;
use crate::wallets::configuration::dual_control_limit;

/// `for_kind` of the sum over all owners.
const ALL: &str = "ALL";

/// An amount that a person wants to move alone.
pub(crate) struct Alone {
    /// The person.
    pub by: UserId,
    /// Owner to whom or from whom the amount moves.
    pub owner: Owner,
    /// Currency.
    pub currency: CurrencyCode,
    /// Amount, positive or negative.
    pub amount: Minor,
}

/// A sum of a person.
#[derive(Clone, Copy, Insertable)]
#[diesel(table_name = sums)]
struct Row {
    owner_id: Uuid,
    currency: i16,
    hour: Timestamp,
    for_kind: &'static str,
    for_id: Uuid,
    amount: i64,
}

/// Adds amounts to sums, which are inserted where they are missing.
macro_rules! add {
    ($rows:expr) => {
        diesel::insert_into(sums::table)
            .values($rows)
            .on_conflict((
                sums::owner_id,
                sums::currency,
                sums::hour,
                sums::for_kind,
                sums::for_id,
            ))
            .do_update()
            .set(sums::amount.eq(sums::amount + excluded(sums::amount)))
    };
}

/// Whether a command may be carried out without a second person. If so, its amount is added to the person's sums at the
/// end of the transaction.
///
/// Locks the person's sums, so it is called before wallets are locked, and once per transaction.
pub(crate) async fn may_act_alone(tx: &mut Tx, alone: &Alone) -> Result<bool> {
    let currency = tx.currency(alone.currency).await?;
    let currency = currency
        .ok_or_else(|| DbError::inconsistent("currencies", "code", alone.currency))?
        .number;
    let limit = dual_control_limit(tx.conn(), alone.currency).await?;
    let hour = hour_of(tx.now());
    let in_all = Row {
        owner_id: alone.by.0,
        currency,
        hour,
        for_kind: ALL,
        for_id: Uuid::nil(),
        amount: 0,
    };
    lock(tx, in_all).await?;
    let done = done(tx, in_all, alone.owner).await?;
    if needs_second_person(alone.amount, limit, done) {
        return Ok(false);
    }
    let amount = i64::try_from(alone.amount.0.unsigned_abs())
        .map_err(|_| DbError::inconsistent("dual_control_sums", "amount", alone.amount.0))?;
    let in_all = Row { amount, ..in_all };
    let to_owner = Row {
        for_kind: alone.owner.kind,
        for_id: alone.owner.id,
        ..in_all
    };
    tx.write_last("dual_control_sums", 2, add!([in_all, to_owner]));
    Ok(true)
}

/// Locks a person's sums over all owners of this hour and of the hour before. Two commands on both sides of a full hour
/// share one of them, so they exclude each other, too. A sum of zero has no effect, so a refusal may leave it.
async fn lock(tx: &mut Tx, in_all: Row) -> Result<()> {
    let before = Row {
        hour: hour_before(in_all.hour),
        ..in_all
    };
    add!([before, in_all]).execute(tx.conn()).await?;
    Ok(())
}

/// Reads a person's sums under their lock.
async fn done(tx: &mut Tx, in_all: Row, owner: Owner) -> Result<DoneAlone> {
    let of_owner = sums::for_kind.eq(owner.kind).and(sums::for_id.eq(owner.id));
    let rows: Vec<(String, i64)> = sums::table
        .filter(sums::owner_id.eq(in_all.owner_id))
        .filter(sums::currency.eq(in_all.currency))
        .filter(sums::hour.ge(first_hour(in_all.hour)))
        .filter(sums::for_kind.eq(ALL).or(of_owner))
        .select((sums::for_kind, sums::amount))
        .load(tx.conn())
        .await?;
    let mut done = DoneAlone::default();
    for (kind, amount) in rows {
        let sum = if kind == ALL {
            &mut done.in_all
        } else {
            &mut done.to_owner
        };
        *sum = sum.plus(Minor(amount))?;
    }
    Ok(done)
}
