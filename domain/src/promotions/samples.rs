//! Samples for tests: a voucher of 100 for a price of 10, held by person 2 of merchant 1, valid for a day.

use uuid::Uuid;

use super::PromotionConfiguration;
use super::campaign::{Acquisition, AcquisitionType, CampaignStatus};
use super::voucher::{Holding, Offer, Voucher, VoucherCode, VoucherStatus};
use crate::ids::UserId;
use crate::money::{Currency, CurrencyCode, Minor, Money};
use crate::time::{Timestamp, hours, plus};

/// A time, in hours.
pub fn at(hour: u32) -> Timestamp {
    plus(Timestamp::UNIX_EPOCH, hours(hour))
}

/// An amount of MP without decimals.
pub fn money(amount: i64) -> Money {
    Money {
        amount: Minor(amount),
        currency: Currency {
            number: 1,
            code: CurrencyCode::MP,
            scale: 0,
            display_decimals: 0,
        },
    }
}

/// The section `promotion`.
pub fn configuration() -> PromotionConfiguration {
    PromotionConfiguration {
        version: 1,
        code_guesses_per_hour: 20,
        max_open_campaigns: 2,
        max_pending_redemptions: 2,
        max_price_multiple: 10,
        max_validity_days: 365,
        max_vouchers_per_campaign: 1_000,
        max_vouchers_per_day: 1_500,
        price_limits: Vec::new(),
        return_days: 90,
        return_grace_days: 14,
        settle_hours: 72,
    }
}

/// An active campaign of vouchers.
pub fn offer() -> Offer {
    Offer {
        campaign: [1, 3].map(Uuid::from_u128).into(),
        face_value: money(100),
        total_vouchers: 10,
        acquisition: Acquisition {
            of_type: AcquisitionType::Purchase,
            price: Some(money(10)),
        },
        starts_at: at(0),
        ends_at: at(1_000),
        voucher_validity_days: 1,
        max_per_user: 1,
        allow_partial_redemption: true,
        stored_status: CampaignStatus::Active,
        revocation: None,
    }
}

/// A voucher that was acquired at hour 0, with what it has left of its value.
pub fn voucher(remaining: i64) -> Voucher {
    Voucher {
        id: [1, 4].map(Uuid::from_u128).into(),
        offer: offer(),
        code: VoucherCode::from_random([0; 7], 0),
        stored_status: if remaining == 100 {
            VoucherStatus::Claimed
        } else {
            VoucherStatus::PartiallyRedeemed
        },
        remaining: Minor(remaining),
        unearned: Minor(10),
        holding: Some(Holding {
            owner: UserId(Uuid::from_u128(2)),
            claimed_at: at(0),
            expires_at: at(24),
            usable_until: at(24),
        }),
        redeemed_at: None,
        revocation: None,
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    }
}
