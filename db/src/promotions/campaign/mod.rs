//! Campaigns.

pub mod commands;
mod events;
pub(super) mod locks;
pub mod queries;
mod rows;
