//! Rules of withdrawals: who may end one, and in which state.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::{Withdrawal, WithdrawalRefusal, WithdrawalStatus};
use crate::access::Person;
use crate::money::{CurrencyCode, Money};
use crate::text::{self, bounded_text};
use crate::wallets::{Currencies, any_amount};

bounded_text! {
    /// A destination of 1 to 200 characters.
    Destination(200) = text::parse;
}

/// A checked withdrawal, before it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWithdrawal {
    /// Amount.
    pub amount: Money,
    /// Destination.
    pub destination: String,
}

/// Checks a new withdrawal. `is_verified` is none for owners without a person.
///
/// Refusals, in this order: [`WithdrawalRefusal::CurrencyUnknown`], [`WithdrawalRefusal::AmountInvalid`],
/// [`WithdrawalRefusal::DestinationInvalid`], [`WithdrawalRefusal::KycRequired`].
pub fn withdraw(
    currencies: &Currencies,
    (value, currency): (Decimal, CurrencyCode),
    destination: &str,
    is_verified: Option<bool>,
) -> Result<NewWithdrawal, WithdrawalRefusal> {
    let amount = any_amount(currencies, value, currency)?;
    let destination =
        Destination::parse(destination).ok_or(WithdrawalRefusal::DestinationInvalid)?;
    if is_verified == Some(false) {
        return Err(WithdrawalRefusal::KycRequired);
    }
    Ok(NewWithdrawal {
        amount,
        destination: destination.as_str().to_owned(),
    })
}

/// Refuses staff who decide about a withdrawal of their own, in whatever capacity, or about one that they requested:
/// [`WithdrawalRefusal::OwnAccount`].
pub fn check_own(withdrawal: &Withdrawal, person: &Person) -> Result<(), WithdrawalRefusal> {
    let requested = withdrawal.requested_by == Some(person.id);
    if requested || person.is_own(withdrawal.owner) {
        Err(WithdrawalRefusal::OwnAccount)
    } else {
        Ok(())
    }
}

/// Checks that the owner may still cancel: [`WithdrawalRefusal::StatusInvalid`] once it is processed.
pub fn check_cancel(withdrawal: &Withdrawal) -> Result<(), WithdrawalRefusal> {
    check_status(withdrawal, &[WithdrawalStatus::Requested])
}

/// Checks that a withdrawal can be handed to the provider.
///
/// Refusals, in this order: [`WithdrawalRefusal::StatusInvalid`], [`WithdrawalRefusal::WalletFrozen`].
pub fn check_process(withdrawal: &Withdrawal, is_frozen: bool) -> Result<(), WithdrawalRefusal> {
    check_status(withdrawal, &[WithdrawalStatus::Requested])?;
    if is_frozen {
        return Err(WithdrawalRefusal::WalletFrozen);
    }
    Ok(())
}

/// Checks that a payment can be recorded: [`WithdrawalRefusal::StatusInvalid`] unless it is processed.
pub fn check_complete(withdrawal: &Withdrawal) -> Result<(), WithdrawalRefusal> {
    check_status(withdrawal, &[WithdrawalStatus::Processing])
}

/// Checks that a failure can be recorded: [`WithdrawalRefusal::StatusInvalid`] once it has ended.
pub fn check_fail(withdrawal: &Withdrawal) -> Result<(), WithdrawalRefusal> {
    let open = [WithdrawalStatus::Requested, WithdrawalStatus::Processing];
    check_status(withdrawal, &open)
}

/// Whether a failure recorded by staff waits for a second person: the provider may have paid one that is processed.
#[must_use]
pub fn waits_for_second_person(withdrawal: &Withdrawal) -> bool {
    withdrawal.status == WithdrawalStatus::Processing
}

/// Pause before a provider that gave no clear answer is asked again: from ten seconds, doubled each time, to an hour.
#[must_use]
pub fn retry_after(attempts: u32) -> TimeDelta {
    let pause = 10_u32.saturating_mul(2_u32.saturating_pow(attempts));
    TimeDelta::seconds(pause.min(3_600).into())
}

