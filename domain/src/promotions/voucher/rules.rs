//! Rules of vouchers: who may acquire one, when it can be used, and where value goes that comes back.

use super::{Holding, Offer, Revocation, Voucher, VoucherRefusal, VoucherStatus};
use crate::access::Person;
use crate::money::{Minor, Overflow};
use crate::promotions::PromotionConfiguration;
use crate::promotions::campaign::{AcquisitionType, CampaignStatus};
use crate::reason::Reason;
use crate::time::{Timestamp, days, plus};

/// Days that can be added to a voucher at a time.
const MOST_DAYS: u32 = 365;

/// Checks whether a person may acquire a voucher of a campaign.
///
/// Refusals, in this order: [`VoucherRefusal::CampaignNotFound`] for a draft, [`VoucherRefusal::WrongAcquisitionType`],
/// [`VoucherRefusal::CampaignNotActive`], [`VoucherRefusal::CampaignNotStarted`], [`VoucherRefusal::CampaignEnded`],
/// [`VoucherRefusal::WalletFrozen`], [`VoucherRefusal::LimitPerUser`].
pub fn acquire(
    offer: &Offer,
    way: AcquisitionType,
    acquired: u32,
    is_frozen: bool,
    now: Timestamp,
) -> Result<(), VoucherRefusal> {
    let status = offer.status(now);
    if offer.stored_status == CampaignStatus::Draft {
        return Err(VoucherRefusal::CampaignNotFound);
    }
    if offer.acquisition.of_type != way {
        return Err(VoucherRefusal::WrongAcquisitionType);
    }
    if status == CampaignStatus::Paused {
        return Err(VoucherRefusal::CampaignNotActive);
    }
    if offer.starts_at > now && status == CampaignStatus::Active {
        let retry_at = offer.starts_at;
        return Err(VoucherRefusal::CampaignNotStarted { retry_at });
    }
    if status != CampaignStatus::Active {
        return Err(VoucherRefusal::CampaignEnded);
    }
    if is_frozen {
        return Err(VoucherRefusal::WalletFrozen);
    }
    let limit = offer.max_per_user;
    if limit > 0 && acquired >= limit {
        return Err(VoucherRefusal::LimitPerUser { limit });
    }
    Ok(())
}

/// Checks whether a voucher can be redeemed now.
///
/// Refusals, in this order: [`VoucherRefusal::VoucherNotFound`] for an unissued one, [`VoucherRefusal::VoucherRevoked`],
/// [`VoucherRefusal::VoucherExpired`], [`VoucherRefusal::VoucherUsed`], [`VoucherRefusal::WalletFrozen`].
pub fn check_usable(
    voucher: &Voucher,
    is_frozen: bool,
    now: Timestamp,
) -> Result<(), VoucherRefusal> {
    if voucher.holding.is_none() {
        return Err(VoucherRefusal::VoucherNotFound);
    }
    if voucher.revocation().is_some() {
        return Err(VoucherRefusal::VoucherRevoked);
    }
    match voucher.status(now) {
        VoucherStatus::Available => Err(VoucherRefusal::VoucherNotFound),
        VoucherStatus::Expired => Err(VoucherRefusal::VoucherExpired),
        VoucherStatus::FullyRedeemed => Err(VoucherRefusal::VoucherUsed),
        VoucherStatus::Claimed | VoucherStatus::PartiallyRedeemed if is_frozen => {
            Err(VoucherRefusal::WalletFrozen)
        }
        VoucherStatus::Claimed | VoucherStatus::PartiallyRedeemed => Ok(()),
    }
}

/// Where value goes that a redemption gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destiny {
    /// Back onto the voucher, which is usable until then.
    Voucher(Timestamp),
    /// To the merchant, as its expiry sent the rest.
    Expiry,
    /// Value to the merchant and price to the holder, as its revocation sent the rest.
    Revocation,
}

/// Where value goes that comes back to a voucher now. It stays usable for `returnGraceDays` more, but never beyond as many
/// days after the end of its validity.
#[must_use]
pub fn destiny(
    voucher: &Voucher,
    holding: Holding,
    configuration: &PromotionConfiguration,
    now: Timestamp,
) -> Destiny {
    if voucher.revocation.is_some() || voucher.offer.revocation.is_some() {
        return Destiny::Revocation;
    }
    let grace = days(configuration.return_grace_days);
    let last = plus(holding.expires_at, grace).max(holding.usable_until);
    if last <= now {
        return Destiny::Expiry;
    }
    let usable_until = plus(now, grace).min(last).max(holding.usable_until);
    Destiny::Voucher(usable_until)
}

