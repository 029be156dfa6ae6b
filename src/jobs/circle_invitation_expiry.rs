//! Stores the expiry of circle invitations, and writes their events. Reads decide expiry by time.

use std::time::Duration;

use db::mining::circle::commands::circle_invitations_expire;
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// Reads decide expiry by time, so a minute is soon enough.
pub const JOB: Job = Job {
    name: "circle_invitation_expiry",
    every: Duration::from_secs(60),
    run: |db| run(db).boxed(),
};

/// Runs batches in separate transactions until none is left or the rest is locked.
async fn run(db: Db) -> Result<(), DbError> {
    loop {
        let stored = db
            .write("mining.circle_invitations_expire", async move |tx| {
                circle_invitations_expire(tx).await
            })
            .await?;
        if stored == 0 {
            return Ok(());
        }
    }
}
