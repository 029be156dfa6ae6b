//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub mod campaign;
pub mod configuration;
pub mod voucher;

use domain::promotions::campaign::CampaignRefusal;

use crate::command::{Described, refusable};

/// Descriptors of the context's commands.
pub const COMMANDS: &[&[Described]] = &[
    campaign::commands::CREATION,
    campaign::commands::CHANGES,
    campaign::commands::ENDS,
    configuration::commands::COMMANDS,
];

refusable!(CampaignRefusal);
