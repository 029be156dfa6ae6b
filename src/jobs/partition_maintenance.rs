//! Creates the partitions of the next days, and drops old ones; deletes old sums of velocity rules, which are few.

use std::time::Duration;

use db::{Db, DbError};
use futures_util::FutureExt;

use super::Job;

/// Partitions are created seven days ahead, so an hour is soon enough.
pub const JOB: Job = Job {
    name: "partition_maintenance",
    every: Duration::from_secs(3_600),
    run: |db| run(db).boxed(),
};

async fn run(db: Db) -> Result<(), DbError> {
    db.autocommit(async |conn| db::clock::ensure_partitions(conn).await)
        .await?;
    db.autocommit(async |conn| db::clock::drop_old_partitions(conn).await)
        .await?;
    db.autocommit(async |conn| db::wallets::velocity::delete_old(conn).await)
        .await?;
    Ok(())
}
