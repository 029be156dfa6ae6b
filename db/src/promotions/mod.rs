//! Promotions: campaigns of merchants, their vouchers, and redemptions.

mod accounts;
pub mod campaign;
pub mod configuration;
pub mod redemption;
pub mod statistics;
pub mod voucher;

use domain::promotions::campaign::CampaignRefusal;
use domain::promotions::redemption::RedemptionRefusal;
use domain::promotions::voucher::VoucherRefusal;

use crate::command::{Described, refusable};

/// Descriptors of the context's commands.
pub const COMMANDS: &[&[Described]] = &[
    campaign::commands::CREATION,
    campaign::commands::CHANGES,
    campaign::commands::ENDS,
    campaign::commands::REVOCATION,
    configuration::commands::COMMANDS,
    redemption::commands::COMMANDS,
    voucher::commands::ACQUISITIONS,
    voucher::commands::DECISIONS,
    voucher::commands::REDEEMING,
];

refusable!(CampaignRefusal, RedemptionRefusal, VoucherRefusal);
