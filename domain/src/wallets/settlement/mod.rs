//! Settlements: the final use of a hold, through the clearing account of its reference.

mod clearing;
mod refusal;
mod rules;

pub use clearing::{NewRelease, overdue, release};
pub use refusal::{SettlementRefusal, SettlementRefusalKind};
pub use rules::{PayoutDraft, SettlementDraft, Settling, settle};

use super::WalletOwner;
use crate::ids::{HoldId, OwnerId, SettlementId, TransactionId};
use crate::money::{Minor, Money};
use crate::named::named;
use crate::time::Timestamp;

/// Final use of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Id.
    pub id: SettlementId,
    /// The settled hold.
    pub hold: HoldId,
    /// Owner of the hold.
    pub owner: WalletOwner,
    /// Name of the service.
    pub issuer: String,
    /// Outcome for the hold's owner.
    pub outcome: SettlementOutcome,
    /// Amount moved to the clearing account.
    pub amount: Money,
    /// Amounts paid from the clearing account; none for a loss.
    pub payouts: Vec<Payout>,
    /// Time of the settlement.
    pub created_at: Timestamp,
    /// Receipt.
    pub transaction_id: TransactionId,
}

impl Settlement {
    /// Owners whose wallets it moved: that of the hold, and those of the payouts.
    pub fn owners(&self) -> impl Iterator<Item = OwnerId> {
        let paid = self.payouts.iter().map(|payout| payout.owner.id);
        std::iter::once(self.owner.id).chain(paid).map(OwnerId)
    }
}

named! {
    /// Outcomes of a settlement.
    SettlementOutcome;

    /// The amount stays in the clearing account of the reference.
    Loss = "LOSS";
    /// Payouts are made from the clearing account.
    Win = "WIN";
}

/// Amount paid to an owner, in the currency of the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Owner who receives it.
    pub owner: WalletOwner,
    /// Amount.
    pub amount: Minor,
}
