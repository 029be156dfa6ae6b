//! Commands on settlements and clearing accounts.

mod release;
mod settle;

use crate::command::Described;

pub use release::{
    CLEARING_RELEASE, ClearingReleased, ReleaseDraft, ReleaseProposal, clearing_release,
};
pub use settle::{HOLD_BATCH_SETTLE, HOLD_SETTLE, HoldSettled, hold_batch_settle, hold_settle};

/// Descriptors of the commands on settlements.
pub(in crate::wallets) const SETTLEMENTS: &[Described] = settle::COMMANDS;

/// Descriptors of the commands on clearing accounts.
pub(in crate::wallets) const RELEASES: &[Described] = release::COMMANDS;
