//! The rules of GoodGo as functions of values and `now`.
//!
//! The crate has no async, I/O, SQL or GraphQL. `db` loads values, calls a rule, and stores its result. A rule returns
//! a refusal as data.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod access;
mod code;
pub mod ids;
pub mod mining;
pub mod money;
pub mod named;
pub mod platform;
pub mod promotions;
pub mod reason;
pub mod refusal;
pub mod text;
pub mod time;
pub mod wallets;
