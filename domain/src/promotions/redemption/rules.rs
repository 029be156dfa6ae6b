//! Rules of redemptions: how much an order uses, what it earns the merchant, and what comes back.

use rust_decimal::Decimal;

use super::{Redemption, RedemptionRefusal, RedemptionStatus};
use crate::money::{CurrencyCode, Minor, Money, Overflow, amount};
use crate::promotions::PromotionConfiguration;
use crate::promotions::campaign::shown_amount;
use crate::promotions::voucher::{ComesBack, Voucher, VoucherRefusal};
use crate::refusal::Rejection;
use crate::time::{Timestamp, days, plus};

/// An order as earlier vouchers left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its amount.
    pub amount: Money,
    /// Part that vouchers pay.
    pub covered: Minor,
}

/// A use of a voucher as it is asked for, with what is known about the order.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// Amount of the order, and its currency.
    pub order_amount: (Decimal, CurrencyCode),
    /// The order, if vouchers were used for it.
    pub order: Option<Order>,
    /// Whether this voucher was.
    pub is_repeated: bool,
    /// Pending redemptions of the voucher.
    pub pending: u32,
    /// Whether the redemption is settled at once.
    pub is_at_till: bool,
}

/// Amounts that a use takes from the voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRedemption {
    /// Amount of the order.
    pub order_amount: Money,
    /// Value used for the order.
    pub used: Minor,
    /// Surplus of a voucher that is used as a whole.
    pub refunded: Minor,
    /// Value that the voucher keeps.
    pub remaining: Minor,
    /// Part of the price that it earns.
    pub share: Minor,
}

/// What a voucher that can be redeemed pays of an order.
///
/// Refusals, in this order: [`VoucherRefusal::OrderAmountInvalid`], [`VoucherRefusal::CurrencyMismatch`],
/// [`VoucherRefusal::OrderRedeemed`], [`VoucherRefusal::PendingLimit`], [`VoucherRefusal::OrderAmountDiffers`],
/// [`VoucherRefusal::OrderCovered`].
pub fn redeem(
    voucher: &Voucher,
    wanted: &Use,
    configuration: &PromotionConfiguration,
) -> Result<NewRedemption, Rejection<VoucherRefusal>> {
    let face_value = voucher.offer.face_value;
    let currency = face_value.currency;
    let (value, code) = wanted.order_amount;
    if value <= Decimal::ZERO {
        return Err(VoucherRefusal::OrderAmountInvalid.into());
    }
    if code != currency.code {
        let currency = currency.code;
        return Err(VoucherRefusal::CurrencyMismatch { currency }.into());
    }
    let order_amount = shown_amount(value, currency).ok_or(VoucherRefusal::OrderAmountInvalid)?;
    if wanted.is_repeated {
        return Err(VoucherRefusal::OrderRedeemed.into());
    }
    let limit = configuration.max_pending_redemptions;
    if !wanted.is_at_till && wanted.pending >= limit {
        return Err(VoucherRefusal::PendingLimit { limit }.into());
    }
    let covered = match wanted.order {
        // An order whose vouchers were all voided may have another amount now.
        Some(order) if order.covered > Minor::ZERO && order.amount != order_amount => {
            return Err(VoucherRefusal::OrderAmountDiffers {
                order_amount: order.amount.to_decimal(),
                currency: order.amount.currency.code,
            }
            .into());
        }
        Some(order) => order.covered,
        None => Minor::ZERO,
    };
    let open = order_amount.amount.minus(covered)?;
    if open <= Minor::ZERO {
        return Err(VoucherRefusal::OrderCovered.into());
    }
    let used = voucher.remaining.min(open);
    let rest = voucher.remaining.minus(used)?;
    let (refunded, remaining) = if voucher.offer.allow_partial_redemption {
        (Minor::ZERO, rest)
    } else {
        (rest, Minor::ZERO)
    };
    Ok(NewRedemption {
        order_amount,
        used,
        refunded,
        remaining,
        share: share(voucher, remaining)?,
    })
}

