//! Hands withdrawals to the provider that pays them out, and records its answers.

use std::time::Duration;

use db::wallets::withdrawal::payout::{due, record};
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;
use crate::custody::{CustodyAdapter, ManualCustody, ask};

/// Withdrawals per batch.
const BATCH: i64 = 100;

/// A processed withdrawal reaches the provider within seconds.
pub const JOB: Job = Job {
    name: "withdrawal_payout",
    every: Duration::from_secs(5),
    run: |db| async move { hand_over(&db, &ManualCustody).await }.boxed(),
};

/// Asks a provider about all withdrawals that are due. An answer is recorded before the next question.
pub async fn hand_over(db: &Db, adapter: &dyn CustodyAdapter) -> Result<(), DbError> {
    loop {
        let reads = db.clone();
        let orders = db.at_primary();
        let orders = orders
            .read(async move |conn| due(&reads, conn, BATCH).await)
            .await?;
        if orders.is_empty() {
            return Ok(());
        }
        for order in orders {
            let answer = ask(adapter, &order).await;
            db.write("wallets.withdrawal_payout", async move |tx| {
                record(tx, order.id, &answer).await
            })
            .await?;
        }
    }
}
