//! Withdrawals: payments out of the platform, held until they end.

mod refusal;
mod rules;

pub use refusal::{WithdrawalRefusal, WithdrawalRefusalKind};
pub use rules::{
    NewWithdrawal, check_cancel, check_complete, check_fail, check_own, check_process, retry_after,
    waits_for_second_person, withdraw,
};

use super::{Metadata, ProviderPayment, WalletOwner};
use crate::ids::{HoldId, UserId, WithdrawalId};
use crate::money::Money;
use crate::named::named;
use crate::time::Timestamp;

/// Payment out of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Id.
    pub id: WithdrawalId,
    /// Owner of the wallet.
    pub owner: WalletOwner,
    /// Amount, held until the withdrawal ends.
    pub amount: Money,
    /// Hold of the amount.
    pub hold: HoldId,
    /// Account or address to pay to, in the provider's notation.
    pub destination: String,
    /// Name of the service that requested it; [`PEOPLE`] for people.
    pub issuer: String,
    /// Key given by the caller.
    pub external_id: Option<String>,
    /// Notes of the caller.
    pub metadata: Metadata,
    /// State.
    pub status: WithdrawalStatus,
    /// Person who requested it; none for a service.
    pub requested_by: Option<UserId>,
    /// Time of the request.
    pub requested_at: Timestamp,
    /// Time processing began.
    pub processed_at: Option<Timestamp>,
    /// Time it was completed, failed or cancelled.
    pub ended_at: Option<Timestamp>,
    /// Reason of the failure.
    pub failure_reason: Option<String>,
    /// Payment as identified by the payment provider.
    pub payout: Option<ProviderPayment>,
    /// Number of its events.
    pub version: i64,
}

/// Issuer of the withdrawals that people request, and of the holds of all withdrawals.
pub const PEOPLE: &str = "wallets";

impl Withdrawal {
    /// The destination in logs and events: the last four characters of one that is longer than eight.
    #[must_use]
    pub fn masked_destination(&self) -> String {
        let count = self.destination.chars().count();
        let shown = if count > 8 { 4 } else { 0 };
        let kept = self.destination.chars().skip(count.saturating_sub(shown));
        std::iter::repeat_n('*', 4).chain(kept).collect()
    }
}

named! {
    /// States of a withdrawal.
    WithdrawalStatus;

    /// Cancelled by the owner; the amount is available again.
    Cancelled = "CANCELLED";
    /// Paid out.
    Completed = "COMPLETED";
    /// Not paid out; the amount is available again.
    Failed = "FAILED";
    /// Handed to the provider; the outcome is unknown.
    Processing = "PROCESSING";
    /// Waits to be processed.
    Requested = "REQUESTED";
}
