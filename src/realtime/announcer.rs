//! Announces events after their transactions: one notification for all that piled up.

use std::time::Duration;

use db::Db;

/// How often events nobody announced are looked for: those of instances that died before they could.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Announces this instance's events as they are written, and everybody's that were left behind. Never ends.
pub async fn run(db: Db, has_broker: bool) {
    loop {
        tokio::select! {
            () = db.event_written() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        loop {
            match db
                .read(async move |conn| db::outbox::announce(conn, has_broker).await)
                .await
            {
                Ok(0) => break,
                Ok(announced) => metrics::counter!("goodgo_events_announced_total")
                    .increment(announced.unsigned_abs()),
                Err(error) => {
                    tracing::warn!(%error, "Events wait to be announced: {error}");
                    break;
                }
            }
        }
    }
}
