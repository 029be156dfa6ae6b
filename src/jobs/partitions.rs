//! Keeps the partitions of the coming days ready.

use std::time::Duration;

use db::Db;

use crate::telemetry::Telemetry;

/// How often to look: partitions are ready seven days ahead.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Makes missing partitions, now and every hour. Every instance may: the database lets one in at a time.
pub async fn run(db: Db, telemetry: Telemetry) {
    loop {
        let making = db.read(async |conn| db::clock::ensure_partitions(conn).await);
        if let Err(error) = telemetry.job("partitions", making).await {
            tracing::error!(%error, "Partitions can't be made: {error}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
