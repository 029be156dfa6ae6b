//! Wallets: balances and ledger entries.

pub(crate) mod configuration;
pub(crate) mod hold;
pub(crate) mod inputs;
pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod references;
pub(crate) mod settlement;
pub(crate) mod wallet;

use domain::access::{Action, Principal};
use domain::wallets::WalletOwner;

use crate::node::RegisteredNode;
use crate::user_errors::RegisteredUserError;

pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<wallet::objects::Wallet>(),
    RegisteredNode::new::<wallet::objects::LedgerEntry>(),
    RegisteredNode::new::<configuration::objects::WalletConfiguration>(),
    RegisteredNode::new::<hold::objects::Hold>(),
    RegisteredNode::new::<settlement::objects::Settlement>(),
    RegisteredNode::new::<settlement::objects::ClearingAccount>(),
    RegisteredNode::new::<wallet::transactions::Transaction>(),
];

pub(crate) const USER_ERRORS: &[RegisteredUserError] = &[
    RegisteredUserError::new::<hold::refusals::HoldUserError>(),
    RegisteredUserError::new::<settlement::refusals::SettlementUserError>(),
    RegisteredUserError::new::<wallet::refusals::WalletUserError>(),
];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.wallet", Action::WalletRead),
    ("WalletOwner.freezes", Action::WalletRead),
    ("Query.hold", Action::HoldRead),
    ("Query.holds", Action::HoldRead),
    ("Query.settlements", Action::SettlementRead),
    ("Query.clearingAccounts", Action::ClearingRead),
    ("Subscription.walletUpdated", Action::WalletFollow),
];

/// Numbers of the configuration, which the rules keep below 32 bits.
pub(crate) fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Whether the caller may see entries of an owner's wallets. Those of the platform's accounts are for staff.
pub(crate) fn may_see(principal: &Principal, action: Action, owner: WalletOwner) -> bool {
    let is_staff = || principal.person().is_some();
    principal.may(action, principal.relation_to(owner))
        && (owner.kind.has_main_wallet() || is_staff())
}
