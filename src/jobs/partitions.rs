//! Keeps the partitions of the coming days ready.

use std::time::Duration;

use db::Db;

/// How often to look: partitions are ready seven days ahead.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Makes missing partitions, now and every hour. Every instance may: the database lets one in at a time.
pub async fn run(db: Db) {
    loop {
        if let Err(error) = db
            .read(async |conn| db::clock::ensure_partitions(conn).await)
            .await
        {
            tracing::error!(%error, "Partitions can't be made: {error}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
