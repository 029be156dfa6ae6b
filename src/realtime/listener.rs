//! Hears what any instance announced, reads it once, and hands it to this instance's followers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use db::mining::queries;
use db::outbox::{Event, Listener, events, events_of_the_last};
use db::{Db, DbError};
use domain::ids::MinerId;
use resolvers::events::{Announced, EventBus};

/// Waits between tries to connect: from the first to the last, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How far before a loss a new connection reads: a dead connection may go unnoticed for a while, and what was written
/// before the loss may have been announced after it. Followers drop what they have seen.
const READ_BACK: Duration = Duration::from_secs(60);
/// How often followers who left are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Listens until the end of the program; a lost connection is made again, and what it missed is read.
pub async fn run(db: Db, bus: EventBus) {
    let mut wait = FIRST_WAIT;
    let mut lost: Option<Instant> = None;
    loop {
        match listen(&db, &bus, &mut lost, &mut wait).await {
            Ok(()) => tracing::warn!("The connection that hears events was lost: connecting again"),
            Err(error) => tracing::warn!(%error, "Events can't be heard: {error}"),
        }
        lost.get_or_insert_with(Instant::now);
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn listen(
    db: &Db,
    bus: &EventBus,
    lost: &mut Option<Instant>,
    wait: &mut Duration,
) -> Result<(), DbError> {
    let mut listener = Listener::connect(db).await?;
    if let Some(at) = *lost {
        let back = at.elapsed() + READ_BACK;
        let missed = db
            .read(async move |conn| events_of_the_last(conn, back).await)
            .await?;
        publish(db, bus, missed).await?;
        *lost = None;
    }
    *wait = FIRST_WAIT;
    let mut sweeps = tokio::time::interval(SWEEP_EVERY);
    loop {
        let ids = tokio::select! {
            ids = listener.next() => ids,
            _ = sweeps.tick() => {
                bus.sweep();
                continue;
            }
        };
        let Some(ids) = ids else { return Ok(()) };
        if bus.is_followed() {
            let heard = db.read(async move |conn| events(conn, &ids).await).await?;
            publish(db, bus, heard).await?;
        }
    }
}

/// Reads the subjects that somebody follows, once for all their followers, and hands the events on.
async fn publish(db: &Db, bus: &EventBus, heard: Vec<Event>) -> Result<(), DbError> {
    let followed: Vec<Event> = heard
        .into_iter()
        .filter(|event| event.audience_id.is_some_and(|user| bus.follows(user)))
        .collect();
    let ids: Vec<MinerId> = followed
        .iter()
        .filter(|event| event.subject_kind == "miner")
        .map(|event| MinerId(event.subject_id))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let miners = db
        .read(async move |conn| queries::miners_by_id(conn, &ids).await)
        .await?;
    let miners: HashMap<_, _> = miners
        .into_iter()
        .map(|seen| (seen.miner.id.0, seen))
        .collect();
    for event in followed {
        let miner = miners.get(&event.subject_id).cloned();
        bus.publish(Announced { event, miner });
    }
    Ok(())
}
