//! Recovering a broken streak, for a price.

use diesel_async::RunQueryDsl;
use domain::ids::UserId;
use domain::mining::{HistorySource, Miner, MiningRefusal, Rate, Recovery};
use domain::money::Minor;
use domain::wallets::{Reference, TransferReason};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::events::MinerEvents;
use super::points::{self, Lines};
use super::{facts_of, lock_miner, store_miner};
use crate::idempotency::{self, Answer, Claimed, Key, Request};
use crate::mining::queries;
use crate::schema::mining_history;
use crate::{Db, DbError, Tx, configuration, text};

/// What recovering a streak gives. Points are in ten-thousandths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreakRecovered {
    /// Whose.
    pub miner_id: Uuid,
    /// Days of the run that was added.
    pub recovered_days: u32,
    /// What it cost.
    pub cost: i64,
    /// Milestones paid with it.
    pub streak_bonus: i64,
    /// Lifetime points after.
    pub total_points: i64,
    /// Days of the streak after.
    pub streak_days: u32,
}

/// Adds the run that was broken to the present one; the miner's wallet pays, and is paid the milestones reached.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], those of [`domain::mining::recover`],
/// [`MiningRefusal::WalletFrozen`], [`MiningRefusal::InsufficientPoints`].
pub async fn streak_recover(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    user: UserId,
) -> Result<Answer<StreakRecovered>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.streak_recover", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = recover(tx, db, &mut key, request, user).await?;
    key.settle(tx, request, outcome).await
}

async fn recover(
    tx: &mut Tx,
    db: &Db,
    key: &mut Key,
    request: &Request,
    user: UserId,
) -> Result<Result<StreakRecovered, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(miner) = lock_miner(tx.conn(), user).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let facts = facts_of(tx.conn(), miner.id).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let latest = queries::latest_session(tx.conn(), miner.id).await?;
    let done = match domain::mining::recover(&miner, latest.as_ref(), &configuration, now) {
        Ok(done) => done,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let legs = std::iter::once(points::taken(
        &miner,
        done.cost,
        TransferReason::StreakRecovery,
    ))
    .chain(points::milestones(&miner, &done.recovered.milestones));
    let reference = Reference {
        kind: "miner",
        id: miner.id.to_string(),
    };
    let transaction_id = match points::post(tx, db, request, reference, legs).await? {
        Ok(transaction_id) => transaction_id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(transaction_id) = transaction_id {
        key.moved(transaction_id);
    }
    let streak = &done.recovered.streak;
    let lines = Lines {
        miner: &miner,
        session_id: None,
        hourly_rate: Rate::of(&facts, streak.current, &configuration).total(),
        streak_days: streak.current,
    };
    store_history(tx, &lines, &done).await?;
    let mut events = MinerEvents::of(&miner, transaction_id);
    events.push("StreakRecovered", told(&miner, &done));
    events.streak_changed(&miner, streak.current, &configuration);
    events.milestones(
        &miner,
        &done.recovered.milestones,
        streak.current,
        done.total_points,
    );
    let version = events.store(tx, request).await?;
    store_miner(tx, &miner, done.total_points, streak, version).await?;
    Ok(Ok(StreakRecovered {
        miner_id: miner.id.0,
        recovered_days: done.recovered.days,
        cost: done.cost.0,
        streak_bonus: done.streak_bonus.0,
        total_points: done.total_points.0,
        streak_days: streak.current,
    }))
}

async fn store_history(tx: &mut Tx, lines: &Lines<'_>, done: &Recovery) -> Result<(), DbError> {
    let paid = Minor::ZERO.checked_sub(done.cost).unwrap_or(Minor::ZERO);
    let paid = lines.line(tx, paid, HistorySource::StreakRecovery);
    let rows = lines.with_milestones(tx, paid, &done.recovered.milestones);
    diesel::insert_into(mining_history::table)
        .values(rows)
        .execute(tx.conn())
        .await?;
    Ok(())
}

fn told(miner: &Miner, done: &Recovery) -> serde_json::Value {
    json!({
        "userId": miner.user_id.0, "minerId": miner.id.0, "recoveredDays": done.recovered.days,
        "streakDays": done.recovered.streak.current, "cost": text::points(done.cost),
    })
}
