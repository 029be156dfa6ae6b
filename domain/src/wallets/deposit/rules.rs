//! Rules of deposits.

use rust_decimal::Decimal;

use super::{Deposit, DepositRefusal};
use crate::access::Person;
use crate::money::{CurrencyCode, Minor, Money};
use crate::wallets::{
    Currencies, Issuer, ProviderPayment, WalletConfiguration, WalletOwner, enabled_amount,
};

/// A payment as it was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepositDraft {
    /// Amount and currency.
    pub amount: (Decimal, CurrencyCode),
    /// Owner to credit; none for an unmatched deposit.
    pub owner: Option<WalletOwner>,
    /// Payment as identified by the payment provider.
    pub payment: ProviderPayment,
}

/// Checks the amount of a payment.
///
/// Refusals, in this order: [`DepositRefusal::CurrencyUnknown`], [`DepositRefusal::CurrencyDisabled`],
/// [`DepositRefusal::AmountInvalid`].
pub fn check_amount(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    (value, currency): (Decimal, CurrencyCode),
) -> Result<Money, DepositRefusal> {
    Ok(enabled_amount(configuration, currencies, value, currency)?)
}

/// Refuses staff who would credit themselves, in whatever capacity: [`DepositRefusal::OwnAccount`].
pub fn check_own(person: &Person, owner: Option<WalletOwner>) -> Result<(), DepositRefusal> {
    match owner {
        Some(owner) if person.is_own(owner) => Err(DepositRefusal::OwnAccount),
        _ => Ok(()),
    }
}

/// Whether a payment that was recorded before is reported again: with the same owner, currency and amount.
///
/// Refusal: [`DepositRefusal::Mismatch`].
pub fn is_first(deposit: &Deposit, draft: &DepositDraft) -> Result<(), DepositRefusal> {
    let (value, code) = draft.amount;
    let is_same = deposit.named == draft.owner
        && deposit.amount.currency.code == code
        && deposit.amount.to_decimal() == value;
    if is_same {
        Ok(())
    } else {
        Err(DepositRefusal::Mismatch {
            owner_id: Some(deposit.id.owner.0),
            deposit: Some(deposit.id.uuid),
        })
    }
}

/// Checks a payment against the service's ceiling of the UTC day: [`DepositRefusal::Ceiling`].
pub fn check_ceiling(issuer: &Issuer, amount: Money, today: Minor) -> Result<(), DepositRefusal> {
    let mut ceilings = issuer.deposit_ceilings.iter();
    let ceiling = ceilings.find(|(code, _)| *code == amount.currency.code);
    let ceiling = ceiling.map_or(Minor::ZERO, |(_, ceiling)| *ceiling);
    match today.plus(amount.amount) {
        Ok(sum) if sum <= ceiling => Ok(()),
        _ => Err(DepositRefusal::Ceiling),
    }
}

/// Checks that a deposit waits for its owner: [`DepositRefusal::NotUnmatched`].
pub fn check_unmatched(deposit: &Deposit) -> Result<(), DepositRefusal> {
    match deposit.owner {
        None => Ok(()),
        Some(_) => Err(DepositRefusal::NotUnmatched {
            owner_id: Some(deposit.id.owner.0),
            deposit: Some(deposit.id.uuid),
        }),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::TransactionId;
    use crate::time::Timestamp;
    use crate::wallets::OwnerKind;
    use crate::wallets::samples::currencies;

    const OWNER: WalletOwner = WalletOwner {
        kind: OwnerKind::User,
        id: Uuid::from_u128(1),
    };

    fn code(code: &str) -> CurrencyCode {
        CurrencyCode::parse(code).expect("a code")
    }

    fn deposit(owner: Option<WalletOwner>) -> Deposit {
        Deposit {
            id: [Uuid::nil(), Uuid::from_u128(2)].into(),
            amount: Money {
                amount: Minor(15_000),
                currency: currencies()[&code("MP")],
            },
            payment: ProviderPayment {
                provider: "VCB".to_owned(),
                reference: "7".to_owned(),
            },
            named: Some(OWNER),
            owner,
            received_at: Timestamp::UNIX_EPOCH,
            credited_at: owner.map(|_| Timestamp::UNIX_EPOCH),
            transaction_id: TransactionId(Uuid::from_u128(3)),
            version: 1,
        }
    }

    #[test]
    fn compares_with_the_first_report() {
        let first = deposit(Some(OWNER));
        let same = DepositDraft {
            amount: (Decimal::new(1_500, 3), code("MP")),
            owner: Some(OWNER),
            payment: first.payment.clone(),
        };
        assert_eq!(is_first(&first, &same), Ok(()));
        // A payment whose owner nobody knew is the same one, too.
        assert_eq!(is_first(&deposit(None), &same), Ok(()));
        let merchant = WalletOwner {
            kind: OwnerKind::Merchant,
            ..OWNER
        };
        for other in [
            DepositDraft {
                owner: None,
                ..same.clone()
            },
            DepositDraft {
                owner: Some(merchant),
                ..same.clone()
            },
            DepositDraft {
                amount: (Decimal::new(15, 1), code("USD")),
                ..same.clone()
            },
            DepositDraft {
                amount: (Decimal::new(16, 1), code("MP")),
                ..same.clone()
            },
        ] {
            let refused = is_first(&first, &other);
            assert!(
                matches!(refused, Err(DepositRefusal::Mismatch { .. })),
                "{other:?}"
            );
        }
    }

    #[test]
    fn counts_up_to_the_ceiling() {
        let issuer = |ceilings: &[(CurrencyCode, Minor)]| Issuer {
            name: "bank".to_owned(),
            issuer: "i".to_owned(),
            subject: "s".to_owned(),
            deposit_ceilings: ceilings.to_vec(),
        };
        let amount = deposit(None).amount;
        let open = issuer(&[(code("MP"), Minor(20_000))]);
        assert_eq!(check_ceiling(&open, amount, Minor(5_000)), Ok(()));
        for (issuer, today) in [
            (&open, Minor(5_001)),
            (&open, Minor(i64::MAX)),
            (&issuer(&[(code("USD"), Minor(20_000))]), Minor::ZERO),
        ] {
            let refused = check_ceiling(issuer, amount, today);
            assert_eq!(refused, Err(DepositRefusal::Ceiling), "{today:?}");
        }
    }

    #[test]
    fn assigns_only_what_waits() {
        assert_eq!(check_unmatched(&deposit(None)), Ok(()));
        let refused = check_unmatched(&deposit(Some(OWNER)));
        assert!(matches!(refused, Err(DepositRefusal::NotUnmatched { .. })));
    }
}
