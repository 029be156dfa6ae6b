//! Checks the ledger. What it finds is stored and shouted, never mended.

use std::time::Duration;

use db::wallets::checker;
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// It reads the whole ledger, in one snapshot.
pub const JOB: Job = Job {
    name: "ledger-check",
    every: Duration::from_secs(3_600),
    run: |db| run(db).boxed(),
};

async fn run(db: Db) -> Result<(), DbError> {
    let started_at = db.read(async |conn| db::clock::now(conn).await).await?;
    let report = checker::check(&db).await?;
    for mismatch in &report.mismatches {
        let (rule, detail) = (mismatch.rule, &mismatch.detail);
        tracing::error!(rule, detail, "The ledger is wrong: {rule}: {detail}");
    }
    checker::store(&db, report, started_at).await
}
