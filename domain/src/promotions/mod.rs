//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub mod campaign;
mod configuration;
pub mod redemption;
#[cfg(test)]
mod samples;
pub mod voucher;

pub use configuration::{PriceLimit, PriceLimitDraft, PromotionConfiguration, PromotionDraft};
