//! Vouchers.

mod codes;

pub(super) use codes::make_vouchers;
