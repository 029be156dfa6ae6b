//! Wallets: balances and ledger entries.

pub(crate) mod configuration;
pub(crate) mod conversion;
pub(crate) mod deposit;
mod duplicates;
pub(crate) mod hold;
pub(crate) mod inputs;
pub(crate) mod live;
pub(crate) mod loaders;
pub(crate) mod payment;
pub(crate) mod reconciliation;
pub(crate) mod references;
pub(crate) mod settlement;
pub(crate) mod wallet;
pub(crate) mod withdrawal;

use domain::access::{Action, Principal};
use domain::wallets::WalletOwner;

use crate::node::RegisteredNode;
use crate::platform::approval::RegisteredProposal;
use crate::platform::audit::Entity;
use crate::user_errors::RegisteredUserError;
use crate::wallets::references::RegisteredReference;

pub(crate) const NODES: &[RegisteredNode] = &[
    RegisteredNode::new::<wallet::objects::Wallet>(),
    RegisteredNode::new::<wallet::transfers::LedgerEntry>(),
    RegisteredNode::new::<wallet::transfers::Transfer>(),
    RegisteredNode::new::<configuration::objects::WalletConfiguration>(),
    RegisteredNode::new::<conversion::objects::Conversion>(),
    RegisteredNode::new::<conversion::rates::RateSnapshot>(),
    RegisteredNode::new::<deposit::objects::Deposit>(),
    RegisteredNode::new::<hold::objects::Hold>(),
    RegisteredNode::new::<reconciliation::objects::ReconciliationRun>(),
    RegisteredNode::new::<settlement::objects::Settlement>(),
    RegisteredNode::new::<settlement::objects::ClearingAccount>(),
    RegisteredNode::new::<wallet::transactions::Transaction>(),
    RegisteredNode::new::<withdrawal::objects::Withdrawal>(),
];

pub(crate) const REFERENCES: &[RegisteredReference] = &[
    RegisteredReference::of::<conversion::objects::Conversion>("conversion"),
    deposit::objects::REFERENCE,
    RegisteredReference::of::<withdrawal::objects::Withdrawal>("withdrawal"),
];

pub(crate) const ENTITIES: &[Entity] = &[
    Entity::of::<reconciliation::objects::ReconciliationRun>("reconciliation_run"),
    Entity::of::<wallet::transactions::Transaction>("transaction"),
];

pub(crate) const PROPOSALS: &[RegisteredProposal] = &[
    deposit::objects::ASSIGN_PROPOSAL,
    deposit::objects::CREDIT_PROPOSAL,
    withdrawal::objects::FAIL_PROPOSAL,
];

pub(crate) const USER_ERRORS: &[RegisteredUserError] = &[
    RegisteredUserError::new::<conversion::refusals::ConversionUserError>(),
    RegisteredUserError::new::<deposit::refusals::DepositUserError>(),
    RegisteredUserError::new::<hold::refusals::HoldUserError>(),
    RegisteredUserError::new::<reconciliation::refusals::ReconciliationUserError>(),
    RegisteredUserError::new::<settlement::refusals::SettlementUserError>(),
    RegisteredUserError::new::<withdrawal::refusals::WithdrawalUserError>(),
    RegisteredUserError::new::<wallet::refusals::WalletUserError>(),
];

pub(crate) const REQUIRES: &[(&str, Action)] = &[
    ("Query.reconciliation", Action::ReconciliationRead),
    ("Query.reference", Action::ReferenceRead),
    ("Query.transaction", Action::TransactionRead),
    ("Query.transfers", Action::TransfersList),
    ("Query.wallet", Action::WalletRead),
    ("Query.wallets", Action::WalletsList),
    ("Transaction.caller", Action::TransactionCallerRead),
    ("ConversionPair.snapshots", Action::RateHistoryRead),
    ("Query.conversion", Action::ConversionRead),
    ("Query.conversionQuote", Action::ConversionQuote),
    ("Query.conversions", Action::ConversionRead),
    ("Query.rates", Action::RatesRead),
    ("RateSnapshot.decidedBy", Action::RateAuthorsRead),
    ("RateSnapshot.recordedBy", Action::RateAuthorsRead),
    ("Query.deposit", Action::DepositRead),
    ("Query.deposits", Action::DepositsList),
    ("WalletOwner.freezes", Action::WalletRead),
    ("Query.hold", Action::HoldRead),
    ("Query.holds", Action::HoldRead),
    ("Query.settlements", Action::SettlementRead),
    ("Query.withdrawal", Action::WithdrawalRead),
    ("Query.withdrawals", Action::WithdrawalRead),
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
