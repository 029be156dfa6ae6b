//! Hourly sums of each owner's operations, by which velocity rules are judged.

use chrono::TimeDelta;
use diesel::upsert::excluded;
use domain::money::{Minor, Money};
use domain::platform::{first_hour, hour_of};
use domain::wallets::{
    Exceeded, HourlySum, VelocityOperation, VelocityRule, WalletConfiguration, WalletOwner,
    exceeded,
};

use crate::prelude::*;
use crate::schema::velocity_sums as sums;

/// The rule that an operation would exceed. The caller holds the lock of the owner's wallet.
pub(super) async fn check(
    tx: &mut Tx,
    configuration: &WalletConfiguration,
    operation: VelocityOperation,
    owner: WalletOwner,
    amount: Money,
) -> Result<Option<Exceeded>> {
    let rules = Rules::of(configuration, operation, amount, tx.now());
    let hourly = rules.sums(tx.conn(), owner).await?;
    Ok(rules.exceeded(&hourly))
}

/// The rules of an operation with an amount at a time.
#[derive(Clone)]
pub(super) struct Rules {
    rules: Vec<VelocityRule>,
    operation: VelocityOperation,
    amount: Money,
    at: Timestamp,
}

impl Rules {
    /// The rules in force for the amount's currency.
    pub fn of(
        configuration: &WalletConfiguration,
        operation: VelocityOperation,
        amount: Money,
        at: Timestamp,
    ) -> Self {
        let rules = configuration.velocity(operation, amount.currency.code);
        Self {
            rules: rules.copied().collect(),
            operation,
            amount,
            at,
        }
    }

    /// The sums by which they are judged; not read without a rule. The caller holds the lock of the owner's wallet.
    pub async fn sums(&self, mut conn: &Connection, owner: WalletOwner) -> Result<Vec<HourlySum>> {
        if self.rules.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(Timestamp, i32, i64)> = sums::table
            .filter(sums::owner_id.eq(owner.id))
            .filter(sums::owner_kind.eq(owner.kind.name()))
            .filter(sums::currency.eq(self.amount.currency.number))
            .filter(sums::operation.eq(self.operation.name()))
            .filter(sums::hour.ge(first_hour(hour_of(self.at))))
            .select((sums::hour, sums::count, sums::amount))
            .load(&mut conn)
            .await?;
        let hourly = rows.into_iter().map(|(hour, count, sum)| {
            Ok(HourlySum {
                hour,
                count: fit("velocity_sums", "count", count)?,
                amount: Minor(sum),
            })
        });
        hourly.collect()
    }

    /// The rule that the amount would exceed.
    pub fn exceeded(&self, hourly: &[HourlySum]) -> Option<Exceeded> {
        exceeded(&self.rules, hourly, self.amount.amount, self.at)
    }
}

/// Deletes sums that no rule counts any more.
pub async fn delete_old(conn: &mut Connection) -> Result<usize> {
    let now = crate::clock::now(conn).await?;
    let old = sums::hour.lt(first_hour(hour_of(now)) - TimeDelta::days(1));
    Ok(diesel::delete(sums::table.filter(old))
        .execute(conn)
        .await?)
}

/// Takes an operation that had no effect out of the sums of the hour in which it began, at the end of the transaction.
/// Sums that no rule counts any more stay as they are.
pub(super) fn give_back(
    tx: &mut Tx,
    operation: VelocityOperation,
    owner: WalletOwner,
    amount: Money,
    began_at: Timestamp,
) {
    if hour_of(began_at) < first_hour(hour_of(tx.now())) {
        return;
    }
    let row = sums::table.find((
        owner.id,
        owner.kind.name(),
        amount.currency.number,
        operation.name(),
        hour_of(began_at),
    ));
    let change = (
        sums::count.eq(sums::count - 1),
        sums::amount.eq(sums::amount - amount.amount.0),
    );
    tx.write_last("velocity_sums", 1, diesel::update(row).set(change));
}

/// Adds an operation to the sums, at the end of the transaction. Sums are kept without a rule too: one that is added
/// counts what was done before.
pub(super) fn add(tx: &mut Tx, operation: VelocityOperation, owner: WalletOwner, amount: Money) {
    let row = (
        sums::owner_id.eq(owner.id),
        sums::owner_kind.eq(owner.kind.name()),
        sums::currency.eq(amount.currency.number),
        sums::operation.eq(operation.name()),
        sums::hour.eq(hour_of(tx.now())),
        sums::count.eq(1),
        sums::amount.eq(amount.amount.0),
    );
    let add = diesel::insert_into(sums::table)
        .values(row)
        .on_conflict((
            sums::owner_id,
            sums::owner_kind,
            sums::currency,
            sums::operation,
            sums::hour,
        ))
        .do_update()
        .set((
            sums::count.eq(sums::count + excluded(sums::count)),
            sums::amount.eq(sums::amount + excluded(sums::amount)),
        ));
    tx.write_last("velocity_sums", 1, add);
}
