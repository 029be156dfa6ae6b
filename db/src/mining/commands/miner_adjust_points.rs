//! Correcting a miner's points.

use diesel_async::RunQueryDsl;
use domain::approval::{Approval, Proposal, takes_two};
use domain::ids::{ApprovalId, MinerId};
use domain::mining::{HistorySource, Miner, MiningRefusal, Points, Rate};
use domain::money::Minor;
use domain::reason::Reason;
use domain::wallets::{Reference, TransferReason};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::decide::{self, MinerDecision};
use super::events::MinerEvents;
use super::points::{self, Lines};
use super::{facts_of, store_miner};
use crate::approvals;
use crate::audit::{self, About, Change};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::schema::mining_history;
use crate::{Db, DbError, Tx, configuration, text};

/// What correcting points gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsAdjusted {
    /// Whose.
    pub miner_id: Uuid,
    /// Lifetime points after, in ten-thousandths; none while it waits.
    pub total_points: Option<i64>,
    /// What it waits for, if it takes two people.
    pub approval_id: Option<Uuid>,
}

/// Corrects a miner's points, up or down, in their wallet too. Beyond [`domain::approval::DUAL_CONTROL_LIMIT`] it waits
/// for a second person.
///
/// Refusals: [`MiningRefusal::ReasonInvalid`], [`MiningRefusal::NotFound`], those of [`domain::mining::correction`], of
/// [`domain::mining::adjust`], [`MiningRefusal::WalletFrozen`], [`MiningRefusal::InsufficientPoints`].
pub async fn miner_adjust_points(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    decision: &MinerDecision,
    amount: Decimal,
) -> Result<Answer<PointsAdjusted>, DbError> {
    let mut key = match idempotency::claim(tx, COMMAND, request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = adjust(tx, db, &mut key, request, decision, amount).await?;
    key.settle(tx, request, outcome).await
}

const COMMAND: &str = "mining.miner_adjust_points";

async fn adjust(
    tx: &mut Tx,
    db: &Db,
    key: &mut Key,
    request: &Request,
    decision: &MinerDecision,
    amount: Decimal,
) -> Result<Result<PointsAdjusted, MiningRefusal>, DbError> {
    let id = match decision.find(tx.conn(), key).await? {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let by_points = match domain::mining::correction(amount) {
        Ok(points) => points,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let miner = lock(tx, id).await?;
    let total_points = match domain::mining::adjust(&miner, by_points, decision.by) {
        Ok(total_points) => total_points,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if takes_two(by_points) {
        let approval = Approval::requested(
            ApprovalId(tx.new_id()),
            Proposal::MinerAdjustPoints {
                miner: id,
                points: by_points,
            },
            decision.reason.trim().to_owned(),
            decision.by,
            tx.now(),
        );
        approvals::wait(tx, request, &approval).await?;
        key.changed(Change {
            before: json!({"totalMinedPoints": text::points(miner.lifetime_points)}),
            after: json!({"approval": approval.id.0, "amount": text::points(by_points)}),
        });
        return Ok(Ok(PointsAdjusted {
            miner_id: id.0,
            total_points: None,
            approval_id: Some(approval.id.0),
        }));
    }
    let change = match carry_out(tx, db, key, request, &miner, by_points, total_points).await? {
        Ok(change) => change,
        Err(refusal) => return Ok(Err(refusal)),
    };
    key.changed(change);
    Ok(Ok(PointsAdjusted {
        miner_id: id.0,
        total_points: Some(total_points.0),
        approval_id: None,
    }))
}

/// Corrects points as a second person approved, with an entry in the audit log about the miner. Whoever approves was
/// judged before; who asked is judged again with all the rest.
///
/// Refusals: those of [`domain::mining::adjust`], those of [`points::post`].
pub(crate) async fn adjust_approved(
    tx: &mut Tx,
    db: &Db,
    key: &mut Key,
    request: &Request,
    approval: &Approval,
    reason: Reason,
) -> Result<Result<(), MiningRefusal>, DbError> {
    let Proposal::MinerAdjustPoints { miner, points } = approval.proposal;
    let miner = lock(tx, miner).await?;
    let total_points = match domain::mining::adjust(&miner, points, approval.requested_by) {
        Ok(total_points) => total_points,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let change = match carry_out(tx, db, key, request, &miner, points, total_points).await? {
        Ok(change) => change,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let about = About {
        entity_kind: "miner",
        entity_id: Some(miner.id.to_string()),
        reason: Some(reason),
    };
    audit::append_applied(
        tx,
        request,
        COMMAND,
        Some(&about),
        &change,
        key.transaction(),
    )
    .await?;
    Ok(Ok(()))
}

async fn lock(tx: &mut Tx, id: MinerId) -> Result<Miner, DbError> {
    let mut locked = decide::lock_miners(tx.conn(), &[id]).await?;
    decide::take(&mut locked, id)
}

/// Moves the points, and writes down that they moved.
async fn carry_out(
    tx: &mut Tx,
    db: &Db,
    key: &mut Key,
    request: &Request,
    miner: &Miner,
    by_points: Points,
    total_points: Points,
) -> Result<Result<Change, MiningRefusal>, DbError> {
    let reason = TransferReason::Adjustment;
    let leg = if by_points > Minor::ZERO {
        points::given(miner, by_points, reason)
    } else {
        let size = Minor::ZERO.checked_sub(by_points).unwrap_or(Minor::ZERO);
        points::taken(miner, size, reason)
    };
    let reference = Reference {
        kind: "miner",
        id: miner.id.to_string(),
    };
    let transaction_id =
        match points::post(tx, db, request, reference, std::iter::once(leg)).await? {
            Ok(transaction_id) => transaction_id,
            Err(refusal) => return Ok(Err(refusal)),
        };
    if let Some(transaction_id) = transaction_id {
        key.moved(transaction_id);
    }
    let facts = facts_of(tx.conn(), miner.id).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let days = miner.streak.view(tx.now(), &configuration).days;
    let lines = Lines {
        miner,
        session_id: None,
        hourly_rate: Rate::of(&facts, days, &configuration).total(),
        streak_days: days,
    };
    diesel::insert_into(mining_history::table)
        .values(lines.line(tx, by_points, HistorySource::Adjustment))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(miner, transaction_id);
    events.adjusted(miner, by_points, total_points);
    let version = events.store(tx, request).await?;
    store_miner(tx, miner, total_points, &miner.streak, version).await?;
    Ok(Ok(Change {
        before: json!({"totalMinedPoints": text::points(miner.lifetime_points)}),
        after: json!({"totalMinedPoints": text::points(total_points)}),
    }))
}
