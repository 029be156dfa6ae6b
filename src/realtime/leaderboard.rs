//! Reads the leaderboard's top for all who follow it: once for everybody, and at most once a second.

use std::sync::Arc;
use std::time::Duration;

use db::{Db, DbError};
use resolvers::LARGEST_LEADERBOARD;
use resolvers::events::{EventBus, LeaderboardNews};
use tokio::time::Instant;

/// The least time between two reads.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells of every change of the top until the end of the program.
pub async fn run(db: Db, bus: EventBus) {
    let mut last: Option<LeaderboardNews> = None;
    loop {
        bus.leaderboard_touched().await;
        let started_at = Instant::now();
        match read(&db).await {
            Ok(news) => {
                let is_new = last
                    .as_ref()
                    .is_none_or(|last| news.differs(last, LARGEST_LEADERBOARD));
                if is_new {
                    bus.leaderboard.publish(&(), news.clone());
                    last = Some(news);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "The leaderboard can't be read: {error}");
                bus.touch_leaderboard();
            }
        }
        tokio::time::sleep_until(started_at + PAUSE).await;
    }
}

async fn read(db: &Db) -> Result<LeaderboardNews, DbError> {
    let (top, at, configuration) = db
        .read(async |conn| {
            let at = db::clock::now(conn).await?;
            let top = db::mining::queries::leaderboard(conn, LARGEST_LEADERBOARD).await?;
            Ok((top, at, db::configuration::mining(conn).await?))
        })
        .await?;
    Ok(LeaderboardNews {
        top: top.into_iter().map(Arc::new).collect(),
        at,
        configuration: Arc::new(configuration),
    })
}
