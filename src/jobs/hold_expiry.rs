//! Releases expired holds. Settling and extending are refused from the expiry on, whether or not it has run.

use std::time::Duration;

use db::wallets::hold::commands::holds_expire;
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// Holds are released within 5 s.
pub const JOB: Job = Job {
    name: "hold_expiry",
    every: Duration::from_secs(2),
    run: |db| run(db).boxed(),
};

/// Runs batches in separate transactions until none is left.
async fn run(db: Db) -> Result<(), DbError> {
    loop {
        let released = db
            .write("wallets.holds_expire", async move |tx| {
                holds_expire(tx).await
            })
            .await?;
        if released == 0 {
            return Ok(());
        }
    }
}
