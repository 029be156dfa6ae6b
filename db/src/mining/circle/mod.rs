//! Circles and invitations. A circle's row guards its members and its invitations: a command locks circles in ascending
//! order, then miners.

mod ban;
pub mod commands;
mod locks;
mod membership;
pub mod queries;
pub(crate) mod rows;

pub(in crate::mining) use ban::{apply_ban, lock_for_ban};
pub use rows::{CircleSeen, InvitationSeen};
