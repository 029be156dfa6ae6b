//! Wallets as a whole, treasuries and accounts of the house: freezes, fundings, rewards, transfers, reversals.

mod freeze;
mod refusal;

pub use freeze::{FreezeCause, Freezes, freeze, lift};
pub use refusal::{WalletRefusal, WalletRefusalKind};
