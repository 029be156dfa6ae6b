//! Events of redemptions.

use domain::money::Minor;
use domain::promotions::redemption::Redemption;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::outbox::SubjectEvents;
use crate::prelude::*;

/// An event of a redemption. Each has the fields of [`RedemptionEvents::of`] too. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload", rename_all_fields = "camelCase")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the events' names"
)]
pub(super) enum RedemptionEvent {
    RedemptionSettled {
        amount_used: Decimal,
        amount_refunded: Decimal,
        price_share: Option<Decimal>,
    },
    RedemptionVoided {
        amount_used: Decimal,
    },
    RedemptionReturned {
        amount: Decimal,
        amount_returned: Decimal,
        price_returned: Option<Decimal>,
    },
}

/// Events of one redemption in one command.
pub(super) type RedemptionEvents = SubjectEvents<RedemptionEvent>;

impl RedemptionEvents {
    /// An empty list for a redemption, with the posting.
    pub fn of(redemption: &Redemption, transaction: Option<TransactionId>) -> Self {
        let mut events = Self::new("redemption", redemption.id.uuid, redemption.version);
        events.audience = Some(redemption.holder);
        events.transaction_id = transaction;
        let price_currency = redemption.price_share.map(|share| share.currency.code);
        let fields = json!({
            "redemptionId": redemption.id.uuid, "voucherId": redemption.voucher.uuid, "campaignId": redemption.campaign,
            "merchantId": redemption.id.merchant.0, "userId": redemption.holder.0, "orderId": redemption.order_id,
            "currency": redemption.order_amount.currency.code.as_str(),
            "priceCurrency": price_currency.map(|code| code.to_string()),
            "transactionId": transaction.map(|id| id.0),
        });
        if let Value::Object(fields) = fields {
            events.common = fields;
        }
        events
    }
}

/// An amount in the currency of a redemption's voucher.
pub(super) fn value(redemption: &Redemption, amount: Minor) -> Decimal {
    amount.to_decimal(redemption.order_amount.currency.scale)
}

/// An amount in the currency of the voucher's price; none for a free voucher.
pub(super) fn price(redemption: &Redemption, amount: Minor) -> Option<Decimal> {
    let share = redemption.price_share?;
    Some(amount.to_decimal(share.currency.scale))
}
