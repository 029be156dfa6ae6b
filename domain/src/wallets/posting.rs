//! Postings: groups of transfers that are applied together or not at all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Bucket, PostingCause, WalletKind, WalletOwner};
use crate::ids::TransactionId;
use crate::money::{CurrencyCode, Minor};
use crate::named::named;

/// Identifies a wallet independently of its row, which the first posting creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletKey {
    /// Owner.
    pub owner: WalletOwner,
    /// Kind.
    pub kind: WalletKind,
    /// Currency.
    pub currency: CurrencyCode,
    /// Campaign of ESCROW and PROCEEDS; nil for the other kinds.
    pub for_id: Uuid,
}

impl WalletKey {
    /// Home of the wallet's transfers: its owner, or none for accounts of the house as a whole.
    #[must_use]
    pub fn home(&self) -> Option<Uuid> {
        self.kind.has_home().then_some(self.owner.id)
    }
}

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The wallet.
    pub wallet: WalletKey,
    /// Bucket of the wallet.
    pub bucket: Bucket,
}

impl Side {
    /// The spendable bucket of a wallet.
    #[must_use]
    pub fn available(
        owner: impl Into<WalletOwner>,
        kind: WalletKind,
        currency: CurrencyCode,
    ) -> Self {
        Self {
            wallet: WalletKey {
                owner: owner.into(),
                kind,
                currency,
                for_id: Uuid::nil(),
            },
            bucket: Bucket::Available,
        }
    }

    /// The reserved bucket of the same wallet.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.bucket = Bucket::Held;
        self
    }

    /// The same side for a campaign of its owner.
    #[must_use]
    pub fn of_campaign(mut self, campaign: Uuid) -> Self {
        self.wallet.for_id = campaign;
        self
    }
}

/// A requested transfer: debits one side and credits the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Debited side.
    pub debit: Side,
    /// Credited side.
    pub credit: Side,
    /// Amount, above zero.
    pub amount: Minor,
    /// Reason.
    pub reason: TransferReason,
}

named! {
    /// Causes of a transfer.
    TransferReason;

    /// Reward of a session.
    MiningReward = "MINING_REWARD";
    /// First day of a streak tier.
    StreakMilestone = "STREAK_MILESTONE";
    /// Price of a recovered streak.
    StreakRecovery = "STREAK_RECOVERY";
    /// Adjustment by staff, either sign.
    Adjustment = "ADJUSTMENT";
    /// Reservation by a hold.
    HoldPlaced = "HOLD_PLACED";
    /// Release of a hold by its issuer.
    HoldReleased = "HOLD_RELEASED";
    /// Release of an expired hold.
    HoldExpired = "HOLD_EXPIRED";
    /// Settlement of a hold into its clearing account.
    HoldSettled = "HOLD_SETTLED";
    /// Payout of a won settlement.
    Payout = "PAYOUT";
    /// Release of a clearing account.
    ClearingReleased = "CLEARING_RELEASED";
    /// Conversion, given or received.
    Conversion = "CONVERSION";
    /// Fee of a conversion.
    ConversionFee = "CONVERSION_FEE";
    /// Deposit into an owner's wallet.
    Deposit = "DEPOSIT";
    /// Deposit without a known owner.
    DepositUnmatched = "DEPOSIT_UNMATCHED";
    /// Withdrawal requested.
    WithdrawalRequested = "WITHDRAWAL_REQUESTED";
    /// Withdrawal cancelled by the owner.
    WithdrawalCancelled = "WITHDRAWAL_CANCELLED";
    /// Withdrawal failed.
    WithdrawalFailed = "WITHDRAWAL_FAILED";
    /// Withdrawal paid out.
    WithdrawalCompleted = "WITHDRAWAL_COMPLETED";
    /// Transfer between accounts of the house.
    HouseTransfer = "HOUSE_TRANSFER";
    /// Opening balance of demo data.
    OpeningBalance = "OPENING_BALANCE";
    /// Reversal of a transaction.
    Reversal = "REVERSAL";
    /// Reward of a campaign.
    Reward = "REWARD";
    /// Funds of a rewards campaign.
    TreasuryFunded = "TREASURY_FUNDED";
    /// Cover of a campaign's vouchers.
    CampaignEscrow = "CAMPAIGN_ESCROW";
    /// Cover returned to the merchant.
    EscrowRelease = "ESCROW_RELEASE";
    /// Price of a voucher.
    VoucherPrice = "VOUCHER_PRICE";
    /// Price of a voucher earned by the merchant.
    VoucherPriceEarned = "VOUCHER_PRICE_EARNED";
    /// Price of a revoked voucher returned to its holder.
    VoucherRefund = "VOUCHER_REFUND";
    /// Redemption paid to the merchant.
    RedemptionSettled = "REDEMPTION_SETTLED";
    /// Value of a settled redemption returned to the voucher.
    RedemptionReturned = "REDEMPTION_RETURNED";
}

