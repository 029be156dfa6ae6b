//! The leaderboard: places are exact up to 10,000 and estimated beyond.

use async_graphql::{Enum, SimpleObject};
use db::Count;
use db::mining::MinerSeen;
use db::mining::miner::queries::miners_ahead;
use domain::mining::MinerStatus;

use super::profile::MinerProfile;
use super::ranks::Ranks;
use crate::mining::loaders::MiningLoader;
use crate::prelude::*;

/// Ranking by lifetime points among active miners; equal points rank by who reached them first.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Leaderboard {
    /// Places from 1 downwards.
    pub entries: ReadyList<LeaderboardEntry>,
}

#[ComplexObject]
impl Leaderboard {
    /// Place of the caller; null for callers without an active miner.
    async fn viewer_entry(&self, ctx: &Context<'_>) -> Loaded<LeaderboardEntry> {
        let person = ctx.principal().person()?;
        let entry = entry_of(ctx, person.id).await;
        entry.transpose()
    }
}

object! {
    /// Place in the ranking.
    LeaderboardEntry(rank: i32, rank_precision: RankPrecision, seen: Arc<MinerSeen>) {
        let points = seen.miner.lifetime_points;
        /// Miner at this place; its `totalMinedPoints` may be newer than the place.
        miner: MinerProfile = MinerProfile::of_miner(seen),
        /// Number of the place, from 1.
        rank: i32 = rank,
        /// Precision of `rank`.
        rank_precision: RankPrecision = rank_precision,
        /// Lifetime points that the place was computed from.
        total_mined_points: Decimal = Decimal::points(points),
    }
}

/// Precision of a rank.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankPrecision {
    /// The rank is exact.
    Exact,
    /// Computed from a histogram refreshed each minute; ranks beyond 10,000.
    Estimated,
}

/// The place of a user's miner, if it is active.
async fn entry_of(ctx: &Context<'_>, user: UserId) -> Result<Option<LeaderboardEntry>> {
    let seen = ctx.loader::<MiningLoader>().load_one(user).await?;
    let seen = seen.filter(|seen| seen.miner.status == MinerStatus::Active);
    let Some(seen) = seen else {
        return Ok(None);
    };
    let of = seen.clone();
    let ahead = ctx
        .db()
        .read_replicated(async move |conn| miners_ahead(conn, &of).await)
        .await?;
    let (rank, precision) = match ahead {
        Count::Exact(ahead) => (ahead.saturating_add(1), RankPrecision::Exact),
        Count::AtLeast(_) => {
            let ranks: &Ranks = ctx.operation().services.of_contexts.get();
            let points = seen.miner.lifetime_points.0;
            let estimated = ranks.estimate(ctx.db(), points).await?;
            (estimated.max(Count::EXACT_TO), RankPrecision::Estimated)
        }
    };
    let rank = i32::try_from(rank).unwrap_or(i32::MAX);
    Ok(Some(LeaderboardEntry::of(rank, precision, Arc::new(seen))))
}
