//! Conversions and rates.

pub mod commands;
pub mod exposure;
pub mod queries;
pub mod rates;
mod rows;
