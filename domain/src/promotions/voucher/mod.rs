//! Vouchers of campaigns.

mod code;
mod refusal;
mod rules;
#[cfg(test)]
mod tests;

pub use code::VoucherCode;
pub use refusal::{VoucherRefusal, VoucherRefusalKind};
pub use rules::{ComesBack, Destiny, acquire, check_usable, destiny, extend, overdue, revoke};

use super::campaign::{Acquisition, CampaignStatus};
use crate::ids::{CampaignId, MerchantId, UserId, VoucherId};
use crate::money::{Minor, Money};
use crate::named::named;
use crate::time::Timestamp;

/// A voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Id.
    pub id: VoucherId,
    /// What it takes from its campaign.
    pub offer: Offer,
    /// Code, a secret of the holder.
    pub code: VoucherCode,
    /// State as it is stored.
    pub stored_status: VoucherStatus,
    /// Value that is left; of an expired or revoked one the value that it had left.
    pub remaining: Minor,
    /// Part of the price that no redemption has earned.
    pub unearned: Minor,
    /// The holder, once it was acquired.
    pub holding: Option<Holding>,
    /// Time of the last redemption.
    pub redeemed_at: Option<Timestamp>,
    /// Its own revocation.
    pub revocation: Option<Revocation>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Number of its events.
    pub version: i64,
}

/// The holder of a voucher and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The holder.
    pub owner: UserId,
    /// Time it was acquired.
    pub claimed_at: Timestamp,
    /// End of its validity.
    pub expires_at: Timestamp,
    /// Time until which it can be redeemed: after `expires_at` if value came back.
    pub usable_until: Timestamp,
}

/// Revocation of a voucher, or of all of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Time.
    pub at: Timestamp,
    /// Reason.
    pub reason: String,
}

/// What vouchers take from their campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The campaign.
    pub campaign: CampaignId,
    /// Value of a whole voucher.
    pub face_value: Money,
    /// Number of the campaign's vouchers.
    pub total_vouchers: u32,
    /// Way to acquire a voucher.
    pub acquisition: Acquisition,
    /// Time from which vouchers can be acquired.
    pub starts_at: Timestamp,
    /// Time of the campaign's end.
    pub ends_at: Timestamp,
    /// Days a voucher is valid.
    pub voucher_validity_days: u32,
    /// Vouchers per person; 0 for no limit.
    pub max_per_user: u32,
    /// Whether a voucher keeps its remainder after a redemption.
    pub allow_partial_redemption: bool,
    /// State of the campaign as it is stored.
    pub stored_status: CampaignStatus,
    /// Revocation of the campaign's vouchers.
    pub revocation: Option<Revocation>,
}

named! {
    /// States of a voucher.
    VoucherStatus;

    /// Can be acquired.
    Available = "AVAILABLE";
    /// Acquired and unused.
    Claimed = "CLAIMED";
    /// Over with value left: its time passed, it was revoked, or it was unissued when the campaign ended.
    Expired = "EXPIRED";
    /// Without value left.
    FullyRedeemed = "FULLY_REDEEMED";
    /// Used in part.
    PartiallyRedeemed = "PARTIALLY_REDEEMED";
}

impl Offer {
    /// State of the campaign as of a time; see [`CampaignStatus::at`].
    #[must_use]
    pub fn status(&self, now: Timestamp) -> CampaignStatus {
        self.stored_status.at(self.ends_at, now)
    }

    /// Price of a voucher; none for a free one.
    #[must_use]
    pub fn price(&self) -> Option<Money> {
        self.acquisition.price
    }
}

impl Voucher {
    /// The merchant.
    #[must_use]
    pub fn merchant(&self) -> MerchantId {
        self.id.merchant
    }

    /// The holder.
    #[must_use]
    pub fn owner(&self) -> Option<UserId> {
        self.holding.map(|holding| holding.owner)
    }

    /// Its revocation: its own, or that of its campaign if that took something from it.
    #[must_use]
    pub fn revocation(&self) -> Option<&Revocation> {
        self.revocation.as_ref().or(self.pending_revocation())
    }

    /// The revocation of its campaign, if that takes something from it and is not stored yet.
    #[must_use]
    pub fn pending_revocation(&self) -> Option<&Revocation> {
        let of_campaign = self.offer.revocation.as_ref()?;
        let holding = self.holding.filter(|_| self.is_stored_live())?;
        (holding.usable_until > of_campaign.at).then_some(of_campaign)
    }

    /// State as of a time: one whose time is over, or whose campaign was revoked, has expired before a job has stored it; so
    /// has an unissued one of an ended campaign.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> VoucherStatus {
        match (self.stored_status, self.holding) {
            (VoucherStatus::Available, _) if self.offer.status(now).is_end() => {
                VoucherStatus::Expired
            }
            (VoucherStatus::Claimed | VoucherStatus::PartiallyRedeemed, Some(holding))
                if holding.usable_until <= now || self.offer.revocation.is_some() =>
            {
                VoucherStatus::Expired
            }
            (stored, _) => stored,
        }
    }

    /// Whether it can be redeemed at a time.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        is_live(self.status(now))
    }

    /// Whether it is stored as one that has value.
    #[must_use]
    pub fn is_stored_live(&self) -> bool {
        is_live(self.stored_status)
    }

    /// Whether its time is over and that is not booked yet.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let is_over = |holding: Holding| holding.usable_until <= now;
        self.is_stored_live() && self.holding.is_some_and(is_over)
    }

    /// The state of an acquired voucher with a remaining value.
    #[must_use]
    pub fn status_of(&self, remaining: Minor) -> VoucherStatus {
        if remaining <= Minor::ZERO {
            VoucherStatus::FullyRedeemed
        } else if remaining == self.offer.face_value.amount {
            VoucherStatus::Claimed
        } else {
            VoucherStatus::PartiallyRedeemed
        }
    }
}

fn is_live(status: VoucherStatus) -> bool {
    let live = [VoucherStatus::Claimed, VoucherStatus::PartiallyRedeemed];
    live.contains(&status)
}
