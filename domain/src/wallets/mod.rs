//! Wallets: the double-entry ledger of all contexts.

mod account;
mod posting;

pub use account::{Bucket, OwnerKind, Wallet, WalletKind, WalletOwner};
pub use posting::{
    Balances, Entry, EntrySide, Leg, Origin, Posted, Posting, PostingRefusal, Reference, Side,
    TransferReason, WalletKey, WalletState, at_homes, decide,
};
