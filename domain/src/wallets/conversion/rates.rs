//! Rates: recorded snapshots of a source, or those of the configuration.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::ConversionRefusal;
use crate::ids::UserId;
use crate::money::CurrencyCode;
use crate::named::named;
use crate::time::{Timestamp, plus};
use crate::wallets::{Currencies, RateSource, WalletConfiguration};

/// Time in which the rate of a pair moves by at most `rateMaxJumpBps` without a second person.
const ANCHOR_AGE: TimeDelta = TimeDelta::hours(1);

/// Latest time at which a rate was recorded that is an anchor at `now`.
#[must_use]
pub fn anchored_until(now: Timestamp) -> Timestamp {
    plus(now, -ANCHOR_AGE)
}

/// Largest number of decimals of a rate.
const DECIMALS: u32 = 12;

/// Key of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateKey {
    /// A recorded rate.
    Recorded(Uuid),
    /// A rate of a version of the configuration.
    Static {
        /// Version of the section `wallet`.
        version: i32,
        /// Currency that is given.
        from: CurrencyCode,
        /// Currency that is received.
        to: CurrencyCode,
    },
}

impl RateKey {
    /// Key in the platform's other services.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        match self {
            Self::Recorded(id) => *id,
            Self::Static { version, from, to } => {
                let name = format!("rate {version} {from} {to}");
                Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
            }
        }
    }
}

/// Rate of a pair at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Key.
    pub key: RateKey,
    /// Currency that is given.
    pub from: CurrencyCode,
    /// Currency that is received.
    pub to: CurrencyCode,
    /// Units of `to` for one unit of `from`.
    pub value: Decimal,
    /// Time it was observed at its source.
    pub observed_at: Timestamp,
    /// Time it was recorded.
    pub recorded_at: Timestamp,
    /// Issuer and subject of the caller who recorded it; none for a rate of the configuration.
    pub recorded_by: Option<(String, String)>,
    /// Whether it can be used.
    pub status: RateStatus,
    /// Person who accepted it.
    pub decided_by: Option<UserId>,
}

named! {
    /// States of a rate.
    RateStatus;

    /// Can be used while it is the newest.
    Accepted = "ACCEPTED";
    /// Further than `rateMaxJumpBps` from the last rate used or from that of an hour ago; waits for `rateAccept`.
    Waiting = "WAITING";
}

/// Checks a new rate of a pair against the newest one; returns its status. It waits when it is too far from one of the
/// `known` rates: the last one used and the anchor, which bounds what many small steps add up to.
///
/// Refusals, in this order: [`ConversionRefusal::CurrencyUnknown`], [`ConversionRefusal::PairInvalid`],
/// [`ConversionRefusal::RateInvalid`], [`ConversionRefusal::RateTimeInvalid`].
pub fn new_rate(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    (from, to): (CurrencyCode, CurrencyCode),
    value: Decimal,
    (observed_at, now): (Timestamp, Timestamp),
    (newest, known): (Option<Timestamp>, &[Decimal]),
) -> Result<RateStatus, ConversionRefusal> {
    if !currencies.contains_key(&from) || !currencies.contains_key(&to) {
        return Err(ConversionRefusal::CurrencyUnknown);
    }
    if from == to {
        return Err(ConversionRefusal::PairInvalid);
    }
    if value <= Decimal::ZERO || value.normalize().scale() > DECIMALS {
        return Err(ConversionRefusal::RateInvalid);
    }
    if observed_at > now || newest.is_some_and(|newest| observed_at <= newest) {
        return Err(ConversionRefusal::RateTimeInvalid);
    }
    let most = configuration.rate_max_jump_bps;
    Ok(if known.iter().any(|known| is_jump(*known, value, most)) {
        RateStatus::Waiting
    } else {
        RateStatus::Accepted
    })
}

/// Whether a rate is further from a known one than so many hundredths of a percent. Overflow is a jump.
fn is_jump(last: Decimal, value: Decimal, max_bps: u32) -> bool {
    let distance = value
        .checked_sub(last)
        .and_then(|distance| distance.abs().checked_mul(Decimal::from(10_000)));
    let allowed = last.checked_mul(Decimal::from(max_bps));
    match (distance, allowed) {
        (Some(distance), Some(allowed)) => distance > allowed,
        _ => true,
    }
}

