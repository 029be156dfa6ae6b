//! Receives the announcements of all instances and publishes their events to this instance's subscribers.

use std::time::{Duration, Instant};

use db::outbox::{Listener, events};
use db::{Db, DbError};
use resolvers::events::EventBus;

/// The first pause before a new connection attempt. It doubles up to [`MAX_RETRY_PAUSE`].
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(100);
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(5);
/// Overlap by which a new connection reads events from before the loss of the old one. A dead connection may go
/// unnoticed for a while, and events written before the loss may be announced after it. Subscribers drop events that they
/// have.
const READ_BACK: Duration = Duration::from_secs(60);

/// Listens until the end of the process. Reconnects after a lost connection and publishes what it missed.
pub async fn run(db: Db, bus: EventBus) {
    let mut pause = MIN_RETRY_PAUSE;
    // Clients may subscribe before the first connection listens.
    let mut lost_at = Some(Instant::now());
    loop {
        match listen(&db, &bus, &mut lost_at, &mut pause).await {
            Ok(()) => tracing::warn!("The connection that receives events was lost: reconnecting"),
            Err(error) => tracing::warn!(%error, "Events can't be received: {error}"),
        }
        lost_at.get_or_insert_with(Instant::now);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_RETRY_PAUSE);
    }
}

async fn listen(
    db: &Db,
    bus: &EventBus,
    lost_at: &mut Option<Instant>,
    pause: &mut Duration,
) -> Result<(), DbError> {
    let mut listener = Listener::connect(db).await?;
    if let Some(at) = *lost_at {
        bus.catch_up(db, at.elapsed() + READ_BACK).await?;
        *lost_at = None;
    }
    *pause = MIN_RETRY_PAUSE;
    while let Some(announcement) = listener.next().await {
        if bus.has_any() {
            let events = db
                .read(async move |conn| events(conn, &announcement).await)
                .await?;
            bus.publish(db, &events).await?;
        }
    }
    Ok(())
}
