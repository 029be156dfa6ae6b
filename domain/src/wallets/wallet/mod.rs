//! Wallets as a whole, treasuries and accounts of the house: freezes, fundings, rewards, transfers, reversals.

mod freeze;
mod house;
mod issuance;
mod refusal;
mod reversal;
mod treasury;

pub use freeze::{FreezeCause, Freezes, freeze, lift};
pub use house::{HouseAccount, NewTransfer, transfer};
pub use issuance::{Closed, Issuance, Sums, Tail, closing, count, end_of_day, start_of_day};
pub use refusal::{WalletRefusal, WalletRefusalKind};
pub use reversal::{StoredTransfer, owners_of, reverse};
pub use treasury::{NewFunding, fund, issue, reward};
