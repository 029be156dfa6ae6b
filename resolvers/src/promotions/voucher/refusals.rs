//! User errors of vouchers.

use domain::promotions::voucher::VoucherRefusal;

use crate::prelude::*;
use crate::wallets::wallet::objects::Money;

user_error! {
    VoucherUserError, VoucherRefusal, "vouchers";
    /// Available balance; null except with INSUFFICIENT_FUNDS.
    available: Money,
    /// Number allowed; null except with LIMIT_PER_USER and PENDING_LIMIT.
    limit: i32,
    /// Amount of the order; null except with ORDER_AMOUNT_DIFFERS.
    order_amount: Money,
    /// Time from which the command can succeed; null except with CAMPAIGN_NOT_STARTED.
    retry_at: DateTime,
}
