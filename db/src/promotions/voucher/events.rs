//! Events of vouchers.

use domain::money::{Minor, Money};
use domain::promotions::redemption::RedemptionActor;
use domain::promotions::voucher::Voucher;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::text::named;

/// An event of a voucher. Each has the fields of [`VoucherEvents::of`] too. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
pub(in crate::promotions) enum VoucherEvent {
    VoucherClaimed {
        expires_at: Timestamp,
        price: Option<Decimal>,
        price_currency: Option<String>,
        transaction_id: Option<Uuid>,
    },
    VoucherRedeemed {
        redemption_id: Uuid,
        order_id: Option<Uuid>,
        amount_used: Decimal,
        amount_refunded: Decimal,
        #[serde(with = "named")]
        redeemed_by: RedemptionActor,
    },
    VoucherExtended {
        expires_at: Timestamp,
    },
    VoucherExpiring {
        expires_at: Timestamp,
    },
    VoucherExpired {},
    VoucherRevoked {
        reason: String,
        transaction_id: Option<Uuid>,
    },
    VoucherRefunded {
        price: Decimal,
        price_currency: String,
        transaction_id: Uuid,
    },
}

impl VoucherEvent {
    /// An unearned price that returns to the holder.
    pub fn refunded(price: Money, unearned: Minor, transaction_id: TransactionId) -> Self {
        Self::VoucherRefunded {
            price: amount(price, unearned),
            price_currency: price.currency.code.to_string(),
            transaction_id: transaction_id.0,
        }
    }
}

/// Events of one voucher in one command.
pub(in crate::promotions) type VoucherEvents = SubjectEvents<VoucherEvent>;

impl VoucherEvents {
    /// An empty list for a voucher as it is after the command. A code is never in an event, but its ending is.
    pub fn of(voucher: &Voucher) -> Self {
        let mut events = Self::new("voucher", voucher.id.uuid, voucher.version);
        events.audience = voucher.owner();
        let fields = json!({
            "voucherId": voucher.id.uuid, "campaignId": voucher.offer.campaign.uuid, "merchantId": voucher.merchant().0,
            "userId": voucher.owner().map(|owner| owner.0), "codeEnding": voucher.code.ending(),
            "remainingValue": amount(voucher.offer.face_value, voucher.remaining),
            "currency": voucher.offer.face_value.currency.code.as_str(),
        });
        if let Value::Object(fields) = fields {
            events.common = fields;
        }
        events
    }
}

/// An amount in the currency of another.
pub(in crate::promotions) fn amount(like: Money, amount: Minor) -> Decimal {
    amount.to_decimal(like.currency.scale)
}
