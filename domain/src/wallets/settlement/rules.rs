//! Rules of settlements.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{Payout, SettlementOutcome, SettlementRefusal};
use crate::ids::HoldId;
use crate::money::{CurrencyCode, Minor, amount};
use crate::time::Timestamp;
use crate::wallets::WalletOwner;
use crate::wallets::hold::{Hold, settleable};

/// Largest number of payouts of a win.
const MOST_PAYOUTS: usize = 10;

/// A requested settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementDraft {
    /// The hold.
    pub hold: HoldId,
    /// Outcome for the hold's owner.
    pub outcome: SettlementOutcome,
    /// Amount to settle; none for the whole hold.
    pub amount: Option<(Decimal, CurrencyCode)>,
    /// Payouts of a win; none pays the settled amount to the hold's owner.
    pub payouts: Option<Vec<PayoutDraft>>,
}

/// A requested payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutDraft {
    /// Owner to pay.
    pub owner: WalletOwner,
    /// Amount.
    pub amount: (Decimal, CurrencyCode),
}

/// Amounts that a settlement moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settling {
    /// Amount that goes to the clearing account.
    pub amount: Minor,
    /// Rest of the hold, which is available again.
    pub rest: Minor,
    /// Amounts that leave the clearing account.
    pub payouts: Vec<Payout>,
}

