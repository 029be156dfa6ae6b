//! Wallets: balances and ledger entries.

pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod wallet;

use domain::access::Action;

use crate::node::RegisteredNode;

pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<wallet::objects::Wallet>(),
    RegisteredNode::new::<wallet::objects::LedgerEntry>(),
];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.wallet", Action::WalletRead),
    ("Subscription.walletUpdated", Action::WalletFollow),
];
