//! Postings between the house's mining account and a miner's wallet, and their history entries.

use domain::mining::{
    HistoryEntry, HistorySource, Milestone, Miner, MinerRefusal, Points, RatePerHour,
    SessionRefusal, StreakRefusal,
};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{
    Leg, Posting, PostingRefusal, Reference, Side, TransferReason, WalletKind, WalletOwner,
};

use super::miner::rows::HistoryRow;
use crate::prelude::*;
use crate::schema::mining_history;
use crate::text::points_decimal;
use crate::wallets::posting;

fn house() -> Side {
    Side::available(WalletOwner::SYSTEM, WalletKind::Mining, CurrencyCode::MP)
}

fn wallet_of(miner: &Miner) -> Side {
    Side::available(miner.id.user, WalletKind::Main, CurrencyCode::MP)
}

/// A leg to a miner's wallet.
pub(crate) fn to_miner(miner: &Miner, amount: Points, reason: TransferReason) -> Leg {
    Leg {
        debit: house(),
        credit: wallet_of(miner),
        amount,
        reason,
    }
}

/// A leg from a miner's wallet.
pub(super) fn from_miner(miner: &Miner, amount: Points, reason: TransferReason) -> Leg {
    Leg {
        debit: wallet_of(miner),
        credit: house(),
        amount,
        reason,
    }
}

/// Legs to a miner's wallet for the milestones reached.
pub(super) fn milestones<'a>(
    miner: &'a Miner,
    reached: &'a [Milestone],
) -> impl Iterator<Item = Leg> + 'a {
    let reason = TransferReason::StreakMilestone;
    let reached = reached.iter();
    reached.map(move |milestone| to_miner(miner, milestone.points, reason))
}

/// Maps refusals of the ledger to those of the aggregates whose commands take points.
macro_rules! posting_refusals {
    ($($refusal:ident),+) => {
        $(impl From<PostingRefusal> for Stop<$refusal> {
            fn from(refusal: PostingRefusal) -> Self {
                Self::Refused(match refusal {
                    PostingRefusal::WalletFrozen { .. } => $refusal::WalletFrozen,
                    PostingRefusal::InsufficientFunds { available, .. } => {
                        let available_points = points_decimal(available);
                        $refusal::InsufficientPoints { available_points }
                    }
                    PostingRefusal::Overflow => $refusal::BalanceOverflow,
                    PostingRefusal::Malformed => return Self::Fault(refusal.into()),
                })
            }
        })+
    };
}
posting_refusals!(MinerRefusal, StreakRefusal);

/// A claim only credits the miner, and the house's mining account has no limit.
impl From<PostingRefusal> for Stop<SessionRefusal> {
    fn from(refusal: PostingRefusal) -> Self {
        match refusal {
            PostingRefusal::Overflow => Self::Refused(SessionRefusal::BalanceOverflow),
            _ => Self::Fault(refusal.into()),
        }
    }
}

/// Posts the legs above zero under one transaction; returns its id, or none when there are no such legs.
pub(super) async fn post<R>(
    tx: &mut Tx,
    request: &Request,
    reference: Reference,
    legs: impl Iterator<Item = Leg>,
) -> Result<Option<TransactionId>, Stop<R>>
where
    PostingRefusal: Into<Stop<R>>,
{
    let posting = Posting {
        transaction_id: TransactionId(tx.new_id()),
        reference,
        cause: request.posting_cause(),
        legs: legs.filter(|leg| leg.amount > Minor::ZERO).collect(),
    };
    if posting.legs.is_empty() {
        return Ok(None);
    }
    for posted in posting::post(tx, std::slice::from_ref(&posting)).await? {
        posted.map_err(Into::into)?;
    }
    Ok(Some(posting.transaction_id))
}

/// Inserts history entries at the end of the transaction.
pub(super) fn store_history(tx: &mut Tx, entries: Vec<HistoryRow>) {
    for entry in entries {
        let insert = diesel::insert_into(mining_history::table).values(entry);
        tx.write_last("mining_history", 1, insert);
    }
}

/// History entries of one command.
pub(super) struct Lines<'a> {
    /// The miner.
    pub miner: &'a Miner,
    /// The session that earned the points.
    pub session_id: Option<SessionId>,
    /// Rate of the session, or the present rate.
    pub hourly_rate: RatePerHour,
    /// Days of the streak after the command.
    pub streak_days: u32,
}

impl Lines<'_> {
    /// A history entry.
    pub fn line(&self, tx: &Tx, points: Points, source: HistorySource) -> Result<HistoryRow> {
        HistoryRow::try_from(&HistoryEntry {
            id: HistoryId {
                user: self.miner.id.user,
                uuid: tx.new_id(),
            },
            points,
            source,
            session_id: self.session_id,
            earned_at: tx.now(),
            hourly_rate: self.hourly_rate,
            streak_days: self.streak_days,
        })
    }

    /// A history entry, and one for each milestone reached with it.
    pub fn with_milestones(
        &self,
        tx: &Tx,
        first: HistoryRow,
        reached: &[Milestone],
    ) -> Result<Vec<HistoryRow>> {
        let source = HistorySource::StreakMilestone;
        let milestones = reached
            .iter()
            .map(|milestone| self.line(tx, milestone.points, source));
        std::iter::once(Ok(first)).chain(milestones).collect()
    }
}
