//! Wallets: the double-entry ledger of all contexts.

mod account;
mod configuration;
pub mod hold;
mod posted;
mod posting;
mod reference;
mod refusal;
#[cfg(test)]
mod samples;
pub mod settlement;
mod velocity;
pub mod wallet;

pub use account::*;
pub use configuration::*;
pub use posting::*;
pub use reference::*;
pub use refusal::{Currencies, NoAmount, any_amount, enabled_amount};
pub use velocity::*;
