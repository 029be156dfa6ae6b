//! Wallets: balances and ledger entries.

pub(crate) mod configuration;
pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod wallet;

use domain::access::Action;

use crate::node::RegisteredNode;

pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<wallet::objects::Wallet>(),
    RegisteredNode::new::<wallet::objects::LedgerEntry>(),
    RegisteredNode::new::<configuration::objects::WalletConfiguration>(),
];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.wallet", Action::WalletRead),
    ("Subscription.walletUpdated", Action::WalletFollow),
];

/// Numbers of the configuration, which the rules keep below 32 bits.
pub(crate) fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
