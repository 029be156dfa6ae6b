//! Commands on sessions, one file each.

mod claim;
mod settle;
mod start;

pub use claim::{MINING_SESSION_CLAIM, SessionClaimed, mining_session_claim};
pub use settle::{Place, Settled, sessions_settle};
pub use start::{MINING_SESSION_START, mining_session_start};

use crate::command::{Described, described};

/// Descriptors of these commands.
pub(in crate::mining) const COMMANDS: &[Described] =
    described!(MINING_SESSION_START, MINING_SESSION_CLAIM);
