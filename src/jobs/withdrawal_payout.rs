//! Hands withdrawals to the provider that pays them out, and records its answers.

use std::time::Duration;

use db::wallets::withdrawal::payout::{claim, due, record};
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

/// Asks a provider about all withdrawals that are due. Each is looked at again before, and its answer recorded before the next
/// question. One that fails does not keep the others.
pub async fn hand_over(db: &Db, adapter: &dyn CustodyAdapter) -> Result<(), DbError> {
    let mut failed = None;
    loop {
        let primary = db.at_primary();
        let due = primary.read(async |conn| due(conn, BATCH).await).await?;
        if due.is_empty() {
            return failed.map_or(Ok(()), Err);
        }
        for id in due {
            let claimed = db.write("wallets.withdrawal_claim", async move |tx| {
                claim(tx, id).await
            });
            let Some(order) = claimed.await? else {
                continue;
            };
            let answer = ask(adapter, &order).await;
            let recorded = db.write("wallets.withdrawal_payout", async move |tx| {
                record(tx, id, &answer).await
            });
            if let Err(error) = recorded.await {
                tracing::error!(withdrawal = %id.uuid, %error, "the provider's answer can't be recorded");
                failed = Some(error);
            }
        }
    }
}
