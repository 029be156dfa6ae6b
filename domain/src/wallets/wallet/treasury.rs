//! Treasuries of rewards campaigns: fundings, and the rewards paid from them.

use rust_decimal::Decimal;

use super::{Issuance, WalletRefusal};
use crate::money::{CurrencyCode, Minor, Money};
use crate::reason::Reason;
use crate::refusal::Rejection;
use crate::wallets::{Currencies, WalletConfiguration, enabled_amount};

/// A checked funding, before it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFunding {
    /// Amount.
    pub amount: Money,
    /// Reason.
    pub reason: Reason,
}

/// Checks a funding.
///
/// Refusals, in this order: [`WalletRefusal::ReasonInvalid`], [`WalletRefusal::CurrencyUnknown`],
/// [`WalletRefusal::CurrencyDisabled`], [`WalletRefusal::AmountInvalid`], [`WalletRefusal::IssuerUnknown`].
pub fn fund(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    reason: &str,
    (value, currency): (Decimal, CurrencyCode),
    issuer: &str,
) -> Result<NewFunding, WalletRefusal> {
    let reason = Reason::parse(reason).ok_or(WalletRefusal::ReasonInvalid)?;
    let amount = enabled_amount(configuration, currencies, value, currency)?;
    let mut known = configuration.issuers.iter();
    if known.any(|known| known.name == issuer) {
        Ok(NewFunding { amount, reason })
    } else {
        Err(WalletRefusal::IssuerUnknown)
    }
}

/// Checks that the treasury can give an amount: from what it was given, and from what is left of the day's ceiling.
///
/// Refusal: [`WalletRefusal::IssuanceCeiling`].
pub fn issue(
    configuration: &WalletConfiguration,
    issuance: Issuance,
    amount: Money,
) -> Result<(), Rejection<WalletRefusal>> {
    let settings = configuration.currency(amount.currency.code);
    let ceiling = settings.map_or(Minor::ZERO, |settings| settings.issuance_ceiling);
    let available = issuance.available(ceiling)?;
    if amount.amount <= available {
        return Ok(());
    }
    Err(Rejection::Refused(WalletRefusal::IssuanceCeiling {
        available: available.to_decimal(amount.currency.scale),
        currency: amount.currency.code,
    }))
}

/// Checks a reward.
///
/// Refusals, in this order: [`WalletRefusal::CurrencyUnknown`], [`WalletRefusal::CurrencyDisabled`],
/// [`WalletRefusal::AmountInvalid`].
pub fn reward(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    (value, currency): (Decimal, CurrencyCode),
) -> Result<Money, WalletRefusal> {
    Ok(enabled_amount(configuration, currencies, value, currency)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallets::Issuer;
    use crate::wallets::samples::{configuration, currencies};

    fn configured() -> WalletConfiguration {
        let mut configuration = configuration();
        configuration.issuers.push(Issuer {
            name: "rewards".to_owned(),
            issuer: "i".to_owned(),
            subject: "s".to_owned(),
            deposit_ceilings: Vec::new(),
        });
        configuration.currencies[0].issuance_ceiling = Minor(100);
        configuration
    }

    #[test]
    fn refuses_fundings_in_order() {
        let pt = CurrencyCode::parse("PT").expect("a code");
        let xx = CurrencyCode::parse("XX").expect("a code");
        for (reason, amount, refusal) in [
            (" ", (0, xx), WalletRefusal::ReasonInvalid),
            ("r", (0, xx), WalletRefusal::CurrencyUnknown),
            ("r", (0, pt), WalletRefusal::CurrencyDisabled),
            ("r", (0, CurrencyCode::MP), WalletRefusal::AmountInvalid),
            ("r", (1, CurrencyCode::MP), WalletRefusal::IssuerUnknown),
        ] {
            let amount = (Decimal::from(amount.0), amount.1);
            let refused = fund(&configured(), &currencies(), reason, amount, "nobody");
            assert_eq!(refused, Err(refusal), "{amount:?}");
        }
        let one = (Decimal::ONE, CurrencyCode::MP);
        assert!(fund(&configured(), &currencies(), "r", one, "rewards").is_ok());
    }

    #[test]
    fn issues_what_was_given_and_the_rest_of_the_ceiling() {
        let judge = |treasury, issued, amount| {
            let issuance = Issuance {
                issued: Minor(issued),
                treasury: Minor(treasury),
            };
            let amount = Money {
                amount: Minor(amount),
                currency: currencies()[&CurrencyCode::MP],
            };
            issue(&configured(), issuance, amount).is_ok()
        };
        assert!(judge(0, 0, 100) && !judge(0, 0, 101));
        assert!(judge(50, 0, 150) && !judge(50, 0, 151));
        assert!(judge(-60, 60, 40) && !judge(-60, 60, 41));
        // More was issued than the ceiling allows: the treasury gives what it has.
        assert!(judge(7, 130, 7) && !judge(7, 130, 8));
    }
}
