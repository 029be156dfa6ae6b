//! Points that move between the house's mining account and a miner's wallet, and the lines of history that say so.

use domain::ids::{HistoryId, SessionId, TransactionId};
use domain::mining::{
    HistoryEntry, HistorySource, Milestone, Miner, MiningRefusal, Points, RatePerHour,
};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{
    Leg, Posting, PostingRefusal, Reference, Side, TransferReason, WalletKind, WalletOwner,
};

use crate::idempotency::Request;
use crate::mining::rows::HistoryRow;
use crate::wallets::posting;
use crate::{Db, DbError, Tx};

fn house() -> Side {
    Side::available(WalletOwner::SYSTEM, WalletKind::Mining, CurrencyCode::MP)
}

fn wallet_of(miner: &Miner) -> Side {
    Side::available(miner.user_id, WalletKind::Main, CurrencyCode::MP)
}

/// What a miner gets.
pub(super) fn given(miner: &Miner, amount: Points, reason: TransferReason) -> Leg {
    Leg {
        debit: house(),
        credit: wallet_of(miner),
        amount,
        reason,
    }
}

/// What a miner pays.
pub(super) fn taken(miner: &Miner, amount: Points, reason: TransferReason) -> Leg {
    Leg {
        debit: wallet_of(miner),
        credit: house(),
        amount,
        reason,
    }
}

/// What a miner gets for the milestones reached.
pub(super) fn milestones<'a>(
    miner: &'a Miner,
    reached: &'a [Milestone],
) -> impl Iterator<Item = Leg> + 'a {
    let reason = TransferReason::StreakMilestone;
    let reached = reached.iter();
    reached.map(move |milestone| given(miner, milestone.points, reason))
}

/// Posts what moves under one transaction; none, when nothing does. Legs of nothing are left out.
///
/// Refusals: [`MiningRefusal::InsufficientPoints`], [`MiningRefusal::WalletFrozen`].
pub(super) async fn post(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    reference: Reference,
    legs: impl Iterator<Item = Leg>,
) -> Result<Result<Option<TransactionId>, MiningRefusal>, DbError> {
    let posting = Posting {
        transaction_id: TransactionId(tx.new_id()),
        reference,
        origin: request.origin,
        correlation_id: Some(request.request_id.clone()),
        legs: legs.filter(|leg| leg.amount > Minor::ZERO).collect(),
    };
    if posting.legs.is_empty() {
        return Ok(Ok(None));
    }
    for posted in posting::post(tx, db, std::slice::from_ref(&posting)).await? {
        match posted {
            Ok(_) => {}
            Err(PostingRefusal::InsufficientFunds { available, .. }) => {
                return Ok(Err(MiningRefusal::InsufficientPoints { available }));
            }
            Err(PostingRefusal::WalletFrozen { .. }) => {
                return Ok(Err(MiningRefusal::WalletFrozen));
            }
            // The legs are made here, and balances don't come near 64 bits.
            Err(refusal) => return Err(DbError::inconsistent("wallets", "available", refusal)),
        }
    }
    Ok(Ok(Some(posting.transaction_id)))
}

/// The lines of history of one command.
pub(super) struct Lines<'a> {
    /// Whose.
    pub miner: &'a Miner,
    /// The session that earned them.
    pub session_id: Option<SessionId>,
    /// The rate of the session, or of the moment.
    pub hourly_rate: RatePerHour,
    /// Days of the streak right after.
    pub streak_days: u32,
}

impl Lines<'_> {
    /// A line.
    pub fn line(&self, tx: &Tx, points: Points, source: HistorySource) -> HistoryRow {
        HistoryRow::from(&HistoryEntry {
            id: HistoryId(tx.new_id()),
            miner_id: self.miner.id,
            points,
            source,
            session_id: self.session_id,
            earned_at: tx.now(),
            hourly_rate: self.hourly_rate,
            streak_days: self.streak_days,
        })
    }

    /// A line, and one for each milestone reached with it.
    pub fn with_milestones(
        &self,
        tx: &Tx,
        first: HistoryRow,
        reached: &[Milestone],
    ) -> Vec<HistoryRow> {
        let source = HistorySource::StreakMilestone;
        let milestones = reached
            .iter()
            .map(|milestone| self.line(tx, milestone.points, source));
        std::iter::once(first).chain(milestones).collect()
    }
}