/// Part of the price that a redemption earns: the unearned price without what covers the value that remains, rounded up in
/// the decimals that the currency shows. The redemption that empties the voucher takes the rest.
fn share(voucher: &Voucher, remaining: Minor) -> Result<Minor, Overflow> {
    let Some(price) = voucher.offer.price() else {
        return Ok(Minor::ZERO);
    };
    if remaining <= Minor::ZERO {
        return Ok(voucher.unearned);
    }
    let kept = portion(price, remaining, voucher.offer.face_value.amount, Round::Up)?;
    Ok(voucher.unearned.minus(kept)?.max(Minor::ZERO))
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

/// `whole × part ÷ of` in the decimals that the currency of `whole` shows.
fn portion(whole: Money, part: Minor, of: Minor, round: Round) -> Result<Minor, Overflow> {
    let overflow = Overflow("a part of a price");
    let hidden = whole
        .currency
        .scale
        .saturating_sub(whole.currency.display_decimals);
    let unit = 10_i128.checked_pow(hidden.into()).ok_or(overflow)?;
    let product = i128::from(whole.amount.0)
        .checked_mul(part.0.into())
        .ok_or(overflow)?;
    let divisor = i128::from(of.0).checked_mul(unit).ok_or(overflow)?;
    let units = product.checked_div_euclid(divisor).ok_or(overflow)?;
    let is_exact = product.checked_rem_euclid(divisor) == Some(0);
    let units = match round {
        Round::Up if !is_exact => units.checked_add(1).ok_or(overflow)?,
        Round::Up | Round::Down => units,
    };
    let minor = units.checked_mul(unit).ok_or(overflow)?;
    i64::try_from(minor).map(Minor).map_err(|_| overflow)
}

/// Checks that a redemption is pending: [`RedemptionRefusal::Settled`], [`RedemptionRefusal::Voided`].
pub fn check_pending(redemption: &Redemption) -> Result<(), RedemptionRefusal> {
    let (merchant_id, id) = (redemption.id.merchant.0, redemption.id.uuid);
    match redemption.status {
        RedemptionStatus::Pending => Ok(()),
        RedemptionStatus::Settled => Err(RedemptionRefusal::Settled {
            merchant_id,
            redemption: id,
        }),
        RedemptionStatus::Voided => Err(RedemptionRefusal::Voided {
            merchant_id,
            redemption: id,
        }),
    }
}

/// A return: what comes back, and the redemption after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Value and price that come back.
    pub back: ComesBack,
    /// The redemption.
    pub redemption: Redemption,
}

/// What comes back when value of a settled redemption is returned: this amount, or all that is left of it, and its
/// proportion of the price share.
///
/// Refusals, in this order: [`RedemptionRefusal::Pending`], [`RedemptionRefusal::Voided`],
/// [`RedemptionRefusal::ReturnTooLate`], [`RedemptionRefusal::AmountInvalid`], [`RedemptionRefusal::ReturnExceeded`],
/// [`RedemptionRefusal::PartialReturnNotAllowed`].
pub fn return_value(
    redemption: &Redemption,
    voucher: &Voucher,
    wanted: Option<(Decimal, CurrencyCode)>,
    configuration: &PromotionConfiguration,
    now: Timestamp,
) -> Result<Returned, Rejection<RedemptionRefusal>> {
    let (merchant_id, id) = (redemption.id.merchant.0, redemption.id.uuid);
    let settled_at = match (redemption.status, redemption.ended_at) {
        (RedemptionStatus::Settled, Some(at)) => at,
        (RedemptionStatus::Voided, _) => {
            return Err(RedemptionRefusal::Voided {
                merchant_id,
                redemption: id,
            }
            .into());
        }
        (RedemptionStatus::Pending | RedemptionStatus::Settled, _) => {
            return Err(RedemptionRefusal::Pending {
                merchant_id,
                redemption: id,
            }
            .into());
        }
    };
    if plus(settled_at, days(configuration.return_days)) <= now {
        return Err(RedemptionRefusal::ReturnTooLate {
            merchant_id,
            redemption: id,
        }
        .into());
    }
    let currency = redemption.order_amount.currency;
    let returnable = redemption.returnable();
    let exceeded = || RedemptionRefusal::ReturnExceeded {
        merchant_id,
        redemption: id,
        returnable: returnable.to_decimal(currency.scale),
        currency: currency.code,
    };
    let value = match wanted {
        None => returnable,
        Some((value, code)) => {
            let shown = shown_amount(value, currency).filter(|_| code == currency.code);
            let whole = amount(value, currency.scale).ok();
            // All that is left can be finer than the currency shows.
            let whole = whole.filter(|whole| code == currency.code && *whole == returnable);
            let invalid = RedemptionRefusal::AmountInvalid {
                merchant_id,
                redemption: id,
                currency: currency.code,
            };
            let known = shown.map(|shown| shown.amount).or(whole);
            known.filter(|value| value.0 > 0).ok_or(invalid)?
        }
    };
    if value > returnable || value <= Minor::ZERO {
        return Err(exceeded().into());
    }
    if value < returnable && !voucher.offer.allow_partial_redemption {
        return Err(RedemptionRefusal::PartialReturnNotAllowed {
            merchant_id,
            redemption: id,
        }
        .into());
    }
    let returned = redemption.returned.plus(value)?;
    let price_returned = match redemption.price_share {
        Some(share) if returned == redemption.taken() => share.amount,
        Some(share) => portion(share, returned, redemption.taken(), Round::Down)?
            .max(redemption.price_returned),
        None => Minor::ZERO,
    };
    let back = ComesBack {
        value,
        price: price_returned.minus(redemption.price_returned)?,
    };
    let redemption = Redemption {
        returned,
        price_returned,
        ..redemption.clone()
    };
    Ok(Returned { back, redemption })
}
