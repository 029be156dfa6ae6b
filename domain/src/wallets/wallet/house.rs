//! Transfers between accounts of the house.

use rust_decimal::Decimal;

use super::WalletRefusal;
use crate::money::{CurrencyCode, Money};
use crate::named::named;
use crate::reason::Reason;
use crate::wallets::{Currencies, Side, WalletKind, WalletOwner, any_amount};

named! {
    /// Accounts of the house that `houseTransfer` connects.
    HouseAccount;

    /// The world outside.
    External = "EXTERNAL";
    /// Conversion fees earned.
    Fees = "FEES";
    /// Other side of conversions.
    Fx = "FX";
    /// Advertising charges earned.
    Revenue = "REVENUE";
    /// The platform's own money.
    Treasury = "TREASURY";
}

impl HouseAccount {
    /// The account in a currency.
    #[must_use]
    pub fn side(self, currency: CurrencyCode) -> Side {
        let kind = match self {
            Self::External => WalletKind::External,
            Self::Fees => WalletKind::Fees,
            Self::Fx => WalletKind::Fx,
            Self::Revenue => WalletKind::Revenue,
            Self::Treasury => WalletKind::Treasury,
        };
        Side::available(WalletOwner::SYSTEM, kind, currency)
    }
}

/// A checked transfer, before it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransfer {
    /// Amount.
    pub amount: Money,
    /// Reason.
    pub reason: Reason,
}

/// Checks a transfer. Also of a currency that is switched off: what the house has can always be moved.
///
/// Refusals, in this order: [`WalletRefusal::ReasonInvalid`], [`WalletRefusal::AccountsInvalid`],
/// [`WalletRefusal::CurrencyUnknown`], [`WalletRefusal::AmountInvalid`].
pub fn transfer(
    currencies: &Currencies,
    reason: &str,
    (from, to): (HouseAccount, HouseAccount),
    (value, currency): (Decimal, CurrencyCode),
) -> Result<NewTransfer, WalletRefusal> {
    let reason = Reason::parse(reason).ok_or(WalletRefusal::ReasonInvalid)?;
    if from == to {
        return Err(WalletRefusal::AccountsInvalid);
    }
    let amount = any_amount(currencies, value, currency)?;
    Ok(NewTransfer { amount, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallets::samples::currencies;

    #[test]
    fn refuses_transfers_in_order() {
        use HouseAccount::{External, Treasury};
        use WalletRefusal::{AccountsInvalid, AmountInvalid, CurrencyUnknown, ReasonInvalid};
        let unknown = CurrencyCode::parse("XX").expect("a code");
        let off = CurrencyCode::parse("PT").expect("a code");
        for (reason, accounts, amount, expected) in [
            (" ", (Treasury, Treasury), (0, unknown), Err(ReasonInvalid)),
            (
                "r",
                (Treasury, Treasury),
                (0, unknown),
                Err(AccountsInvalid),
            ),
            (
                "r",
                (External, Treasury),
                (0, unknown),
                Err(CurrencyUnknown),
            ),
            (
                "r",
                (External, Treasury),
                (0, CurrencyCode::MP),
                Err(AmountInvalid),
            ),
            ("r", (External, Treasury), (1, off), Ok(())),
        ] {
            let amount = (Decimal::from(amount.0), amount.1);
            let judged = transfer(&currencies(), reason, accounts, amount).map(drop);
            assert_eq!(judged, expected, "{accounts:?} {amount:?}");
        }
    }
}
