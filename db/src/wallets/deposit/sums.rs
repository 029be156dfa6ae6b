//! Deposits of each service by UTC day, by which its ceiling is judged.

use diesel::upsert::excluded;
use domain::money::{Minor, Money};

use crate::prelude::*;
use crate::schema::deposit_sums as sums;

/// Adds to a service's sum of today, which is inserted when it is missing.
macro_rules! add {
    ($tx:expr, $service:expr, $amount:expr, $by:expr) => {
        diesel::insert_into(sums::table)
            .values((
                sums::owner_id.eq($service),
                sums::currency.eq($amount.currency.number),
                sums::day.eq($tx.now().date_naive()),
                sums::amount.eq($by),
            ))
            .on_conflict((sums::owner_id, sums::currency, sums::day))
            .do_update()
            .set(sums::amount.eq(sums::amount + excluded(sums::amount)))
    };
}

/// Locks a service's sum of today and returns it. It comes before wallets in the order of locks. Adding zero has no
/// effect, so a refusal may leave it.
pub(super) async fn lock(tx: &mut Tx, service: Uuid, amount: Money) -> Result<Minor> {
    let locked = add!(tx, service, amount, 0).returning(sums::amount);
    Ok(Minor(locked.get_result(tx.conn()).await?))
}

/// Adds a deposit at the end of the transaction.
pub(super) fn add(tx: &mut Tx, service: Uuid, amount: Money) {
    let add = add!(tx, service, amount, amount.amount.0);
    tx.write_last("deposit_sums", 1, add);
}
