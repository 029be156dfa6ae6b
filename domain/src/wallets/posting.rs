//! Postings: groups of transfers that happen together or not at all.

use std::collections::BTreeMap;

use super::{Bucket, WalletKind, WalletOwner};
use crate::ids::TransactionId;
use crate::money::{CurrencyCode, Minor};
use crate::time::Timestamp;

/// Names a wallet before it has a key of its own: it is made by its first posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletKey {
    /// Whose.
    pub owner: WalletOwner,
    /// What for.
    pub kind: WalletKind,
    /// Of what.
    pub currency: CurrencyCode,
}

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// Which wallet.
    pub wallet: WalletKey,
    /// Which part of it.
    pub bucket: Bucket,
}

impl Side {
    /// The spendable part of a wallet.
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
            },
            bucket: Bucket::Available,
        }
    }
}

/// One transfer to be: `amount` leaves the debited side and arrives at the credited one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Where from.
    pub debit: Side,
    /// Where to.
    pub credit: Side,
    /// How much, above zero.
    pub amount: Minor,
    /// Why.
    pub reason: TransferReason,
}

/// Why points or money moved (`docs/LEDGER.md`, *Events*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransferReason {
    /// A claimed session's reward.
    MiningReward,
    /// The first day of a streak's tier.
    StreakMilestone,
    /// What recovering a streak costs.
    StreakRecovery,
    /// An administrator's correction, up or down.
    Adjustment,
    /// Balances that demo data begins with.
    OpeningBalance,
}

/// Who caused a posting: decides what evidence the checker looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A user's command: has an idempotency key and an event.
    User,
    /// A staff member's command: has an audit entry besides.
    Staff,
    /// Another service's command: has an audit entry besides.
    Service,
    /// A background job: has an event.
    Job,
    /// Demo data.
    Seed,
}

/// What a posting is about: a type and an id, such as `mining_session` and its UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What kind of thing.
    pub kind: &'static str,
    /// Which one.
    pub id: String,
}

/// A business event to be posted: all of its legs or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The event's id.
    pub transaction_id: TransactionId,
    /// What it is about.
    pub reference: Reference,
    /// Who caused it.
    pub origin: Origin,
    /// Correlates it with the request that caused it.
    pub correlation_id: Option<String>,
    /// The transfers, in order.
    pub legs: Vec<Leg>,
}

/// Why a posting is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingRefusal {
    /// The two sides are the same, of two currencies, one of them was not locked, or the amount is not above zero.
    #[error("a transfer needs two sides of one currency and an amount above zero")]
    Malformed,
    /// Nothing may leave this wallet.
    #[error("the wallet is frozen")]
    WalletFrozen {
        /// Which.
        wallet: WalletKey,
    },
    /// There is less than that.
    #[error("there is not enough in the wallet")]
    InsufficientFunds {
        /// Which wallet.
        wallet: WalletKey,
        /// What is there.
        available: Minor,
        /// What was asked for.
        required: Minor,
    },
    /// The balance would be beyond what the ledger can hold.
    #[error("the balance would be larger than the ledger can hold")]
    Overflow,
}

/// What is known of a wallet that keeps a running balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalletState {
    /// Spendable.
    pub available: Minor,
    /// Reserved.
    pub held: Minor,
    /// Sides written so far.
    pub sequence: i64,
    /// Whether nothing may leave.
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

/// Balance and sequence of one side right after a transfer; none where no running balance is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntrySide {
    /// Balance of the bucket after.
    pub after: Minor,
    /// Sequence of the wallet after.
    pub sequence: i64,
}

/// A transfer as it will be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What moves.
    pub leg: Leg,
    /// The debited side after.
    pub debit: Option<EntrySide>,
    /// The credited side after.
    pub credit: Option<EntrySide>,
}

/// A posting that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The event.
    pub transaction_id: TransactionId,
    /// When.
    pub posted_at: Timestamp,
    /// Its transfers.
    pub entries: Vec<Entry>,
}

/// Decides one posting against the balances, which it changes only when the answer is yes.
///
/// Refusals, leg by leg: [`PostingRefusal::Malformed`], [`PostingRefusal::WalletFrozen`],
/// [`PostingRefusal::InsufficientFunds`], [`PostingRefusal::Overflow`].
pub fn decide(balances: &mut Balances, legs: &[Leg]) -> Result<Vec<Entry>, PostingRefusal> {
    // Only what the legs touch is copied: a batch may hold thousands of wallets.
    let mut after: Balances = legs
        .iter()
        .flat_map(|leg| [leg.debit.wallet, leg.credit.wallet])
        .filter_map(|key| balances.get(&key).map(|state| (key, *state)))
        .collect();
    let mut entries = Vec::with_capacity(legs.len());
    for leg in legs {
        let is_known =
            |side: Side| !side.wallet.kind.has_balance() || after.contains_key(&side.wallet);
        if leg.amount <= Minor::ZERO
            || !is_known(leg.debit)
            || !is_known(leg.credit)
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

fn take(balances: &mut Balances, leg: &Leg) -> Result<Option<EntrySide>, PostingRefusal> {
    let Side { wallet, bucket } = leg.debit;
    let Some(state) = balances.get_mut(&wallet) else {
        return Ok(None);
    };
    // Moving between a wallet's own buckets takes nothing away from its owner.
    if state.is_frozen && leg.credit.wallet != wallet {
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
    fn a_reward_comes_from_the_mining_account() {
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
    fn a_refused_posting_changes_nothing() {
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
    fn from_a_frozen_wallet_nothing_leaves() {
        let mut books = balances(&[(user(1), 10), (user(2), 0)]);
        books.get_mut(&user(1).wallet).expect("there").is_frozen = true;
        assert_eq!(
            decide(&mut books, &[leg(user(1), user(2), 1)]),
            Err(PostingRefusal::WalletFrozen {
                wallet: user(1).wallet
            })
        );
        assert!(decide(&mut books, &[leg(user(2), user(1), 1)]).is_err());
        assert!(decide(&mut books, &[leg(mining(), user(1), 1)]).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_is_created_destroyed_or_owed(moves in prop::collection::vec((0_u128..4, 0_u128..4, 0_i64..50), 0..60)) {
            let mut books = balances(&[(user(0), 100), (user(1), 100), (user(2), 0), (user(3), 0)]);
            for (from, to, amount) in moves {
                let _ = decide(&mut books, &[leg(user(from), user(to), amount)]);
                prop_assert_eq!(books.values().map(|state| state.available.0).sum::<i64>(), 200);
                prop_assert!(books.values().all(|state| state.available >= Minor::ZERO));
            }
        }
    }
}
