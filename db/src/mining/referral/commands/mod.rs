//! Commands on referrals.

mod apply;

pub use apply::{REFERRAL_APPLY, referral_apply};

use crate::command::{Described, described};

/// Descriptors of these commands.
pub(in crate::mining) const COMMANDS: &[Described] = described!(REFERRAL_APPLY);
