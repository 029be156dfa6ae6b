//! Wallets: the double-entry ledger of all contexts.

mod account;
mod cause;
mod configuration;
pub mod conversion;
pub mod deposit;
pub mod hold;
mod payment;
mod posted;
mod posting;
pub mod reconciliation;
mod reference;
mod refusal;
#[cfg(test)]
pub(crate) mod samples;
pub mod settlement;
mod velocity;
pub mod wallet;
pub mod withdrawal;

pub use account::*;
pub use cause::*;
pub use configuration::*;
pub use payment::*;
pub use posted::*;
pub use posting::*;
pub use reference::*;
pub use refusal::{Currencies, NoAmount, any_amount, enabled_amount};
pub use velocity::*;
