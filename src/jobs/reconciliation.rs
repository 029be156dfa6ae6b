//! Checks the ledger: hourly, and when somebody requests it. Mismatches are stored, logged and published, never corrected.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use db::wallets::reconciliation::checker::{self, Scope};
use db::wallets::reconciliation::commands;
use db::{Db, DbError};
use futures_util::FutureExt;
use uuid::Uuid;

use super::Job;

/// Looks for a run that is due, and carries it out on one snapshot of the whole ledger.
pub const JOB: Job = Job {
    name: "reconciliation",
    every: Duration::from_secs(1),
    run: |db| run(db).boxed(),
};

async fn run(db: Db) -> Result<(), DbError> {
    let Some(id) = commands::due_run(&db).await? else {
        return Ok(());
    };
    let carried_out = AssertUnwindSafe(carry_out(&db, id)).catch_unwind().await;
    match carried_out {
        Ok(Ok(())) => Ok(()),
        // An aborted run is repeated after a minute; one that is left running would be repeated at once.
        Ok(Err(error)) => {
            commands::abort(&db, id).await?;
            Err(error)
        }
        Err(panic) => {
            commands::abort(&db, id).await?;
            std::panic::resume_unwind(panic)
        }
    }
}

async fn carry_out(db: &Db, id: Uuid) -> Result<(), DbError> {
    let report = checker::check(db, Scope::All).await?;
    for mismatch in &report.mismatches {
        let (rule, detail) = (&mismatch.rule, &mismatch.detail);
        tracing::error!(rule, detail, "Ledger mismatch: {rule}: {detail}");
    }
    commands::finish(db, id, report).await
}