fn check_status(
    withdrawal: &Withdrawal,
    allowed: &[WithdrawalStatus],
) -> Result<(), WithdrawalRefusal> {
    if allowed.contains(&withdrawal.status) {
        Ok(())
    } else {
        Err(WithdrawalRefusal::StatusInvalid {
            owner_id: withdrawal.id.owner.0,
            withdrawal: withdrawal.id.uuid,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::money::Minor;
    use crate::time::Timestamp;
    use crate::wallets::samples::{currencies, hold};
    use crate::wallets::withdrawal::PEOPLE;

    fn withdrawal(status: WithdrawalStatus) -> Withdrawal {
        let hold = hold(1);
        Withdrawal {
            id: [hold.owner.id, Uuid::from_u128(9)].into(),
            owner: hold.owner,
            amount: hold.amount,
            hold: hold.id,
            destination: "VCB 0123456789".to_owned(),
            issuer: PEOPLE.to_owned(),
            external_id: None,
            metadata: Vec::new(),
            status,
            requested_by: None,
            requested_at: Timestamp::UNIX_EPOCH,
            processed_at: None,
            ended_at: None,
            failure_reason: None,
            payout: None,
            version: 1,
        }
    }

    #[test]
    fn refuses_to_withdraw_in_order() {
        let code = |code| CurrencyCode::parse(code).expect("a code");
        let amount = |value, currency| (Decimal::new(value, 0), code(currency));
        for (amount, destination, refusal) in [
            (amount(0, "XX"), "", WithdrawalRefusal::CurrencyUnknown),
            (amount(0, "MP"), "", WithdrawalRefusal::AmountInvalid),
            (amount(1, "MP"), " ", WithdrawalRefusal::DestinationInvalid),
            (
                amount(1, "MP"),
                "a\nb",
                WithdrawalRefusal::DestinationInvalid,
            ),
            (amount(1, "MP"), "VCB 7", WithdrawalRefusal::KycRequired),
        ] {
            let refused = withdraw(&currencies(), amount, destination, Some(false));
            assert_eq!(refused, Err(refusal), "{destination}");
        }
        // PT is switched off, which concerns no withdrawal; nobody stands behind a merchant.
        for (currency, is_verified) in [("MP", Some(true)), ("PT", None)] {
            let new = withdraw(&currencies(), amount(2, currency), " VCB 7 ", is_verified);
            let new = new.expect("accepted");
            assert_eq!(new.amount.amount, Minor(20_000));
            assert_eq!(new.destination, "VCB 7");
        }
    }

    #[test]
    fn follows_the_states() {
        use WithdrawalStatus::{Cancelled, Completed, Failed, Processing, Requested};
        for (status, cancels, processes, completes, fails) in [
            (Requested, true, true, false, true),
            (Processing, false, false, true, true),
            (Completed, false, false, false, false),
            (Failed, false, false, false, false),
            (Cancelled, false, false, false, false),
        ] {
            let withdrawal = withdrawal(status);
            assert_eq!(check_cancel(&withdrawal).is_ok(), cancels, "{status:?}");
            let processed = check_process(&withdrawal, false);
            assert_eq!(processed.is_ok(), processes, "{status:?}");
            assert_eq!(check_complete(&withdrawal).is_ok(), completes, "{status:?}");
            assert_eq!(check_fail(&withdrawal).is_ok(), fails, "{status:?}");
        }
        let refused = check_process(&withdrawal(Requested), true);
        assert_eq!(refused, Err(WithdrawalRefusal::WalletFrozen));
    }

    #[test]
    fn asks_less_and_less_often() {
        let pauses = [0, 1, 2, 8, 9, u32::MAX].map(|attempts| retry_after(attempts).num_seconds());
        assert_eq!(pauses, [10, 20, 40, 2_560, 3_600, 3_600]);
    }

    #[test]
    fn masks_destinations() {
        let mut withdrawal = withdrawal(WithdrawalStatus::Requested);
        assert_eq!(withdrawal.masked_destination(), "****6789");
        withdrawal.destination = "12345678".to_owned();
        assert_eq!(withdrawal.masked_destination(), "****");
    }
}
