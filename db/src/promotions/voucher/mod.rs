//! Vouchers.

mod codes;
pub mod commands;
mod events;
pub mod expiry;
pub(super) mod locks;
pub mod queries;
pub mod revocation;
mod rows;
pub mod till;
mod writes;

pub(super) use codes::make_vouchers;
pub(super) use commands::refund;
pub(super) use events::{VoucherEvent, VoucherEvents};
pub use expiry::expire;
pub(super) use rows::OfferRow;
pub(super) use writes::{count_acquired, quarter, store_held};
