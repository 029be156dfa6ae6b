//! Rules of conversions: integer arithmetic that never favours the caller.

use rust_decimal::Decimal;

use super::{ConversionRefusal, Rate, RateKey};
use crate::money::{Currency, CurrencyCode, Minor, Money, amount};
use crate::wallets::{ConversionPair, Currencies, WalletConfiguration, enabled_amount};

/// Hundredths of a percent in the whole.
const WHOLE_BPS: u32 = 10_000;

/// Amounts of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Amount given.
    pub given: Money,
    /// Amount at the rate, before the fee.
    pub gross: Money,
    /// Amount received.
    pub received: Money,
    /// Fee in the currency received.
    pub fee: Money,
    /// Fee in hundredths of a percent of the result.
    pub fee_bps: u32,
}

/// Checks the amount and the pair of a conversion; returns them with the currency that is received. A pair that the
/// configuration does not open, or frozen conversions, are refused later, see [`quoted`].
///
/// Refusals, in this order: [`ConversionRefusal::CurrencyUnknown`], [`ConversionRefusal::CurrencyDisabled`],
/// [`ConversionRefusal::PairInvalid`], [`ConversionRefusal::AmountInvalid`].
pub fn convert(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    (value, from): (Decimal, CurrencyCode),
    to: CurrencyCode,
) -> Result<(Money, Currency), ConversionRefusal> {
    let known = currencies.contains_key(&from);
    let target = currencies.get(&to).filter(|_| known);
    let target = *target.ok_or(ConversionRefusal::CurrencyUnknown)?;
    for code in [from, to] {
        let settings = configuration.currency(code);
        if settings.is_some_and(|settings| !settings.is_enabled) {
            return Err(ConversionRefusal::CurrencyDisabled);
        }
    }
    if from == to {
        return Err(ConversionRefusal::PairInvalid);
    }
    let given = enabled_amount(configuration, currencies, value, from)?;
    Ok((given, target))
}

/// What the caller expects of a conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Rate that must be in use.
    pub rate: Option<RateKey>,
    /// Smallest amount to receive.
    pub least: Option<Decimal>,
}

/// Whether the smallest amount that the caller expects is an amount of the currency received, above 0.
#[must_use]
pub fn is_reachable(expected: Expected, target: Currency) -> bool {
    let parsed = |least| amount(least, target.scale).is_ok_and(|least| least > Minor::ZERO);
    expected.least.is_none_or(parsed)
}

/// The amounts of a conversion of an open pair at a rate that can be used.
///
/// Refusals, in this order: [`ConversionRefusal::Frozen`], [`ConversionRefusal::PairClosed`],
/// [`ConversionRefusal::RateStale`], [`ConversionRefusal::RateChanged`], [`ConversionRefusal::AmountTooSmall`]; and
/// [`ConversionRefusal::BalanceOverflow`] for an amount that cannot be stored.
pub fn quoted(
    configuration: &WalletConfiguration,
    given: Money,
    target: Currency,
    rate: Option<&Rate>,
    expected: Expected,
) -> Result<Converted, ConversionRefusal> {
    if configuration.conversions_frozen {
        return Err(ConversionRefusal::Frozen);
    }
    let pair = configuration.pair(given.currency.code, target.code);
    let pair = pair.ok_or(ConversionRefusal::PairClosed)?;
    let rate = rate.ok_or(ConversionRefusal::RateStale)?;
    let changed = || ConversionRefusal::RateChanged {
        rate_id: match rate.key {
            RateKey::Recorded(id) => Some(id),
            RateKey::Static { .. } => None,
        },
        version: match rate.key {
            RateKey::Recorded(_) => None,
            RateKey::Static { version, .. } => Some(version),
        },
        from: rate.from,
        to: rate.to,
    };
    if expected.rate.is_some_and(|key| key != rate.key) {
        return Err(changed());
    }
    let converted =
        at_rate(given, target, rate.value, pair).ok_or(ConversionRefusal::BalanceOverflow)?;
    let received = converted.received;
    if expected
        .least
        .is_some_and(|least| received.to_decimal() < least)
    {
        return Err(changed());
    }
    if received.amount <= Minor::ZERO {
        return Err(ConversionRefusal::AmountTooSmall);
    }
    Ok(converted)
}

/// gross = floor(amount × rate), received = floor(amount × rate × (10 000 − fee) / 10 000), fee = gross − received. None
/// when an amount does not fit.
fn at_rate(
    given: Money,
    target: Currency,
    rate: Decimal,
    pair: &ConversionPair,
) -> Option<Converted> {
    let kept = WHOLE_BPS.checked_sub(pair.fee_bps)?;
    let scales = (given.currency.scale, target.scale);
    let gross = product(given.amount, rate, scales, WHOLE_BPS)?;
    let received = product(given.amount, rate, scales, kept)?;
    let of = |amount| Money {
        amount,
        currency: target,
    };
    Some(Converted {
        given,
        gross: of(gross),
        received: of(received),
        fee: of(gross.minus(received).ok()?),
        fee_bps: pair.fee_bps,
    })
}

