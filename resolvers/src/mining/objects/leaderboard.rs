//! The miners with the most points.

use async_graphql::{Enum, SimpleObject};

use super::MinerProfile;
use crate::scalars::Decimal;

/// The miners with the most points.
#[derive(SimpleObject)]
pub struct Leaderboard {
    /// From the first place down.
    pub entries: Vec<LeaderboardEntry>,
    /// The caller's own place; null for anonymous callers and those who don't mine.
    pub viewer_entry: Option<LeaderboardEntry>,
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

/// Whether a place is exact.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankPrecision {
    /// It is counted.
    Exact,
    /// It is read off a histogram that is at most a minute old.
    Estimated,
}