/// Object of a posting: kind and id, such as `mining_session` and its UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Kind of the object.
    pub kind: Cow<'static, str>,
    /// Id of the object.
    pub id: String,
}

impl Reference {
    /// A reference to an object.
    #[must_use]
    pub fn to(kind: &'static str, id: impl Copy + ToString) -> Self {
        Self {
            kind: kind.into(),
            id: id.to_string(),
        }
    }
}

/// A business event to be posted: all of its legs or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Id of the event.
    pub transaction_id: TransactionId,
    /// Object of the event.
    pub reference: Reference,
    /// Cause.
    pub cause: PostingCause,
    /// Transfers, in order.
    pub legs: Vec<Leg>,
}

/// Reasons why a posting is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingRefusal {
    /// Both sides are the same, the currencies differ, a wallet was not locked, a side is TRANSIT, a campaign is missing or
    /// superfluous, or the amount is not above zero.
    #[error("a transfer needs two sides of one currency and an amount above zero")]
    Malformed,
    /// The debited wallet is frozen.
    #[error("the wallet is frozen")]
    WalletFrozen {
        /// The wallet.
        wallet: WalletKey,
    },
    /// The debited balance is too low.
    #[error("there is not enough in the wallet")]
    InsufficientFunds {
        /// The wallet.
        wallet: WalletKey,
        /// Available amount.
        available: Minor,
        /// Required amount.
        required: Minor,
    },
    /// The balance would be too large for the ledger.
    #[error("the balance would be larger than the ledger can hold")]
    Overflow,
}

/// State of a wallet that keeps a running balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalletState {
    /// Spendable amount.
    pub available: Minor,
    /// Reserved amount.
    pub held: Minor,
    /// Number of entries.
    pub sequence: i64,
    /// Whether debits are refused.
    pub is_frozen: bool,
}

impl WalletState {
    fn bucket(&mut self, bucket: Bucket) -> &mut Minor {
        match bucket {
            Bucket::Available => &mut self.available,
            Bucket::Held => &mut self.held,
        }
    }
}

/// Wallets with a running balance, locked, by key.
pub type Balances = BTreeMap<WalletKey, WalletState>;

/// Balance and sequence of one side after a transfer; none when the wallet keeps no running balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntrySide {
    /// Balance of the bucket.
    pub after: Minor,
    /// Sequence of the wallet.
    pub sequence: i64,
}

/// A transfer to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The requested transfer.
    pub leg: Leg,
    /// Debited side after the transfer.
    pub debit: Option<EntrySide>,
    /// Credited side after the transfer.
    pub credit: Option<EntrySide>,
}

/// Decides one posting; changes the balances only when it is accepted.
///
/// Refusals, leg by leg: [`PostingRefusal::Malformed`], [`PostingRefusal::WalletFrozen`],
/// [`PostingRefusal::InsufficientFunds`], [`PostingRefusal::Overflow`].
pub fn decide(balances: &mut Balances, legs: &[Leg]) -> Result<Vec<Entry>, PostingRefusal> {
    // Copies only the wallets of the legs: a batch may hold thousands.
    let mut after: Balances = legs
        .iter()
        .flat_map(|leg| [leg.debit.wallet, leg.credit.wallet])
        .filter_map(|key| balances.get(&key).map(|state| (key, *state)))
        .collect();
    let mut entries = Vec::with_capacity(legs.len());
    for leg in legs {
        let is_valid = |Side { wallet, .. }: Side| {
            (!wallet.kind.has_balance() || after.contains_key(&wallet))
                && wallet.kind.is_per_campaign() != wallet.for_id.is_nil()
                && wallet.kind != WalletKind::Transit
        };
        if leg.amount <= Minor::ZERO
            || !is_valid(leg.debit)
            || !is_valid(leg.credit)
            || leg.debit == leg.credit
            || leg.debit.wallet.currency != leg.credit.wallet.currency
        {
            return Err(PostingRefusal::Malformed);
        }
        let debit = take(&mut after, leg)?;
        let credit = give(&mut after, leg)?;
        entries.push(Entry {
            leg: *leg,
            debit,
            credit,
        });
    }
    balances.extend(after);
    Ok(entries)
}

