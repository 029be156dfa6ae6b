//! Stores which sessions were completed or expired, and writes their events.

use std::time::Duration;

use db::mining::session::settle::{Place, sessions_settle};
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// Events follow the end of a session within a minute. Reads and claims decide by time.
pub const JOB: Job = Job {
    name: "mining_session_completion",
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
