//! Hears what any instance announced, reads its subjects once, and hands the news to this instance's followers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db::outbox::{Event, Listener, events, events_of_the_last};
use db::{Db, DbError};
use domain::ids::{MinerId, UserId};
use domain::wallets::{OwnerKind, Wallet};
use resolvers::events::{EventBus, MinerNews, MinerNewsKind, WalletNews};

use super::circles;

/// Waits between tries to connect: from the first to the last, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How far before a loss a new connection reads: a dead connection may go unnoticed for a while, and what was written
/// before the loss may have been announced after it. Followers drop what they have seen.
const READ_BACK: Duration = Duration::from_secs(60);

/// Listens until the end of the program; a lost connection is made again, and what it missed is read.
pub async fn run(db: Db, bus: EventBus) {
    let mut wait = FIRST_WAIT;
    // Clients may follow something before the first connection listens.
    let mut lost = Some(Instant::now());
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
        catch_up(db, bus, at.elapsed() + READ_BACK).await?;
        *lost = None;
    }
    *wait = FIRST_WAIT;
    while let Some(told) = listener.next().await {
        if bus.is_followed() {
            let heard = db.read(async move |conn| events(conn, &told).await).await?;
            tell_of_miners(db, bus, &heard).await?;
            tell_of_moved_wallets(db, bus, &heard).await?;
            tell_of_frozen_wallets(db, bus, &heard).await?;
            circles::tell(db, bus, &heard).await?;
            if heard.iter().any(|event| event.subject_kind == "miner") {
                bus.touch_leaderboard();
            }
        }
    }
    Ok(())
}

/// Tells followers what was missed: of miners, their events; of what is nothing but state, the state.
async fn catch_up(db: &Db, bus: &EventBus, back: Duration) -> Result<(), DbError> {
    let followed = bus.miners.subjects();
    if !followed.is_empty() {
        let missed = db
            .read(async move |conn| events_of_the_last(conn, back, &followed).await)
            .await?;
        tell_of_miners(db, bus, &missed).await?;
    }
    let followed = bus.wallets.subjects();
    if !followed.is_empty() {
        let known = db.clone();
        let wallets = db
            .read(async move |conn| {
                db::wallets::queries::wallets_of_people(&known, conn, &followed).await
            })
            .await?;
        tell_of_wallets(bus, wallets);
    }
    circles::tell_all(db, bus).await?;
    bus.touch_leaderboard();
    Ok(())
}

/// Reads the miners that somebody follows, once for all their followers, and tells what happened to them.
async fn tell_of_miners(db: &Db, bus: &EventBus, heard: &[Event]) -> Result<(), DbError> {
    let told = |event| Some((event, MinerNewsKind::of(event)?, UserId(event.audience_id?)));
    let heard: Vec<(&Event, MinerNewsKind, UserId)> = heard
        .iter()
        .filter_map(told)
        .filter(|(_, _, user)| bus.miners.follows(user))
        .collect();
    if heard.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<MinerId> = heard
        .iter()
        .map(|(event, ..)| MinerId(event.subject_id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let (miners, configuration) = db
        .read(async move |conn| {
            let miners = db::mining::queries::miners_by_id(conn, &ids).await?;
            Ok((miners, db::configuration::mining(conn).await?))
        })
        .await?;
    let configuration = Arc::new(configuration);
    let miners: HashMap<_, _> = miners
        .into_iter()
        .map(|seen| (seen.miner.id.0, seen))
        .collect();
    for (event, kind, user) in heard {
        if let Some(miner) = miners.get(&event.subject_id) {
            let news = MinerNews {
                kind,
                event: event.clone(),
                miner: miner.clone(),
                configuration: Arc::clone(&configuration),
            };
            bus.miners.publish(&user, news);
        }
    }
    Ok(())
}

/// Reads the wallets that these events moved something in, if anybody follows any, and tells of those that are followed.
async fn tell_of_moved_wallets(db: &Db, bus: &EventBus, heard: &[Event]) -> Result<(), DbError> {
    let mut transactions: Vec<_> = heard
        .iter()
        .filter_map(|event| event.transaction_id)
        .collect();
    transactions.sort_unstable();
    transactions.dedup();
    if transactions.is_empty() || !bus.wallets.is_followed() {
        return Ok(());
    }
    let known = db.clone();
    let wallets = db
        .read(async move |conn| {
            db::wallets::queries::wallets_moved_by(&known, conn, &transactions).await
        })
        .await?;
    tell_of_wallets(bus, wallets);
    Ok(())
}

/// A ban freezes wallets and moves nothing in them.
async fn tell_of_frozen_wallets(db: &Db, bus: &EventBus, heard: &[Event]) -> Result<(), DbError> {
    let frozen: Vec<UserId> = heard
        .iter()
        .filter(|event| event.name == "MinerBanned")
        .filter_map(|event| event.audience_id.map(UserId))
        .filter(|user| bus.wallets.follows(user))
        .collect();
    if frozen.is_empty() {
        return Ok(());
    }
    let known = db.clone();
    let wallets = db
        .read(async move |conn| {
            db::wallets::queries::wallets_of_people(&known, conn, &frozen).await
        })
        .await?;
    tell_of_wallets(bus, wallets);
    Ok(())
}

fn tell_of_wallets(bus: &EventBus, wallets: Vec<Wallet>) {
    for wallet in wallets {
        if let (OwnerKind::User, Some(occurred_at)) = (wallet.owner.kind, wallet.last_posted_at) {
            let owner = UserId(wallet.owner.id);
            bus.wallets.publish(
                &owner,
                WalletNews {
                    wallet,
                    occurred_at,
                },
            );
        }
    }
}