/// Checks the settlement of a hold.
///
/// Refusals, in this order: [`SettlementRefusal::AlreadyReleased`] or [`SettlementRefusal::AlreadySettled`],
/// [`SettlementRefusal::Expired`], [`SettlementRefusal::AmountCurrencyMismatch`], [`SettlementRefusal::AmountInvalid`],
/// [`SettlementRefusal::PayoutsInvalid`], [`SettlementRefusal::PayoutOwnerTwice`],
/// [`SettlementRefusal::PayoutCurrencyMismatch`], then [`SettlementRefusal::PayoutAmountInvalid`].
pub fn settle(
    hold: &Hold,
    draft: &SettlementDraft,
    now: Timestamp,
) -> Result<Settling, SettlementRefusal> {
    settleable(hold, now)?;
    let currency = hold.amount.currency;
    let exact = |value: Decimal| {
        let parsed = amount(value, currency.scale).ok();
        parsed.filter(|amount| *amount > Minor::ZERO)
    };
    let settled = match draft.amount {
        None => Some(hold.amount.amount),
        Some((_, code)) if code != currency.code => {
            return Err(SettlementRefusal::AmountCurrencyMismatch);
        }
        Some((value, _)) => exact(value),
    };
    let settled = settled.ok_or(SettlementRefusal::AmountInvalid)?;
    let rest = hold.amount.amount.checked_sub(settled);
    let rest = rest.filter(|rest| *rest >= Minor::ZERO);
    let rest = rest.ok_or(SettlementRefusal::AmountInvalid)?;
    let default = [Payout {
        owner: hold.owner,
        amount: settled,
    }];
    let payouts = match (draft.outcome, &draft.payouts) {
        (SettlementOutcome::Loss, None) => Vec::new(),
        (SettlementOutcome::Loss, Some(payouts)) if payouts.is_empty() => Vec::new(),
        (SettlementOutcome::Loss, Some(_)) => return Err(SettlementRefusal::PayoutsInvalid),
        (SettlementOutcome::Win, None) => default.to_vec(),
        (SettlementOutcome::Win, Some(payouts)) => {
            if !(1..=MOST_PAYOUTS).contains(&payouts.len()) {
                return Err(SettlementRefusal::PayoutsInvalid);
            }
            let numbered = || (0..).zip(payouts);
            let mut owners = BTreeSet::new();
            if let Some((payout, _)) = numbered().find(|(_, one)| !owners.insert(one.owner)) {
                return Err(SettlementRefusal::PayoutOwnerTwice { payout });
            }
            let mut foreign = numbered().filter(|(_, one)| one.amount.1 != currency.code);
            if let Some((payout, _)) = foreign.next() {
                return Err(SettlementRefusal::PayoutCurrencyMismatch { payout });
            }
            let payouts = numbered().map(|(payout, one)| {
                let amount = exact(one.amount.0);
                Ok(Payout {
                    owner: one.owner,
                    amount: amount.ok_or(SettlementRefusal::PayoutAmountInvalid { payout })?,
                })
            });
            payouts.collect::<Result<_, SettlementRefusal>>()?
        }
    };
    Ok(Settling {
        amount: settled,
        rest,
        payouts,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::UserId;
    use crate::wallets::samples::hold;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn mp(whole: i64) -> (Decimal, CurrencyCode) {
        (Decimal::from(whole), CurrencyCode::MP)
    }

    fn payout(user: u128, amount: (Decimal, CurrencyCode)) -> PayoutDraft {
        PayoutDraft {
            owner: UserId(Uuid::from_u128(user)).into(),
            amount,
        }
    }

    fn settled(
        outcome: SettlementOutcome,
        amount: Option<(Decimal, CurrencyCode)>,
        payouts: Option<Vec<PayoutDraft>>,
    ) -> Result<Settling, SettlementRefusal> {
        let hold = hold(10);
        let draft = SettlementDraft {
            hold: hold.id,
            outcome,
            amount,
            payouts,
        };
        settle(&hold, &draft, NOW)
    }

    #[test]
    fn pays_the_settled_amount_to_the_owner_by_default() {
        use SettlementOutcome::{Loss, Win};
        let owner = hold(10).owner;
        let all = settled(Win, None, None).expect("a win");
        assert_eq!((all.amount, all.rest), (Minor(100_000), Minor::ZERO));
        assert_eq!(
            all.payouts,
            [Payout {
                owner,
                amount: Minor(100_000)
            }]
        );
        let part = settled(Win, Some(mp(4)), None).expect("a win");
        assert_eq!((part.amount, part.rest), (Minor(40_000), Minor(60_000)));
        assert_eq!(
            part.payouts,
            [Payout {
                owner,
                amount: Minor(40_000)
            }]
        );
        let lost = settled(Loss, None, None).expect("a loss");
        assert_eq!(lost.payouts, []);
        let pot = settled(Win, None, Some(vec![payout(1, mp(30)), payout(2, mp(5))]));
        assert_eq!(pot.expect("a pot").payouts.len(), 2);
    }

    #[test]
    fn refuses_in_order() {
        use SettlementOutcome::{Loss, Win};
        use SettlementRefusal::{
            AmountCurrencyMismatch, AmountInvalid, PayoutAmountInvalid, PayoutCurrencyMismatch,
            PayoutOwnerTwice, PayoutsInvalid,
        };
        let vnd = CurrencyCode::parse("VND").expect("a code");
        let many = (0..11).map(|user| payout(user, mp(1))).collect();
        let twice = vec![payout(1, mp(1)), payout(1, mp(2))];
        for (outcome, amount, payouts, refusal) in [
            (
                Loss,
                Some(mp(0)),
                Some(vec![payout(1, mp(0))]),
                AmountInvalid,
            ),
            (Loss, Some(mp(11)), None, AmountInvalid),
            (Win, Some((Decimal::ONE, vnd)), None, AmountCurrencyMismatch),
            (
                Win,
                Some((Decimal::new(1, 5), CurrencyCode::MP)),
                None,
                AmountInvalid,
            ),
            (Loss, None, Some(vec![payout(1, mp(1))]), PayoutsInvalid),
            (Win, None, Some(Vec::new()), PayoutsInvalid),
            (Win, None, Some(many), PayoutsInvalid),
            (Win, None, Some(twice), PayoutOwnerTwice { payout: 1 }),
            (
                Win,
                None,
                Some(vec![
                    payout(1, mp(0)),
                    payout(2, mp(1)),
                    payout(3, (Decimal::ZERO, vnd)),
                ]),
                PayoutCurrencyMismatch { payout: 2 },
            ),
            (
                Win,
                None,
                Some(vec![payout(1, mp(1)), payout(2, mp(0))]),
                PayoutAmountInvalid { payout: 1 },
            ),
        ] {
            assert_eq!(
                settled(outcome, amount, payouts),
                Err(refusal),
                "{amount:?}"
            );
        }
        let mut late = hold(10);
        late.expires_at = Some(NOW);
        let draft = SettlementDraft {
            hold: late.id,
            outcome: Loss,
            amount: Some(mp(0)),
            payouts: None,
        };
        let refused = settle(&late, &draft, NOW);
        assert!(
            matches!(refused, Err(SettlementRefusal::Expired { .. })),
            "{refused:?}"
        );
    }
}
