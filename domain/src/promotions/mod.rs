//! Promotions: campaigns of merchants, their vouchers, and redemptions.

pub mod campaign;
mod configuration;

pub use configuration::{PriceLimit, PriceLimitDraft, PromotionConfiguration, PromotionDraft};
