//! Mining's live topics.

mod circle;
mod leaderboard;
mod miner;

pub use circle::{CircleSubject, CircleTopic, CircleUpdate};
pub use leaderboard::{LeaderboardTopic, LeaderboardUpdate};
pub use miner::{MinerTopic, MinerUpdate};