/// The rate of a pair, if it can be used now: accepted, not too old, and not above the inverse of the opposite one. A
/// rate of the configuration has no age.
#[must_use]
pub fn usable<'r>(
    configuration: &WalletConfiguration,
    rate: Option<&'r Rate>,
    opposite: Option<&Rate>,
    now: Timestamp,
) -> Option<&'r Rate> {
    let rate = rate.filter(|rate| rate.status == RateStatus::Accepted)?;
    let age = now.signed_duration_since(rate.observed_at);
    let most = TimeDelta::seconds(configuration.rate_max_age_seconds.into());
    if configuration.rate_source == RateSource::Recorded && age > most {
        return None;
    }
    let gains = |opposite: &Rate| {
        let product = rate.value.checked_mul(opposite.value);
        product.is_none_or(|product| product > Decimal::ONE)
    };
    (!opposite.is_some_and(gains)).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::minutes;
    use crate::wallets::samples::{configuration, currencies};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn code(code: &str) -> CurrencyCode {
        CurrencyCode::parse(code).expect("a code")
    }

    fn rate(value: Decimal, observed_at: Timestamp) -> Rate {
        Rate {
            key: RateKey::Recorded(Uuid::nil()),
            from: CurrencyCode::MP,
            to: code("PT"),
            value,
            observed_at,
            recorded_at: observed_at,
            recorded_by: None,
            status: RateStatus::Accepted,
            decided_by: None,
        }
    }

    #[test]
    fn refuses_rates_in_order() {
        let judge = |from, to, value, observed_at, newest| {
            let pair = (code(from), code(to));
            let times = (observed_at, NOW);
            new_rate(
                &configuration(),
                &currencies(),
                pair,
                value,
                times,
                (newest, &[]),
            )
        };
        let late = plus(NOW, minutes(1));
        let fine = Decimal::new(1, 13);
        for (from, to, value, observed_at, newest, refusal) in [
            (
                "XX",
                "XX",
                fine,
                late,
                None,
                ConversionRefusal::CurrencyUnknown,
            ),
            ("MP", "MP", fine, late, None, ConversionRefusal::PairInvalid),
            ("MP", "PT", fine, late, None, ConversionRefusal::RateInvalid),
            (
                "MP",
                "PT",
                Decimal::ZERO,
                late,
                None,
                ConversionRefusal::RateInvalid,
            ),
            (
                "MP",
                "PT",
                Decimal::ONE,
                late,
                None,
                ConversionRefusal::RateTimeInvalid,
            ),
            (
                "MP",
                "PT",
                Decimal::ONE,
                NOW,
                Some(NOW),
                ConversionRefusal::RateTimeInvalid,
            ),
        ] {
            let refused = judge(from, to, value, observed_at, newest);
            assert_eq!(refused, Err(refusal), "{value} at {observed_at}");
        }
        let accepted = judge("MP", "PT", Decimal::ONE, NOW, None);
        assert_eq!(accepted, Ok(RateStatus::Accepted));
    }

    #[test]
    fn holds_back_jumps() {
        for (last, value, status) in [
            (100, 105, false),
            (100, 106, true),
            (100, 95, false),
            (100, 94, true),
        ] {
            let jumped = is_jump(Decimal::from(last), Decimal::from(value), 500);
            assert_eq!(jumped, status, "{value}");
        }
        assert!(is_jump(Decimal::MAX, Decimal::ONE, 500));
    }

    #[test]
    fn compares_with_every_known_rate() {
        let pair = (CurrencyCode::MP, code("PT"));
        let judge = |value: i64, known: &[i64]| {
            let known: Vec<_> = known.iter().copied().map(Decimal::from).collect();
            let times = (None, known.as_slice());
            let value = Decimal::from(value);
            new_rate(
                &configuration(),
                &currencies(),
                pair,
                value,
                (NOW, NOW),
                times,
            )
        };
        assert_eq!(judge(105, &[104, 100]), Ok(RateStatus::Accepted));
        assert_eq!(judge(106, &[104, 100]), Ok(RateStatus::Waiting));
        assert_eq!(judge(105, &[90, 100]), Ok(RateStatus::Waiting));
    }

    #[test]
    fn uses_fresh_rates_that_gain_nothing_both_ways() {
        let settings = configuration();
        let fresh = rate(Decimal::TWO, NOW);
        let half = rate(Decimal::new(5, 1), NOW);
        let more = rate(Decimal::new(51, 2), NOW);
        let at = |seconds| NOW + TimeDelta::seconds(seconds);
        assert!(usable(&settings, Some(&fresh), None, at(60)).is_some());
        assert!(usable(&settings, Some(&fresh), None, at(61)).is_none());
        assert!(usable(&settings, Some(&fresh), Some(&half), NOW).is_some());
        assert!(usable(&settings, Some(&fresh), Some(&more), NOW).is_none());
        assert!(usable(&settings, None, None, NOW).is_none());
        let waiting = Rate {
            status: RateStatus::Waiting,
            ..fresh.clone()
        };
        assert!(usable(&settings, Some(&waiting), None, NOW).is_none());
        let static_rates = WalletConfiguration {
            rate_source: RateSource::Static,
            ..settings
        };
        assert!(usable(&static_rates, Some(&fresh), None, at(86_400)).is_some());
    }
}
