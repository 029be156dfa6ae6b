//! The posting core: moves points and money inside the caller's transaction.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::TransactionId;
use domain::money::CurrencyCode;
use domain::wallets::{
    Entry, Posted, Posting, PostingRefusal, WalletKey, WalletState, at_homes, decide,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::locks::{self, Locked, number_of};
use super::writes::Writes;

use crate::prelude::*;

impl From<PostingRefusal> for DbError {
    fn from(refusal: PostingRefusal) -> Self {
        Self::inconsistent("wallets", "available", refusal)
    }
}

/// Posts business events in input order; returns one result per event. A refused event has no effect and does not count
/// against the next. Postings may share a transaction.
///
/// Locks the wallets whose balances may change. The caller holds no lock that comes after wallets in the order of
/// `docs/LEDGER.md`, and posts once per transaction.
pub async fn post(
    tx: &mut Tx,
    postings: &[Posting],
) -> Result<Vec<Result<Posted, PostingRefusal>>> {
    let posted = post_reading(tx, postings, |_| std::future::ready(Ok(())).boxed());
    Ok(posted.await?.0)
}

/// [`post`] with what the caller reads or locks behind the locks of the wallets, in the same round trip.
pub(super) async fn post_reading<B>(
    tx: &mut Tx,
    postings: &[Posting],
    behind: impl FnOnce(&Connection) -> BoxFuture<'_, Result<B>>,
) -> Result<(Vec<Result<Posted, PostingRefusal>>, B)> {
    let legs = postings.iter().flat_map(|posting| &posting.legs);
    let sides = legs.flat_map(|leg| [leg.debit.wallet, leg.credit.wallet]);
    let sides: BTreeSet<WalletKey> = sides.collect();
    tx.know_currencies(sides.iter().map(|key| key.currency))
        .await?;
    let keys: BTreeSet<WalletKey> = sides
        .into_iter()
        .filter(|key| key.home().is_some())
        .collect();
    let (locked, behind) = locks::wallets(tx, &keys, behind).await?;
    let Locked {
        mut ids,
        mut balances,
        posted_at,
    } = locked;
    // A wallet without a row has a balance of zero; the first posting creates the row.
    let missing: BTreeSet<_> = keys
        .into_iter()
        .filter(|key| !ids.contains_key(key))
        .collect();
    let (frozen, locked_at) = locks::owners_of(tx, &missing).await?;
    let posted_at = locked_at.map_or(posted_at, |locked_at| posted_at.max(locked_at));
    for key in &missing {
        ids.insert(*key, new_id(tx, key.currency)?);
        if key.kind.has_balance() {
            let state = WalletState {
                is_frozen: frozen.contains(&key.owner),
                ..WalletState::default()
            };
            balances.insert(*key, state);
        }
    }
    let before = balances.clone();
    let decided: Vec<Result<Vec<Entry>, PostingRefusal>> = postings
        .iter()
        .map(|posting| decide(&mut balances, &posting.legs))
        .collect();
    let mut writes = Writes::at(posted_at);
    let mut created = BTreeSet::new();
    let mut legs: BTreeMap<TransactionId, usize> = BTreeMap::new();
    for (posting, entries) in postings.iter().zip(&decided) {
        let rows = at_homes(entries.as_deref().unwrap_or_default());
        let leg = legs.entry(posting.transaction_id).or_default();
        for (home, row) in &rows {
            writes.transfer(tx, &ids, posting, *leg, *home, row)?;
            *leg += 1;
            for key in [row.leg.debit.wallet, row.leg.credit.wallet] {
                if missing.contains(&key) {
                    created.insert(key);
                }
            }
        }
    }
    // In the order of their keys, so that two transactions that create the same wallets do not deadlock.
    for key in &created {
        let state = balances.get(key).copied().unwrap_or_default();
        writes.new_wallet(tx, key, ids[key], frozen.contains(&key.owner), state)?;
    }
    for (key, state) in &balances {
        if before.get(key) != Some(state) && !missing.contains(key) {
            writes.changed_wallet(key, ids[key], *state);
        }
    }
    writes.store(tx);
    let results = postings.iter().zip(decided).map(|(posting, entries)| {
        entries.map(|entries| Posted {
            transaction_id: posting.transaction_id,
            posted_at,
            entries,
        })
    });
    Ok((results.collect(), behind))
}

/// Posts one business event.
pub(super) async fn post_one(
    tx: &mut Tx,
    posting: &Posting,
) -> Result<Result<Posted, PostingRefusal>> {
    let posted = post(tx, std::slice::from_ref(posting)).await?;
    let posted = posted.into_iter().next();
    posted.ok_or_else(|| DbError::inconsistent("posting", "results", "none"))
}

/// Decides a posting without a lock; returns its refusal. The answer can change before it is posted.
pub async fn foresee(tx: &mut Tx, posting: &Posting) -> Result<Option<PostingRefusal>> {
    let sides = posting.legs.iter();
    let sides = sides.flat_map(|leg| [leg.debit.wallet, leg.credit.wallet]);
    let kept: BTreeSet<WalletKey> = sides.filter(|key| key.kind.has_balance()).collect();
    tx.know_currencies(kept.iter().map(|key| key.currency))
        .await?;
    let mut balances = locks::unlocked(tx, &kept).await?;
    Ok(decide(&mut balances, &posting.legs).err())
}

/// The result that [`post_one`] would have. Locks the wallets, but writes nothing.
pub(super) async fn judge(
    tx: &mut Tx,
    posting: &Posting,
) -> Result<Result<Posted, PostingRefusal>> {
    let before = tx.last_writes.len();
    let posted = post_one(tx, posting).await;
    tx.last_writes.truncate(before);
    posted
}

/// Id of a wallet that a posting creates: random, because only the owner and the id together are a key, with the
/// currency's number in the low byte. The accounts of nil have ids below 65,536.
fn new_id(tx: &Tx, currency: CurrencyCode) -> Result<i64> {
    let random = i64::from_be_bytes(tx.ids().bytes()) & i64::MAX & !255;
    Ok(random | 1 << 62 | i64::from(number_of(tx, currency)?))
}
