//! Deposits: payments from outside, each credited once.

mod refusal;
mod rules;

pub use refusal::{DepositRefusal, DepositRefusalKind};
pub use rules::{DepositDraft, check_amount, check_ceiling, check_own, check_unmatched, is_first};

use super::{ProviderPayment, WalletOwner};
use crate::ids::{DepositId, TransactionId};
use crate::money::Money;
use crate::named::named;
use crate::time::Timestamp;

/// Payment from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Id.
    pub id: DepositId,
    /// Amount.
    pub amount: Money,
    /// Payment as identified by the payment provider.
    pub payment: ProviderPayment,
    /// Owner whom the payment named, also when nobody knew them; none for a payment without one.
    pub named: Option<WalletOwner>,
    /// Owner of the credited wallet; none while unmatched.
    pub owner: Option<WalletOwner>,
    /// Time it was recorded.
    pub received_at: Timestamp,
    /// Time it reached the owner's wallet; none while unmatched.
    pub credited_at: Option<Timestamp>,
    /// Ledger transaction with its postings that recorded it.
    pub transaction_id: TransactionId,
    /// Number of its events.
    pub version: i64,
}

impl Deposit {
    /// State.
    #[must_use]
    pub fn status(&self) -> DepositStatus {
        match self.owner {
            Some(_) => DepositStatus::Credited,
            None => DepositStatus::Unmatched,
        }
    }
}

named! {
    /// States of a deposit.
    DepositStatus;

    /// In the owner's wallet.
    Credited = "CREDITED";
    /// Without a known owner; waits for `depositAssign`.
    Unmatched = "UNMATCHED";
}
