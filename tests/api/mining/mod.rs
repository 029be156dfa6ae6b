mod leaderboard;
mod leaderboard_updated;
mod miner;
mod miner_register;
mod miner_updated;
mod miners;
mod mining_session_claim;
mod mining_session_start;