/// Rows of a transaction's entries, each with its home. A row never joins two homes: an entry between two is written as two
/// rows through TRANSIT, one at each. A row without a home is stored at the first home of the transaction, else at nil.
#[must_use]
pub fn at_homes(entries: &[Entry]) -> Vec<(Uuid, Entry)> {
    let homes = |entry: &Entry| {
        let Leg { debit, credit, .. } = entry.leg;
        (debit.wallet.home(), credit.wallet.home())
    };
    let first = entries
        .iter()
        .map(homes)
        .find_map(|(debit, credit)| debit.or(credit));
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        match homes(entry) {
            (Some(from), Some(to)) if from != to => {
                let currency = entry.leg.debit.wallet.currency;
                let transit = Side::available(WalletOwner::SYSTEM, WalletKind::Transit, currency);
                let (mut out, mut into) = (*entry, *entry);
                (out.leg.credit, out.credit) = (transit, None);
                (into.leg.debit, into.debit) = (transit, None);
                rows.extend([(from, out), (to, into)]);
            }
            (debit, credit) => {
                rows.push((debit.or(credit).or(first).unwrap_or_default(), *entry));
            }
        }
    }
    rows
}

fn take(balances: &mut Balances, leg: &Leg) -> Result<Option<EntrySide>, PostingRefusal> {
    let Side { wallet, bucket } = leg.debit;
    let Some(state) = balances.get_mut(&wallet) else {
        return Ok(None);
    };
    // A freeze does not stop amounts that were held before it.
    if state.is_frozen && bucket == Bucket::Available {
        return Err(PostingRefusal::WalletFrozen { wallet });
    }
    let balance = state.bucket(bucket);
    let rest = balance
        .checked_sub(leg.amount)
        .ok_or(PostingRefusal::Overflow)?;
    let bounded = bucket == Bucket::Held || !wallet.kind.may_be_negative();
    if bounded && rest < Minor::ZERO {
        return Err(PostingRefusal::InsufficientFunds {
            wallet,
            available: *balance,
            required: leg.amount,
        });
    }
    *balance = rest;
    written(state, rest).map(Some)
}

fn give(balances: &mut Balances, leg: &Leg) -> Result<Option<EntrySide>, PostingRefusal> {
    let Some(state) = balances.get_mut(&leg.credit.wallet) else {
        return Ok(None);
    };
    let balance = state.bucket(leg.credit.bucket);
    let sum = balance
        .checked_add(leg.amount)
        .ok_or(PostingRefusal::Overflow)?;
    *balance = sum;
    written(state, sum).map(Some)
}

