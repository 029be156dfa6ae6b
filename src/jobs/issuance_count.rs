//! Counts what was issued today, by which fundings of treasuries are judged.

use std::time::Duration;

use db::wallets::wallet::commands::issuance_count;
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// A ceiling can be passed by what is posted between two counts. Fundings are refused while the last count is older than a
/// minute.
pub const JOB: Job = Job {
    name: "issuance_count",
    every: Duration::from_secs(1),
    run: |db| run(db).boxed(),
};

async fn run(db: Db) -> Result<(), DbError> {
    db.write("wallets.issuance_count", async move |tx| {
        issuance_count(tx).await
    })
    .await
}
