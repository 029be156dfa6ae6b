//! Receives the announcements of all instances and publishes their events to this instance's subscribers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::outbox::events;
use db::{Db, DbError, Listener};
use parking_lot::Mutex;
use resolvers::events::EventBus;

/// The first pause before a new connection attempt. It doubles up to [`MAX_RETRY_PAUSE`].
const MIN_RETRY_PAUSE: Duration = Duration::from_millis(100);
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(5);
/// Overlap by which a new connection reads events from before the loss of the old one. A dead connection may go
/// unnoticed for a while, and events written before the loss may be announced after it. Subscribers drop events that they
/// have.
const READ_BACK: Duration = Duration::from_secs(60);

/// Time without events after which the health check fails. A shorter interruption is caught up.
const MAX_OUTAGE: Duration = Duration::from_secs(10);

/// Time since which no events are received; none while they are.
#[derive(Clone, Debug)]
pub struct Outage(Arc<Mutex<Option<Instant>>>);

impl Outage {
    /// An outage that begins now: clients may subscribe before the first connection listens.
    #[must_use]
    pub fn begin() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    /// Whether events have not been received for too long.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.0
            .lock()
            .is_some_and(|since| since.elapsed() > MAX_OUTAGE)
    }
}

/// Listens until the end of the process. Reconnects after a lost connection and publishes what it missed.
pub async fn run(db: Db, bus: EventBus, outage: Outage) {
    let mut pause = MIN_RETRY_PAUSE;
    loop {
        match listen(&db, &bus, &outage, &mut pause).await {
            Ok(()) => tracing::warn!("The connection that receives events was lost: reconnecting"),
            Err(error) => tracing::warn!(%error, "Events can't be received: {error}"),
        }
        outage.0.lock().get_or_insert_with(Instant::now);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_RETRY_PAUSE);
    }
}

async fn listen(
    db: &Db,
    bus: &EventBus,
    outage: &Outage,
    pause: &mut Duration,
) -> Result<(), DbError> {
    let mut listener = Listener::connect(db).await?;
    let since = *outage.0.lock();
    if let Some(since) = since {
        bus.catch_up(db, since.elapsed() + READ_BACK).await?;
        *outage.0.lock() = None;
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
