//! Referrals of one miner by another.

pub(in crate::mining) mod changes;
pub mod commands;
pub mod queries;
pub(crate) mod rows;

pub use rows::Referral;
