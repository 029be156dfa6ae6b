//! Checks the ledger. Mismatches are stored and logged, never corrected.

use std::time::Duration;

use db::wallets::reconciliation::checker::{self, Scope};
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// Reads the whole ledger in one snapshot.
pub const JOB: Job = Job {
    name: "reconciliation",
    every: Duration::from_secs(3_600),
    run: |db| run(db).boxed(),
};

async fn run(db: Db) -> Result<(), DbError> {
    let started_at = db.read(async |conn| db::clock::now(conn).await).await?;
    let report = checker::check(&db, Scope::All).await?;
    for mismatch in &report.mismatches {
        let (rule, detail) = (mismatch.rule, &mismatch.detail);
        tracing::error!(rule, detail, "Ledger mismatch: {rule}: {detail}");
    }
    checker::store(&db, report, started_at).await
}
