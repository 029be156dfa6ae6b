//! Campaigns of merchants.

mod refusal;
mod rules;
#[cfg(test)]
mod tests;

pub use refusal::{CampaignRefusal, CampaignRefusalKind};
pub(crate) use rules::shown_amount;
pub use rules::{
    CampaignChange, CampaignDraft, Made, NewCampaign, Terms, activate, cancel_to_revoke, create,
    end, end_in_time, end_of_any, pause, update,
};

use crate::ids::{CampaignId, MerchantId};
use crate::money::{Minor, Money, Overflow};
use crate::named::named;
use crate::time::Timestamp;

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Id.
    pub id: CampaignId,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Value of a voucher.
    pub face_value: Money,
    /// Number of vouchers.
    pub total_vouchers: u32,
    /// Vouchers that were acquired.
    pub issued_vouchers: u32,
    /// Way to acquire a voucher.
    pub acquisition: Acquisition,
    /// Time from which vouchers can be acquired.
    pub starts_at: Timestamp,
    /// Time of the end.
    pub ends_at: Timestamp,
    /// Days a voucher is valid.
    pub voucher_validity_days: u32,
    /// Vouchers per person; 0 for no limit.
    pub max_per_user: u32,
    /// Whether a voucher keeps its remainder after a redemption.
    pub allow_partial_redemption: bool,
    /// State as it is stored.
    pub stored_status: CampaignStatus,
    /// Revocation of its vouchers.
    pub revocation: Option<CampaignRevocation>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Number of its events.
    pub version: i64,
}

/// Revocation of a campaign's vouchers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRevocation {
    /// Time.
    pub at: Timestamp,
    /// Reason.
    pub reason: String,
    /// Vouchers that could be redeemed then.
    pub vouchers: u32,
}

/// Way to acquire a voucher, and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquisition {
    /// Way.
    pub of_type: AcquisitionType,
    /// Price; none for a free one.
    pub price: Option<Money>,
}

named! {
    /// Ways to acquire a voucher.
    AcquisitionType;

    /// For points of the person's wallet.
    ExchangePoints = "EXCHANGE_POINTS";
    /// For nothing.
    Free = "FREE";
    /// For money of the person's wallet.
    Purchase = "PURCHASE";
}

named! {
    /// States of a campaign.
    CampaignStatus;

    /// Vouchers can be acquired within its dates.
    Active = "ACTIVE";
    /// Ended by the merchant or staff before its time.
    Cancelled = "CANCELLED";
    /// Ended at its time or completed before it.
    Completed = "COMPLETED";
    /// Not yet activated.
    Draft = "DRAFT";
    /// Vouchers can't be acquired; redeeming goes on.
    Paused = "PAUSED";
}

impl CampaignStatus {
    /// The stored state as of a time: from its end on a campaign is completed and a draft cancelled, before a job has stored
    /// it.
    #[must_use]
    pub fn at(self, ends_at: Timestamp, now: Timestamp) -> Self {
        match self {
            Self::Draft if ends_at <= now => Self::Cancelled,
            Self::Active | Self::Paused if ends_at <= now => Self::Completed,
            stored => stored,
        }
    }

    /// Whether everybody may see a campaign in this state.
    #[must_use]
    pub fn is_public(self) -> bool {
        !matches!(self, Self::Draft | Self::Cancelled)
    }

    /// Whether it is the end of a campaign.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

impl Campaign {
    /// The merchant.
    #[must_use]
    pub fn merchant(&self) -> MerchantId {
        self.id.merchant
    }

    /// State as of a time; see [`CampaignStatus::at`].
    #[must_use]
    pub fn status(&self, now: Timestamp) -> CampaignStatus {
        self.stored_status.at(self.ends_at, now)
    }

    /// Whether its vouchers can't be acquired any more.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.status(now).is_end()
    }

    /// Vouchers that can still be acquired: none once it has ended.
    #[must_use]
    pub fn available_vouchers(&self, now: Timestamp) -> u32 {
        if self.has_ended(now) {
            0
        } else {
            self.unissued()
        }
    }

    /// Vouchers that were not acquired.
    #[must_use]
    pub fn unissued(&self) -> u32 {
        self.total_vouchers.saturating_sub(self.issued_vouchers)
    }

    /// Escrow of a number of vouchers at their face value.
    pub fn escrow_of(&self, vouchers: u32) -> Result<Minor, Overflow> {
        escrow(self.face_value, vouchers)
    }
}

/// Escrow of vouchers: a fault on overflow of 64 bits.
pub fn escrow(face_value: Money, vouchers: u32) -> Result<Minor, Overflow> {
    let sum = face_value.amount.0.checked_mul(i64::from(vouchers));
    sum.map(Minor).ok_or(Overflow("an escrow"))
}
