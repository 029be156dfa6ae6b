//! The leaderboard's top, for `leaderboardUpdated`.

use std::time::Duration;

use db::Db;
use db::mining::MinerSeen;
use db::outbox::Event;
use domain::mining::Configuration;

use crate::events::{SubscribersOf, Topic, Update, UpdatesOf};
use crate::mining::miner::queries::LARGEST_LEADERBOARD;
use crate::prelude::*;

/// The leaderboard's top. Each subscriber compares it with the last one it received.
#[derive(Debug, Default)]
pub struct LeaderboardTopic;

/// The leaderboard's top after a change.
#[derive(Clone, Debug)]
pub struct LeaderboardUpdate {
    /// The miners in descending order.
    pub top: Vec<Arc<MinerSeen>>,
    /// The system's time of the read.
    pub at: Timestamp,
    /// The configuration that determines streaks.
    pub configuration: Arc<Configuration>,
}

impl LeaderboardUpdate {
    /// Whether the first `count` entries show something else than in `before`.
    #[must_use]
    pub fn differs(&self, before: &Self, count: usize) -> bool {
        let length = |update: &Self| update.top.len().min(count);
        length(self) != length(before)
            || self
                .top
                .iter()
                .zip(&before.top)
                .take(count)
                .any(|(after, before)| !is_shown_alike(after, before))
    }
}

/// Whether two states of a miner look the same to others, who don't see versions and sessions.
fn is_shown_alike(a: &MinerSeen, b: &MinerSeen) -> bool {
    let shown = |seen: &MinerSeen| (seen.miner.id, seen.miner.role, seen.miner.lifetime_points);
    shown(a) == shown(b) && a.display_name == b.display_name && a.miner.streak == b.miner.streak
}

impl Update for LeaderboardUpdate {
    type Kind = ();
    const TOPIC: &'static str = "leaderboard";

    fn kind(&self) {}
}

impl Topic for LeaderboardTopic {
    type Subject = ();
    type Update = LeaderboardUpdate;
    type Changes = ();

    const MIN_INTERVAL: Option<Duration> = Some(Duration::from_secs(1));

    fn changes(&self, events: &[Event], _: &SubscribersOf<Self>) -> Option<()> {
        let is_changed = events.iter().any(|event| event.subject_kind == "miner");
        is_changed.then_some(())
    }

    fn missed(&self, _: Duration, _: &SubscribersOf<Self>) -> Option<()> {
        Some(())
    }

    async fn read(&self, db: Db, (): ()) -> Result<UpdatesOf<Self>, DbError> {
        Ok(vec![((), read(db).await?)])
    }
}

async fn read(db: Db) -> Result<LeaderboardUpdate, DbError> {
    let (top, at, configuration) = db
        .read(async |conn| {
            let at = db::clock::now(conn).await?;
            let top = db::mining::miner::queries::leaderboard(conn, LARGEST_LEADERBOARD).await?;
            Ok((top, at, db::mining::configuration::in_force(conn).await?))
        })
        .await?;
    Ok(LeaderboardUpdate {
        top: top.into_iter().map(Arc::new).collect(),
        at,
        configuration: Arc::new(configuration),
    })
}
