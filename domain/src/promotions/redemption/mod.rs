//! Redemptions: uses of vouchers for orders.

mod refusal;
mod rules;
#[cfg(test)]
mod tests;

pub use refusal::{RedemptionRefusal, RedemptionRefusalKind};
pub use rules::{NewRedemption, Order, Returned, Use, check_pending, redeem, return_value};

use crate::ids::{RedemptionId, UserId, VoucherId};
use crate::money::{Minor, Money};
use crate::named::named;
use crate::time::Timestamp;

/// Use of a voucher for an order. While it is pending it holds value and price share of the voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// Id.
    pub id: RedemptionId,
    /// Campaign of the voucher.
    pub campaign: uuid::Uuid,
    /// The voucher.
    pub voucher: VoucherId,
    /// Holder of the voucher.
    pub holder: UserId,
    /// Key of the order.
    pub order_id: Option<uuid::Uuid>,
    /// Amount of the order.
    pub order_amount: Money,
    /// Value used for the order.
    pub used: Minor,
    /// Surplus that goes to the merchant with the used value, where a voucher is used as a whole.
    pub refunded: Minor,
    /// Value returned to the voucher after settlement.
    pub returned: Minor,
    /// Part of the voucher's price that it earns the merchant; none for a free voucher.
    pub price_share: Option<Money>,
    /// Part of the price share that was returned with the value.
    pub price_returned: Minor,
    /// State.
    pub status: RedemptionStatus,
    /// Caller who redeemed the voucher.
    pub redeemed_by: RedemptionActor,
    /// Time of the redemption.
    pub redeemed_at: Timestamp,
    /// Time it is voided if not settled; none once it has ended.
    pub settle_expires_at: Option<Timestamp>,
    /// Time it was settled or voided.
    pub ended_at: Option<Timestamp>,
    /// Posting of the settlement.
    pub transaction: Option<uuid::Uuid>,
    /// Number of its events.
    pub version: i64,
}

named! {
    /// States of a redemption.
    RedemptionStatus;

    /// Value and price share are held; nothing is posted.
    Pending = "PENDING";
    /// The merchant has received value and price share.
    Settled = "SETTLED";
    /// Value and price share went back to the voucher.
    Voided = "VOIDED";
}

named! {
    /// Callers who redeem vouchers.
    RedemptionActor;

    /// The holder, for an order.
    Holder = "HOLDER";
    /// The merchant, at the till.
    Merchant = "MERCHANT";
    /// A service, for an order.
    Service = "SERVICE";
}

impl Redemption {
    /// Value that it took from the voucher.
    #[must_use]
    pub fn taken(&self) -> Minor {
        Minor(self.used.0.saturating_add(self.refunded.0))
    }

    /// Price share in the smallest unit; zero for a free voucher.
    #[must_use]
    pub fn share(&self) -> Minor {
        self.price_share.map_or(Minor::ZERO, |share| share.amount)
    }

    /// Whether everything it took went back: it was voided, or returned in full.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        self.status == RedemptionStatus::Voided || self.returned == self.taken()
    }

    /// Value that can still be returned.
    #[must_use]
    pub fn returnable(&self) -> Minor {
        Minor(self.used.0.saturating_sub(self.returned.0))
    }
}
