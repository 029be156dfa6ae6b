//! Commands on vouchers.

mod acquire;
mod decisions;
mod redeem;

use domain::promotions::voucher::Voucher;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use acquire::COMMANDS as ACQUISITIONS;
pub use acquire::{
    VOUCHER_CLAIM, VOUCHER_EXCHANGE, VOUCHER_PURCHASE, voucher_claim, voucher_exchange,
    voucher_purchase,
};
pub(crate) use decisions::COMMANDS as DECISIONS;
pub use decisions::{VOUCHER_EXTEND, VOUCHER_REVOKE, voucher_extend, voucher_revoke};
pub(in crate::promotions) use decisions::{refund, revoked};
pub(crate) use redeem::COMMANDS as REDEEMING;
pub use redeem::{Concern, RedeemDraft, Redeemed, Ticket, VOUCHER_REDEEM, concern, voucher_redeem};

/// Result of the commands on vouchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherDone {
    /// Key of the voucher.
    pub voucher: [Uuid; 2],
    /// The posting; none when nothing was posted.
    pub transaction: Option<Uuid>,
}

impl VoucherDone {
    fn of(voucher: &Voucher, transaction: Option<Uuid>) -> Self {
        Self {
            voucher: voucher.id.into(),
            transaction,
        }
    }
}
