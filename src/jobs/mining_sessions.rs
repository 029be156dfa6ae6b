//! Writes down which sessions ran to their end and which were not claimed in time, and tells their miners.

use std::time::Duration;

use db::mining::commands::{Place, sessions_settle};
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// People are told of a session's end within a minute; what is shown and what can be claimed follows from time alone.
pub const JOB: Job = Job {
    name: "mining-sessions",
    every: Duration::from_secs(60),
    run: |db| run(db).boxed(),
};

async fn run(db: Db) -> Result<(), DbError> {
    let mut next = Some(Place::START);
    while let Some(from) = next {
        let batch = db
            .write("mining.sessions_settle", async move |tx| {
                sessions_settle(tx, from).await
            })
            .await?;
        if batch.completed + batch.expired > 0 {
            let (completed, expired) = (batch.completed, batch.expired);
            tracing::info!(
                completed,
                expired,
                "Settled {} sessions",
                completed + expired
            );
        }
        next = batch.next;
    }
    Ok(())
}
