//! Reversals: every leg of a transaction the other way round.

use super::WalletRefusal;
use crate::money::Minor;
use crate::wallets::{Leg, Side, TransferReason, WalletKind, WalletOwner};

/// Reasons of transactions that can be reversed. Other contexts have commands of their own, which keep their rows and the
/// books together.
const REVERSIBLE: [&str; 4] = [
    "DEPOSIT",
    TransferReason::Reward.name(),
    TransferReason::TreasuryFunded.name(),
    TransferReason::ClearingReleased.name(),
];

/// A transfer as it is stored: one of the two rows of a leg between two homes has TRANSIT on a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransfer {
    /// Debited side.
    pub debit: Side,
    /// Credited side.
    pub credit: Side,
    /// Amount.
    pub amount: Minor,
    /// Name of the reason.
    pub reason: String,
}

/// The legs that reverse a transaction, the last one first. Of two rows through TRANSIT the leg between their other sides.
///
/// Refusal: [`WalletRefusal::TransactionNotReversible`].
pub fn reverse(transfers: &[StoredTransfer]) -> Result<Vec<Leg>, WalletRefusal> {
    let is_reversible = |transfer: &StoredTransfer| REVERSIBLE.contains(&&*transfer.reason);
    if transfers.is_empty() || !transfers.iter().all(is_reversible) {
        return Err(WalletRefusal::TransactionNotReversible);
    }
    let mut legs = Vec::with_capacity(transfers.len());
    let mut rows = transfers.iter();
    while let Some(row) = rows.next() {
        let is_transit = |side: Side| side.wallet.kind == WalletKind::Transit;
        let credit = if is_transit(row.credit) {
            let other = rows.next();
            let other = other.filter(|other| is_transit(other.debit) && other.amount == row.amount);
            other.ok_or(WalletRefusal::TransactionNotReversible)?.credit
        } else {
            row.credit
        };
        legs.push(Leg {
            debit: credit,
            credit: row.debit,
            amount: row.amount,
            reason: TransferReason::Reversal,
        });
    }
    legs.reverse();
    Ok(legs)
}

/// Owners of these sides, each once, without the house as a whole.
#[must_use]
pub fn owners_of(sides: impl Iterator<Item = Side>) -> Vec<WalletOwner> {
    let wallets = sides.map(|side| side.wallet);
    let mut owners: Vec<_> = wallets
        .filter(|wallet| wallet.home().is_some_and(|home| !home.is_nil()))
        .map(|wallet| wallet.owner)
        .collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::UserId;
    use crate::money::CurrencyCode;
    use crate::wallets::{Entry, at_homes};

    fn user(n: u128) -> Side {
        let user = UserId(Uuid::from_u128(n));
        Side::available(user, WalletKind::Main, CurrencyCode::MP)
    }

    fn house(kind: WalletKind) -> Side {
        Side::available(WalletOwner::SYSTEM, kind, CurrencyCode::MP)
    }

    fn leg(debit: Side, credit: Side, amount: i64, reason: TransferReason) -> Leg {
        Leg {
            debit,
            credit,
            amount: Minor(amount),
            reason,
        }
    }

    /// Legs as they are stored.
    fn stored(legs: &[Leg]) -> Vec<StoredTransfer> {
        let entries: Vec<_> = legs
            .iter()
            .map(|leg| Entry {
                leg: *leg,
                debit: None,
                credit: None,
            })
            .collect();
        let rows = at_homes(&entries).into_iter();
        rows.map(|(_, entry)| StoredTransfer {
            debit: entry.leg.debit,
            credit: entry.leg.credit,
            amount: entry.leg.amount,
            reason: entry.leg.reason.name().to_owned(),
        })
        .collect()
    }

    #[test]
    fn reverses_every_leg_the_last_one_first() {
        let reason = TransferReason::Reward;
        let legs = [
            leg(house(WalletKind::External), user(1), 5, reason),
            leg(user(1), user(2), 3, reason),
            leg(user(2), house(WalletKind::Revenue), 1, reason),
        ];
        let back = TransferReason::Reversal;
        let expected = [
            leg(house(WalletKind::Revenue), user(2), 1, back),
            leg(user(2), user(1), 3, back),
            leg(user(1), house(WalletKind::External), 5, back),
        ];
        let reversed = reverse(&stored(&legs)).expect("legs");
        assert_eq!(reversed, expected);
        let owners = owners_of(reversed.iter().flat_map(|leg| [leg.debit, leg.credit]));
        assert_eq!(owners, [user(1).wallet.owner, user(2).wallet.owner]);
    }

    #[test]
    fn reverses_deposits_that_were_assigned() {
        // SUSPENSE is at nil, so the leg is stored as two rows.
        let suspense = house(WalletKind::Suspense);
        let mut rows = stored(&[leg(suspense, user(1), 5, TransferReason::Reward)]);
        assert_eq!(rows.len(), 2);
        for row in &mut rows {
            row.reason = "DEPOSIT".to_owned();
        }
        let reversed = reverse(&rows).expect("a leg");
        let back = leg(user(1), suspense, 5, TransferReason::Reversal);
        assert_eq!(reversed, [back]);
        let owners = owners_of(rows.iter().flat_map(|row| [row.debit, row.credit]));
        assert_eq!(owners, [user(1).wallet.owner]);
    }

    #[test]
    fn refuses_other_reasons_and_halves() {
        let refused = Err(WalletRefusal::TransactionNotReversible);
        assert_eq!(reverse(&[]), refused);
        for reason in [TransferReason::HoldPlaced, TransferReason::Reversal] {
            let legs = stored(&[
                leg(
                    house(WalletKind::External),
                    user(1),
                    5,
                    TransferReason::Reward,
                ),
                leg(user(1), user(1).held(), 5, reason),
            ]);
            assert_eq!(reverse(&legs), refused);
        }
        let half = stored(&[leg(user(1), user(2), 5, TransferReason::Reward)]);
        assert_eq!(reverse(&half[..1]), refused);
    }
}
