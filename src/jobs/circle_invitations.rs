//! Stores that invitations into circles expired. Time alone ends them; this tells the platform, and keeps few pending.

use std::time::Duration;

use db::mining::commands::circle_invitations_expire;
use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// What is read is judged by time anyway, so a minute is soon enough.
pub const JOB: Job = Job {
    name: "circle-invitations",
    every: Duration::from_secs(60),
    run: |db| run(db).boxed(),
};

/// One batch after the other, each in a transaction of its own, until nothing is left or somebody else holds the rest.
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