/// Value and price that come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComesBack {
    /// Value in the face value's currency.
    pub value: Minor,
    /// Price in the price's currency.
    pub price: Minor,
}

impl ComesBack {
    /// The voucher with this value and price, usable until a time. One whose time was over keeps nothing else: its rest was
    /// paid out when that was booked, or is [`overdue`].
    pub fn onto(
        self,
        voucher: &Voucher,
        usable_until: Timestamp,
        now: Timestamp,
    ) -> Result<Voucher, Overflow> {
        let is_over = voucher.stored_status == VoucherStatus::Expired || voucher.is_overdue(now);
        let kept = |amount: Minor| if is_over { Minor::ZERO } else { amount };
        let remaining = kept(voucher.remaining).plus(self.value)?;
        Ok(Voucher {
            stored_status: voucher.status_of(remaining),
            remaining,
            unearned: kept(voucher.unearned).plus(self.price)?,
            holding: voucher.holding.map(|holding| Holding {
                usable_until,
                ..holding
            }),
            ..voucher.clone()
        })
    }

    /// The voucher after value and price went to the merchant or the holder instead: it has ended, even if it had nothing
    /// left. None while its own end is not booked: that will pay the rest out.
    pub fn lost(self, voucher: &Voucher, destiny: Destiny) -> Result<Option<Voucher>, Overflow> {
        if voucher.is_stored_live() {
            return Ok(None);
        }
        let of_campaign = voucher.offer.revocation.clone();
        let is_revoked = destiny == Destiny::Revocation;
        let revocation = of_campaign.filter(|_| is_revoked);
        Ok(Some(Voucher {
            stored_status: VoucherStatus::Expired,
            remaining: voucher.remaining.plus(self.value)?,
            unearned: voucher.unearned.plus(self.price)?,
            revocation: voucher.revocation.clone().or(revocation),
            ..voucher.clone()
        }))
    }
}

/// Rest of a voucher whose time is over, if that is not booked yet.
#[must_use]
pub fn overdue(voucher: &Voucher, now: Timestamp) -> Option<ComesBack> {
    voucher.is_overdue(now).then_some(ComesBack {
        value: voucher.remaining,
        price: voucher.unearned,
    })
}

/// The voucher, valid for more days, with its new holding.
///
/// Refusals, in this order: [`VoucherRefusal::OwnAccount`], [`VoucherRefusal::StatusInvalid`] unless it can be redeemed,
/// [`VoucherRefusal::DaysInvalid`].
pub fn extend(
    voucher: &Voucher,
    person: &Person,
    additional_days: i32,
    configuration: &PromotionConfiguration,
    now: Timestamp,
) -> Result<Voucher, VoucherRefusal> {
    check_other(voucher, person)?;
    let holding = voucher.holding.filter(|_| voucher.is_live(now));
    let holding = holding.ok_or(VoucherRefusal::StatusInvalid)?;
    let max = configuration.max_validity_days;
    let refused = VoucherRefusal::DaysInvalid { max };
    let added = u32::try_from(additional_days).ok();
    let added = added.filter(|days| (1..=MOST_DAYS).contains(days));
    let added = added.ok_or_else(|| refused.clone())?;
    let expires_at = plus(holding.expires_at, days(added));
    if expires_at > plus(holding.claimed_at, days(max)) {
        return Err(refused);
    }
    Ok(Voucher {
        holding: Some(Holding {
            expires_at,
            usable_until: holding.usable_until.max(expires_at),
            ..holding
        }),
        updated_at: now.max(voucher.updated_at),
        ..voucher.clone()
    })
}

/// The revoked voucher.
///
/// Refusals, in this order: [`VoucherRefusal::OwnAccount`], [`VoucherRefusal::StatusInvalid`] unless it can be redeemed.
pub fn revoke(
    voucher: &Voucher,
    person: &Person,
    reason: &Reason,
    now: Timestamp,
) -> Result<Voucher, VoucherRefusal> {
    check_other(voucher, person)?;
    if !voucher.is_live(now) {
        return Err(VoucherRefusal::StatusInvalid);
    }
    Ok(Voucher {
        stored_status: VoucherStatus::Expired,
        revocation: Some(Revocation {
            at: now,
            reason: reason.as_str().to_owned(),
        }),
        updated_at: now.max(voucher.updated_at),
        ..voucher.clone()
    })
}

fn check_other(voucher: &Voucher, person: &Person) -> Result<(), VoucherRefusal> {
    let is_holder = voucher.owner().is_some_and(|owner| person.is_own(owner));
    if is_holder || person.is_own(voucher.merchant()) {
        return Err(VoucherRefusal::OwnAccount);
    }
    Ok(())
}
