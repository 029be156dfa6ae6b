//! Redemptions.

pub mod commands;
mod events;
pub(super) mod locks;
pub mod queries;
mod rows;
pub(super) mod settling;
pub(super) mod writes;
