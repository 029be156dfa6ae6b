//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub mod configuration;

use crate::command::Described;

/// Descriptors of the context's commands.
pub const COMMANDS: &[&[Described]] = &[configuration::commands::COMMANDS];
