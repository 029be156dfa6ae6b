//! Wallets: the double-entry ledger of all contexts.

mod account;
mod configuration;
mod posting;

pub use account::{Bucket, OwnerKind, Wallet, WalletKind, WalletOwner};
pub use configuration::{
    AssetType, ConversionPair, CurrencySettings, Issuer, RateSource, VelocityOperation,
    VelocityRule, VelocityWindow, WalletConfiguration,
};
pub use posting::{
    Balances, Entry, EntrySide, Leg, Origin, Posted, Posting, PostingRefusal, Reference, Side,
    TransferReason, WalletKey, WalletState, at_homes, decide,
};
