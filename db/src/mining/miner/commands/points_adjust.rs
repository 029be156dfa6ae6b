//! Adjusting a miner's points. Above `dualControlLimit` an adjustment waits for a second person.

use domain::mining::miner::{adjust, points_to_adjust};
use domain::mining::{HistorySource, Miner, MinerRefusal, Points, Rate};
use domain::money::{CurrencyCode, Minor};
use domain::wallets::{Reference, TransferReason};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::decisions::MinerDecision;
use crate::mining::configuration;
use crate::mining::miner::events::MinerEvents;
use crate::mining::miner::facts_of;
use crate::mining::miner::locks::{lock_miners, store_miner, take};
use crate::mining::points::{self, Lines};
use crate::platform::approval::{self, Alone, NewApproval, Proposal, may_act_alone};
use crate::platform::audit::Change;
use crate::prelude::*;
use crate::text;
use crate::wallets::left_to_issue;

commands! {
    MinerRefusal;
    MINER_POINTS_ADJUST = "mining.miner_points_adjust", MinerPointsAdjust, Required:
        ReasonInvalid, NotFound, PointsInvalid, OwnAccount, Banned, WalletFrozen, InsufficientPoints,
        IssuanceCeiling, BalanceOverflow;
}

/// Result of [`miner_points_adjust`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsAdjusted {
    /// User of the miner.
    pub user_id: Uuid,
    /// History entry; none while the adjustment waits.
    pub entry_id: Option<Uuid>,
    /// Approval that the adjustment waits for.
    pub approval_id: Option<Uuid>,
}

/// An adjustment that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PointsProposal {
    /// User of the miner.
    pub user_id: Uuid,
    /// Public id of the miner.
    pub miner_id: Uuid,
    /// Points to add in ten-thousandths, negative to take.
    pub points: i64,
}

/// Adds points to a miner and its wallet, or takes them. It waits for a second person beyond what the caller may do
/// alone.
pub async fn miner_points_adjust(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
    points: Decimal,
) -> Result<Answer<PointsAdjusted>> {
    once(tx, request, &MINER_POINTS_ADJUST, async |tx, key| {
        let by = request.person()?.id;
        let (id, reason) = decision.find(tx.conn(), key).await?;
        let points = points_to_adjust(points)?;
        let miner = lock(tx, id.user).await?;
        let total_points = adjust(&miner, points, by)?;
        check_ceiling(tx, points).await?;
        let alone = Alone {
            by,
            owner: miner.id.user.into(),
            currency: CurrencyCode::MP,
            amount: points,
        };
        if may_act_alone(tx, &alone).await? {
            let (entry_id, change) = apply(tx, key, request, &miner, points, total_points).await?;
            key.change = Some(change);
            return Ok(PointsAdjusted {
                user_id: id.user.0,
                entry_id: Some(entry_id),
                approval_id: None,
            });
        }
        let proposal = PointsProposal {
            user_id: id.user.0,
            miner_id: id.uuid,
            points: points.0,
        };
        let new = NewApproval {
            subjects: vec![miner.id.user.into()],
            reason: &reason,
            proposal: &proposal,
            change: Change {
                before: json!({"totalMinedPoints": text::points(miner.lifetime_points)}),
                after: json!({"points": text::points(points)}),
            },
        };
        Ok(PointsAdjusted {
            user_id: id.user.0,
            entry_id: None,
            approval_id: Some(approval::request(tx, key, request, new).await?),
        })
    })
    .await
}

impl Proposal for PointsProposal {
    type Refusal = MinerRefusal;
    const COMMAND: &'static crate::command::Command<MinerRefusal> = &MINER_POINTS_ADJUST;

    async fn carry_out(
        self,
        tx: &mut Tx,
        key: &mut Key,
        request: &Request,
        requested_by: UserId,
    ) -> Result<approval::Effect, Stop<MinerRefusal>> {
        let points = Minor(self.points);
        let miner = lock(tx, UserId(self.user_id)).await?;
        // `may_be_decided` checked the second person; the rules apply to the first person again.
        let total_points = adjust(&miner, points, requested_by)?;
        check_ceiling(tx, points).await?;
        let (_, change) = apply(tx, key, request, &miner, points, total_points).await?;
        Ok(approval::Effect {
            entity: ("miner", miner.id.user.0),
            change,
        })
    }
}

async fn lock(tx: &mut Tx, id: UserId) -> Result<Miner> {
    let mut locked = lock_miners(tx, &[id]).await?;
    take(&mut locked, id)
}

/// Checks that points which are added may still be issued today.
async fn check_ceiling(tx: &mut Tx, points: Points) -> Result<(), Stop<MinerRefusal>> {
    if points <= Minor::ZERO {
        return Ok(());
    }
    let left = left_to_issue(tx, CurrencyCode::MP).await?;
    if points <= left {
        return Ok(());
    }
    let available_points = text::points_decimal(left);
    Err(MinerRefusal::IssuanceCeiling { available_points }.into())
}

/// Posts the points and stores history entry, events and miner; returns the entry's id and the change for the audit log.
async fn apply(
    tx: &mut Tx,
    key: &mut Key,
    request: &Request,
    miner: &Miner,
    points: Points,
    total_points: Points,
) -> Result<(Uuid, Change), Stop<MinerRefusal>> {
    let reason = TransferReason::Adjustment;
    let leg = if points > Minor::ZERO {
        points::to_miner(miner, points, reason)
    } else {
        let size = points.negated().map_err(DbError::from)?;
        points::from_miner(miner, size, reason)
    };
    let reference = Reference::to("miner", miner.id.uuid);
    let transaction_id =
        points::post::<MinerRefusal>(tx, request, reference, std::iter::once(leg)).await?;
    key.transaction_id = transaction_id;
    let facts = facts_of(tx.conn(), miner).await?;
    let configuration = configuration::in_force(tx.conn()).await?;
    let days = miner.streak.view(tx.now(), &configuration).days;
    let lines = Lines {
        miner,
        session_id: None,
        hourly_rate: Rate::of(&facts, days, &configuration)
            .total()
            .map_err(DbError::from)?,
        streak_days: days,
    };
    let line = lines.line(tx, points, HistorySource::Adjustment)?;
    let entry_id = line.id();
    points::store_history(tx, vec![line]);
    let mut events = MinerEvents::of(miner, transaction_id);
    events.adjusted(points, days, total_points);
    let version = events.enqueue(tx, &request.request_id)?;
    store_miner(tx, miner, total_points, &miner.streak, version)?;
    let change = Change {
        before: json!({"totalMinedPoints": text::points(miner.lifetime_points)}),
        after: json!({"totalMinedPoints": text::points(total_points)}),
    };
    Ok((entry_id, change))
}
