//! Announces events to all instances after their transactions, in one notification for all that are waiting.

use std::time::Duration;

use db::Db;

/// Interval at which events of other instances are looked for, which may have died before announcing them.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Time in which events gather after a batch. The first one after a pause is announced at once.
const GATHER: Duration = Duration::from_millis(10);

/// Announces this instance's events as they are written, and leftover events of all instances. Never ends.
pub async fn run(db: Db, has_broker: bool) {
    loop {
        tokio::select! {
            () = db.event_written() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        loop {
            match db
                .autocommit(async move |conn| db::outbox::announce(conn, has_broker).await)
                .await
            {
                Ok(0) => break,
                Ok(announced) => metrics::counter!("goodgo_events_announced_total")
                    .increment(announced.unsigned_abs()),
                Err(error) => {
                    tracing::warn!(%error, "Events can't be announced yet: {error}");
                    break;
                }
            }
        }
        tokio::time::sleep(GATHER).await;
    }
}
