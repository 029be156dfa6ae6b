//! Commands on streaks.

mod recover;

pub use recover::{STREAK_RECOVER, StreakRecovered, streak_recover};

use crate::command::{Described, described};

/// Descriptors of these commands.
pub(in crate::mining) const COMMANDS: &[Described] = described!(STREAK_RECOVER);
