//! Wallets: the double-entry ledger of all contexts.

mod account;
mod configuration;
pub mod hold;
mod posting;
mod reference;
mod refusal;
#[cfg(test)]
mod samples;
pub mod settlement;
mod velocity;

pub use account::{Bucket, OwnerKind, Wallet, WalletKind, WalletOwner};
pub use configuration::{
    AssetType, ConversionPair, CurrencySettings, Issuer, RateSource, VelocityOperation,
    VelocityRule, VelocityWindow, WalletConfiguration,
};
pub use posting::{
    Balances, Entry, EntrySide, Leg, Origin, Posted, Posting, PostingRefusal, Reference, Side,
    TransferReason, WalletKey, WalletState, at_homes, decide,
};
pub use reference::{Metadata, ServiceReference, is_external_id, problem_of};
pub use refusal::{Currencies, NoAmount, any_amount, enabled_amount};
pub use velocity::{Exceeded, HourlySum, exceeded};