fn written(state: &mut WalletState, after: Minor) -> Result<EntrySide, PostingRefusal> {
    state.sequence = state
        .sequence
        .checked_add(1)
        .ok_or(PostingRefusal::Overflow)?;
    Ok(EntrySide {
        after,
        sequence: state.sequence,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::ids::UserId;

    fn user(n: u128) -> Side {
        Side::available(
            UserId(Uuid::from_u128(n)),
            WalletKind::Main,
            CurrencyCode::MP,
        )
    }

    fn mining() -> Side {
        Side::available(WalletOwner::SYSTEM, WalletKind::Mining, CurrencyCode::MP)
    }

    fn leg(debit: Side, credit: Side, amount: i64) -> Leg {
        Leg {
            debit,
            credit,
            amount: Minor(amount),
            reason: TransferReason::MiningReward,
        }
    }

    fn balances(of: &[(Side, i64)]) -> Balances {
        of.iter()
            .map(|(side, available)| {
                (
                    side.wallet,
                    WalletState {
                        available: Minor(*available),
                        ..WalletState::default()
                    },
                )
            })
            .collect()
    }

    #[test]
    fn reward_debits_the_mining_account() {
        let mut books = balances(&[(user(1), 0)]);
        let entries = decide(&mut books, &[leg(mining(), user(1), 60_000)]).expect("posts");
        assert_eq!(entries[0].debit, None);
        assert_eq!(
            entries[0].credit,
            Some(EntrySide {
                after: Minor(60_000),
                sequence: 1
            })
        );
        assert_eq!(books[&user(1).wallet].available, Minor(60_000));
    }

    #[test]
    fn refused_posting_changes_nothing() {
        let mut books = balances(&[(user(1), 10), (user(2), 0)]);
        let before = books.clone();
        let short = decide(
            &mut books,
            &[leg(user(1), user(2), 6), leg(user(1), user(2), 5)],
        );
        assert_eq!(
            short,
            Err(PostingRefusal::InsufficientFunds {
                wallet: user(1).wallet,
                available: Minor(4),
                required: Minor(5),
            })
        );
        for bad in [
            leg(user(1), user(1), 1),
            leg(user(1), user(2), 0),
            leg(user(1), user(2), -1),
        ] {
            assert_eq!(decide(&mut books, &[bad]), Err(PostingRefusal::Malformed));
        }
        assert_eq!(
            decide(
                &mut balances(&[(user(1), i64::MAX)]),
                &[leg(mining(), user(1), 1)]
            ),
            Err(PostingRefusal::Overflow)
        );
        assert_eq!(books, before);
    }

    #[test]
    fn refuses_debits_of_frozen_wallets() {
        let mut books = balances(&[(user(1), 10), (user(2), 0)]);
        let frozen = books.get_mut(&user(1).wallet).expect("there");
        (frozen.is_frozen, frozen.held) = (true, Minor(5));
        for to in [user(2), user(1).held()] {
            let refused = decide(&mut books, &[leg(user(1), to, 1)]);
            let wallet = user(1).wallet;
            assert_eq!(refused, Err(PostingRefusal::WalletFrozen { wallet }));
        }
        // A freeze does not stop amounts that were held before it.
        for to in [user(2), user(1)] {
            assert!(decide(&mut books, &[leg(user(1).held(), to, 1)]).is_ok());
        }
        assert!(decide(&mut books, &[leg(mining(), user(1), 1)]).is_ok());
    }

    fn house(kind: WalletKind) -> Side {
        Side::available(WalletOwner::SYSTEM, kind, CurrencyCode::MP)
    }

    #[test]
    fn refuses_transit_and_misplaced_campaigns() {
        let escrow = Side {
            bucket: Bucket::Available,
            ..user(1)
        };
        let escrow = Side {
            wallet: WalletKey {
                kind: WalletKind::Escrow,
                ..escrow.wallet
            },
            ..escrow
        };
        let mut books = balances(&[(user(1), 10)]);
        for bad in [
            house(WalletKind::Transit),
            escrow,
            user(1).of_campaign(Uuid::max()),
        ] {
            let legs = [leg(user(1), bad, 1)];
            assert_eq!(decide(&mut books, &legs), Err(PostingRefusal::Malformed));
        }
        let legs = [leg(user(1), escrow.of_campaign(Uuid::max()), 1)];
        assert!(decide(&mut books, &legs).is_ok());
    }

    #[test]
    fn writes_each_row_at_one_home() {
        let (fx, fees) = (house(WalletKind::Fx), house(WalletKind::Fees));
        let transit = house(WalletKind::Transit);
        let suspense = house(WalletKind::Suspense);
        let id = Uuid::from_u128;
        for (legs, expected) in [
            // One home, on either side.
            (vec![(mining(), user(1))], vec![(id(1), mining(), user(1))]),
            (vec![(user(1), mining())], vec![(id(1), user(1), mining())]),
            // Two homes.
            (
                vec![(user(1), user(2))],
                vec![(id(1), user(1), transit), (id(2), transit, user(2))],
            ),
            // No home: that of the first leg that has one, else nil.
            (
                vec![(fx, fees), (fx, user(2)), (user(1), fx)],
                vec![
                    (id(2), fx, fees),
                    (id(2), fx, user(2)),
                    (id(1), user(1), fx),
                ],
            ),
            (vec![(fx, fees)], vec![(Uuid::nil(), fx, fees)]),
            // SUSPENSE is at nil.
            (
                vec![(suspense, user(1))],
                vec![(Uuid::nil(), suspense, transit), (id(1), transit, user(1))],
            ),
        ] {
            let entries: Vec<_> = legs
                .into_iter()
                .map(|(debit, credit)| Entry {
                    leg: leg(debit, credit, 5),
                    debit: Some(EntrySide {
                        after: Minor(1),
                        sequence: 1,
                    }),
                    credit: Some(EntrySide {
                        after: Minor(2),
                        sequence: 2,
                    }),
                })
                .collect();
            let rows = at_homes(&entries);
            let sides: Vec<_> = rows
                .iter()
                .map(|(home, row)| (*home, row.leg.debit, row.leg.credit))
                .collect();
            assert_eq!(sides, expected);
            for (_, row) in rows {
                assert_eq!(row.debit.is_none(), row.leg.debit == transit);
                assert_eq!(row.credit.is_none(), row.leg.credit == transit);
            }
        }
    }

    proptest! {
        #[test]
        fn postings_conserve_the_sum(moves in prop::collection::vec((0_u128..4, 0_u128..4, 0_i64..50), 0..60)) {
            let mut books = balances(&[(user(0), 100), (user(1), 100), (user(2), 0), (user(3), 0)]);
            for (from, to, amount) in moves {
                let _ = decide(&mut books, &[leg(user(from), user(to), amount)]);
                prop_assert_eq!(books.values().map(|state| state.available.0).sum::<i64>(), 200);
                prop_assert!(books.values().all(|state| state.available >= Minor::ZERO));
            }
        }
    }
}
