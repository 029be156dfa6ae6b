//! Rules of releases: amounts that leave a clearing account outside of settlements.

use rust_decimal::Decimal;

use super::SettlementRefusal;
use crate::money::{CurrencyCode, Money};
use crate::reason::Reason;
use crate::time::{Timestamp, hours, plus};
use crate::wallets::{Currencies, NoAmount, WalletConfiguration, any_amount};

/// A checked release, before it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelease {
    /// Amount.
    pub amount: Money,
    /// Reason.
    pub reason: Reason,
}

/// Checks a release. There is no account in an unknown currency.
///
/// Refusals, in this order: [`SettlementRefusal::ReasonInvalid`], [`SettlementRefusal::ReleaseAmountInvalid`],
/// [`SettlementRefusal::ClearingNotFound`].
pub fn release(
    currencies: &Currencies,
    reason: &str,
    (value, currency): (Decimal, CurrencyCode),
) -> Result<NewRelease, SettlementRefusal> {
    let reason = Reason::parse(reason).ok_or(SettlementRefusal::ReasonInvalid)?;
    let amount = any_amount(currencies, value, currency).map_err(|problem| match problem {
        NoAmount::CurrencyUnknown | NoAmount::CurrencyDisabled if value > Decimal::ZERO => {
            SettlementRefusal::ClearingNotFound
        }
        NoAmount::CurrencyUnknown | NoAmount::CurrencyDisabled | NoAmount::AmountInvalid => {
            SettlementRefusal::ReleaseAmountInvalid
        }
    })?;
    Ok(NewRelease { amount, reason })
}

/// Checks that an account which is not at zero since this time is overdue, as it has to be for finance.
///
/// Refusal: [`SettlementRefusal::ClearingNotOverdue`].
pub fn overdue(
    configuration: &WalletConfiguration,
    open_since: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), SettlementRefusal> {
    let age = hours(configuration.clearing_age_hours);
    match open_since {
        Some(since) if plus(since, age) <= now => Ok(()),
        _ => Err(SettlementRefusal::ClearingNotOverdue),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::money::Minor;
    use crate::wallets::samples::{configuration, currencies};

    #[test]
    fn refuses_to_release_in_order() {
        use SettlementRefusal::{ClearingNotFound, ReasonInvalid, ReleaseAmountInvalid};
        let unknown = CurrencyCode::parse("XX").expect("a code");
        let (fine, one) = (Decimal::new(1, 5), Decimal::ONE);
        for (reason, amount, refusal) in [
            (" ", (Decimal::ZERO, unknown), ReasonInvalid),
            ("r", (Decimal::ZERO, unknown), ReleaseAmountInvalid),
            ("r", (fine, CurrencyCode::MP), ReleaseAmountInvalid),
            ("r", (-one, CurrencyCode::MP), ReleaseAmountInvalid),
            ("r", (one, unknown), ClearingNotFound),
        ] {
            let refused = release(&currencies(), reason, amount);
            assert_eq!(refused, Err(refusal), "{amount:?}");
        }
        let new = release(&currencies(), "r", (one, CurrencyCode::MP)).expect("a release");
        assert_eq!(new.amount.amount, Minor(10_000));
    }

    #[test]
    fn lets_finance_release_overdue_accounts_only() {
        let now = Timestamp::UNIX_EPOCH;
        let since = |hours| Some(now - TimeDelta::hours(hours));
        for (open_since, is_overdue) in [
            (None, false),
            (since(0), false),
            (since(71), false),
            (since(72), true),
        ] {
            let judged = overdue(&configuration(), open_since, now);
            assert_eq!(judged.is_ok(), is_overdue, "{open_since:?}");
        }
    }
}