/// floor(amount × rate × share / 10 000) between two scales.
fn product(amount: Minor, rate: Decimal, (from, to): (u8, u8), share: u32) -> Option<Minor> {
    let rate = rate.normalize();
    let power = |exponent: u32| 10_i128.checked_pow(exponent);
    // 10^(from + scale of the rate − to), which may be a fraction.
    let down = u32::from(from).checked_add(rate.scale())?;
    let (up, down) = match down.checked_sub(u32::from(to)) {
        Some(down) => (1, power(down)?),
        None => (power(u32::from(to).checked_sub(down)?)?, 1),
    };
    let divisor = down.checked_mul(WHOLE_BPS.into())?;
    let mantissa = rate.mantissa();
    let factor = i128::from(amount.0).checked_mul(share.into())?;
    let factor = factor.checked_mul(up)?;
    let numerator = factor.checked_mul(mantissa)?;
    let floor = numerator.checked_div(divisor)?;
    i64::try_from(floor).ok().map(Minor)
}

/// Whether the conversion account may pay an amount: it may be short by so much. `position` is its counted balance.
///
/// Refusal: [`ConversionRefusal::FxExhausted`].
pub fn within_exposure(
    configuration: &WalletConfiguration,
    gross: Money,
    position: Minor,
) -> Result<(), ConversionRefusal> {
    let limit = configuration
        .currency(gross.currency.code)
        .map_or(Minor::ZERO, |settings| settings.fx_exposure_limit);
    let after = position.minus(gross.amount).ok();
    let allowed = after.and_then(|after| after.plus(limit).ok());
    match allowed {
        Some(left) if left >= Minor::ZERO => Ok(()),
        _ => Err(ConversionRefusal::FxExhausted),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str, scale: u8) -> Currency {
        Currency {
            number: 1,
            code: CurrencyCode::parse(code).expect("a code"),
            scale,
            display_decimals: scale,
        }
    }

    fn pair(fee_bps: u32) -> ConversionPair {
        ConversionPair {
            from: CurrencyCode::MP,
            to: CurrencyCode::MP,
            fee_bps,
            static_rate: None,
        }
    }

    fn money(amount: i64, currency: Currency) -> Money {
        Money {
            amount: Minor(amount),
            currency,
        }
    }

    #[test]
    fn floors_in_the_smallest_unit_of_the_target() {
        let (usd, vnd, star) = (currency("USD", 6), currency("VND", 6), currency("STAR", 0));
        for (given, target, rate, fee_bps, gross, received) in [
            // 1.5 USD at 26,000.5
            (
                money(1_500_000, usd),
                vnd,
                Decimal::new(260_005, 1),
                0,
                39_000_750_000,
                39_000_750_000,
            ),
            (
                money(1_500_000, usd),
                vnd,
                Decimal::new(260_005, 1),
                25,
                39_000_750_000,
                38_903_248_125,
            ),
            // 0.999999 USD buys no whole star at par, and a fee of everything leaves nothing.
            (money(999_999, usd), star, Decimal::ONE, 0, 0, 0),
            (money(2_000_000, usd), star, Decimal::ONE, 10_000, 2, 0),
            (
                money(7, star),
                usd,
                Decimal::new(333_333_333_333, 12),
                0,
                2_333_333,
                2_333_333,
            ),
        ] {
            let converted = at_rate(given, target, rate, &pair(fee_bps)).expect("it fits");
            assert_eq!(converted.gross.amount, Minor(gross), "{rate}");
            assert_eq!(converted.received.amount, Minor(received), "{rate}");
            assert_eq!(converted.fee.amount, Minor(gross - received), "{rate}");
        }
        let most = money(i64::MAX, usd);
        assert_eq!(at_rate(most, vnd, Decimal::TWO, &pair(0)), None);
    }

    proptest! {
        /// There and back at rates whose product is at most 1 never gains.
        #[test]
        fn gains_nothing_there_and_back(
            amount in 1..1_000_000_000_000_i64, mantissa in 1..1_000_000_000_000_i64, decimals in 0_u32..12,
            scales in (0_u8..7, 0_u8..7), fee_bps in 0_u32..10_000,
        ) {
            let rate = Decimal::new(mantissa, decimals);
            let inverse = Decimal::ONE.checked_div(rate).expect("above zero").trunc_with_scale(12);
            let (from, to) = (currency("USD", scales.0), currency("VND", scales.1));
            let there = at_rate(money(amount, from), to, rate, &pair(fee_bps));
            if let Some(there) = there {
                let back = at_rate(there.received, from, inverse, &pair(fee_bps));
                let back = back.expect("less than there");
                prop_assert!(back.received.amount <= Minor(amount));
            }
        }
    }
}
