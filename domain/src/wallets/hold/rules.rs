//! Rules of holds: place, extend, release, and whether one can be settled.

use rust_decimal::Decimal;

use super::{Hold, HoldRefusal, HoldStatus};
use crate::ids::HoldId;
use crate::money::{CurrencyCode, Money};
use crate::reason::Reason;
use crate::time::Timestamp;
use crate::wallets::{Currencies, WalletConfiguration, enabled_amount};

/// A checked hold, before it is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// Amount.
    pub amount: Money,
    /// Reason.
    pub reason: Reason,
    /// Time from which it can only be released.
    pub expires_at: Timestamp,
}

/// Checks a new hold. Without an expiry it expires after `orphanHoldMinutes`.
///
/// Refusals, in this order: [`HoldRefusal::ReasonInvalid`], [`HoldRefusal::CurrencyUnknown`],
/// [`HoldRefusal::CurrencyDisabled`], [`HoldRefusal::AmountInvalid`], [`HoldRefusal::ExpiryInvalid`].
pub fn place(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    reason: &str,
    (value, currency): (Decimal, CurrencyCode),
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<NewHold, HoldRefusal> {
    let reason = Reason::parse(reason).ok_or(HoldRefusal::ReasonInvalid)?;
    let amount = enabled_amount(configuration, currencies, value, currency)?;
    let latest = configuration.latest_expiry(now);
    let expires_at = expires_at.unwrap_or_else(|| configuration.orphan_expiry(now).min(latest));
    Ok(NewHold {
        amount,
        reason,
        expires_at: expiry(expires_at, now, latest)?,
    })
}

/// Moves the expiry of a hold to a later time; returns the extended hold.
///
/// Refusals, in this order: [`HoldRefusal::AlreadyReleased`] or [`HoldRefusal::AlreadySettled`],
/// [`HoldRefusal::Expired`], [`HoldRefusal::ExpiryInvalid`].
pub fn extend(
    hold: &Hold,
    configuration: &WalletConfiguration,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Hold, HoldRefusal> {
    settleable(hold, now)?;
    let after = hold.expires_at.unwrap_or(now).max(now);
    let latest = configuration.latest_expiry(hold.created_at);
    Ok(Hold {
        expires_at: Some(expiry(expires_at, after, latest)?),
        ..hold.clone()
    })
}

/// Checks whether a hold can be released: also after its expiry, until the worker has come by.
pub fn release(hold: &Hold) -> Result<(), Ended> {
    match hold.status {
        HoldStatus::Held => Ok(()),
        HoldStatus::Released => Err(Ended::Released(hold.id)),
        HoldStatus::Settled => Err(Ended::Settled(hold.id)),
    }
}

/// Checks whether a hold can be settled or extended: it is held and has not expired.
pub fn settleable(hold: &Hold, now: Timestamp) -> Result<(), Ended> {
    release(hold)?;
    match hold.expires_at {
        Some(expires_at) if expires_at <= now => Err(Ended::Expired(hold.id)),
        _ => Ok(()),
    }
}

/// The reason why a hold can't be changed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It has been released.
    Released(HoldId),
    /// It has been settled.
    Settled(HoldId),
    /// It has expired.
    Expired(HoldId),
}

fn expiry(at: Timestamp, after: Timestamp, latest: Timestamp) -> Result<Timestamp, HoldRefusal> {
    if at > after && at <= latest {
        Ok(at)
    } else {
        Err(HoldRefusal::ExpiryInvalid { after, latest })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::OwnerId;
    use crate::money::Minor;
    use crate::time::{days, minutes, plus};
    use crate::wallets::OwnerKind;
    use crate::wallets::hold::HoldReleaseReason;
    use crate::wallets::samples::{configuration, currencies, hold};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn placed(
        reason: &str,
        amount: (i64, u32),
        code: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<NewHold, HoldRefusal> {
        let code = CurrencyCode::parse(code).expect("a code");
        let amount = (Decimal::new(amount.0, amount.1), code);
        place(
            &configuration(),
            &currencies(),
            reason,
            amount,
            expires_at,
            NOW,
        )
    }

    #[test]
    fn refuses_to_place_in_order() {
        let late = Some(plus(NOW, days(91)));
        for (reason, amount, code, expires_at, refusal) in [
            (" ", (0, 0), "XX", late, HoldRefusal::ReasonInvalid),
            ("Bet", (0, 0), "XX", late, HoldRefusal::CurrencyUnknown),
            ("Bet", (0, 0), "PT", late, HoldRefusal::CurrencyDisabled),
            ("Bet", (0, 0), "MP", late, HoldRefusal::AmountInvalid),
            ("Bet", (-1, 0), "MP", late, HoldRefusal::AmountInvalid),
            ("Bet", (1, 5), "MP", late, HoldRefusal::AmountInvalid),
        ] {
            assert_eq!(
                placed(reason, amount, code, expires_at),
                Err(refusal),
                "{code}"
            );
        }
        for expires_at in [Some(NOW), late] {
            let refused = placed("Bet", (1, 0), "MP", expires_at);
            assert!(
                matches!(refused, Err(HoldRefusal::ExpiryInvalid { .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn places_with_the_usual_expiry() {
        let new = placed(" A bet ", (15, 1), "MP", None).expect("placed");
        assert_eq!(new.amount.amount, Minor(15_000));
        assert_eq!(new.reason.as_str(), "A bet");
        assert_eq!(new.expires_at, plus(NOW, minutes(1_440)));
        let latest = plus(NOW, days(90));
        let new = placed("A bet", (1, 0), "MP", Some(latest)).expect("placed");
        assert_eq!(new.expires_at, latest);
    }

    #[test]
    fn ends_once() {
        let held = hold(10);
        let expires_at = held.expires_at.expect("an expiry");
        assert_eq!(settleable(&held, NOW), Ok(()));
        assert_eq!(release(&held), Ok(()));
        assert_eq!(settleable(&held, expires_at), Err(Ended::Expired(held.id)));
        assert_eq!(release(&held), Ok(()), "an expired hold can be released");
        let released = Hold {
            status: HoldStatus::Released,
            release_reason: Some(HoldReleaseReason::Issuer),
            ended_at: Some(NOW),
            ..held.clone()
        };
        assert_eq!(settleable(&released, NOW), Err(Ended::Released(held.id)));
        assert_eq!(release(&released), Err(Ended::Released(held.id)));
        let settled = Hold {
            status: HoldStatus::Settled,
            settlement: Some(Uuid::nil()),
            ended_at: Some(NOW),
            ..held.clone()
        };
        assert_eq!(
            settleable(&settled, expires_at),
            Err(Ended::Settled(held.id))
        );
        assert_eq!(release(&settled), Err(Ended::Settled(held.id)));
    }

    #[test]
    fn extends_to_a_later_time() {
        let held = hold(10);
        let expires_at = held.expires_at.expect("an expiry");
        let later = plus(expires_at, minutes(1));
        let extended = extend(&held, &configuration(), later, NOW).expect("extended");
        assert_eq!(extended.expires_at, Some(later));
        let latest = plus(held.created_at, days(90));
        for bad in [expires_at, plus(latest, minutes(1))] {
            let refused = extend(&held, &configuration(), bad, NOW);
            let expected = HoldRefusal::ExpiryInvalid {
                after: expires_at,
                latest,
            };
            assert_eq!(refused, Err(expected));
        }
        assert_eq!(held.id.owner, OwnerId(held.owner.id));
        assert_eq!(held.owner.kind, OwnerKind::User);
    }
}
