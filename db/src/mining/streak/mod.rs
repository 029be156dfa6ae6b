//! Streaks: recovery of a broken one. Sessions settle streaks.

pub mod commands;
