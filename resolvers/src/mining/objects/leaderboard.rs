//! The miners with the most points.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use db::mining::MinerSeen;

use super::MinerProfile;
use crate::errors::ApiError;
use crate::mining::queries::viewer_entry;
use crate::plain::{ReadyList, plain};
use crate::request::Asked;
use crate::scalars::Decimal;

/// The miners with the most points.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Leaderboard {
    /// From the first place down.
    pub entries: ReadyList<LeaderboardEntry>,
}

#[ComplexObject]
impl Leaderboard {
    /// The caller's own place; null for anonymous callers and those who don't mine.
    async fn viewer_entry(&self, ctx: &Context<'_>) -> Option<Result<LeaderboardEntry, ApiError>> {
        let person = ctx.principal().person()?;
        viewer_entry(ctx, person.id).await.transpose()
    }
}

/// A place on the leaderboard.
#[derive(SimpleObject)]
pub struct LeaderboardEntry {
    /// Which place, from 1; exact to 10,000, beyond it about.
    pub rank: i32,
    /// Whether `rank` is exact.
    pub rank_precision: RankPrecision,
    /// Who.
    pub miner: MinerProfile,
    /// All points ever mined, in points.
    pub total_mined_points: Decimal,
}

plain!(LeaderboardEntry, rank, rank_precision, total_mined_points; miner);

impl LeaderboardEntry {
    pub(crate) fn of(rank: i32, rank_precision: RankPrecision, seen: Arc<MinerSeen>) -> Self {
        Self {
            rank,
            rank_precision,
            total_mined_points: Decimal::points(seen.miner.lifetime_points),
            miner: MinerProfile::of(seen),
        }
    }
}

/// Whether a place is exact.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankPrecision {
    /// It is counted.
    Exact,
    /// It is read off a histogram that is at most a minute old.
    Estimated,
}
