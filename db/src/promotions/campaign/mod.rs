//! Campaigns.

pub mod commands;
mod events;
mod locks;
pub mod queries;
mod rows;
