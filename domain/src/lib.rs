//! The rules of GoodGo as functions of values and `now`.
//!
//! Nothing here waits, reads or writes: no async, no I/O, no SQL, no GraphQL. `db` loads values, asks this
//! crate what follows from them, and stores the answer. A rule that says no returns a refusal, which is data.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod access;
pub mod ids;
pub mod mining;
pub mod money;
pub mod platform;
pub mod reason;
pub mod refusal;
pub mod time;
pub mod wallets;
