//! Claiming a mining session: the reward goes to the wallet.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{TransactionId, UserId};
use domain::mining::{
    Claim, Configuration, HistorySource, Miner, MiningRefusal, Session, SessionStatus,
};
use domain::wallets::{Reference, TransferReason};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::MinerEvents;
use super::points::{self, Lines};
use super::{lock_miner, store_miner};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::mining::queries;
use crate::mining::rows::HistoryRow;
use crate::schema::{mining_history, mining_sessions};
use crate::text::Text as _;
use crate::{Db, DbError, Tx, configuration};

/// What claiming a session gives. Points are in ten-thousandths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaimed {
    /// Whose.
    pub miner_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Its reward.
    pub points_earned: i64,
    /// Milestones paid with it.
    pub streak_bonus: i64,
    /// Lifetime points after.
    pub total_points: i64,
    /// Days of the streak after.
    pub streak_days: u32,
}

/// Claims the newest session: its reward and the milestones reached go to the miner's wallet.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::claim`].
pub async fn session_claim(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    user: UserId,
) -> Result<Answer<SessionClaimed>, DbError> {
    let mut key = match idempotency::claim(tx, "mining.session_claim", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let now = tx.now();
    let Some(miner) = lock_miner(tx.conn(), user).await? else {
        return key
            .settle(tx, request, Err(MiningRefusal::MinerNotFound))
            .await;
    };
    let latest = queries::latest_session(tx.conn(), miner.id).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let outcome = match domain::mining::claim(miner.clone(), latest, &configuration, now) {
        Err(refusal) => Err(refusal),
        Ok(claim) => {
            let transaction_id = pay(tx, db, request, &miner, &claim).await?;
            if let Some(transaction_id) = transaction_id {
                key.moved(transaction_id);
            }
            Ok(store_claim(tx, request, &miner, &claim, &configuration, transaction_id).await?)
        }
    };
    key.settle(tx, request, outcome).await
}

/// Credits the reward and the milestones to the miner's wallet; none when both are nothing.
async fn pay(
    tx: &mut Tx,
    db: &Db,
    request: &Request,
    miner: &Miner,
    claim: &Claim,
) -> Result<Option<TransactionId>, DbError> {
    let reward = points::given(miner, claim.points_earned, TransferReason::MiningReward);
    let milestones = points::milestones(miner, &claim.settled.milestones);
    let reference = Reference {
        kind: "mining_session",
        id: claim.session.id.to_string(),
    };
    let legs = std::iter::once(reward).chain(milestones);
    let posted = points::post(tx, db, request, reference, legs).await?;
    // The house gives without a limit.
    posted.map_err(|refusal| DbError::inconsistent("wallets", "available", refusal))
}

async fn store_claim(
    tx: &mut Tx,
    request: &Request,
    miner: &Miner,
    claim: &Claim,
    configuration: &Configuration,
    transaction_id: Option<TransactionId>,
) -> Result<SessionClaimed, DbError> {
    let session = &claim.session;
    let open = [
        SessionStatus::Active.text(),
        SessionStatus::Completed.text(),
    ];
    let paid = diesel::update(mining_sessions::table.find(session.id.0))
        .filter(mining_sessions::status.eq_any(open))
        .set((
            mining_sessions::status.eq(SessionStatus::Claimed.text()),
            mining_sessions::claimed_at.eq(tx.now()),
            mining_sessions::points_earned.eq(claim.points_earned.0),
            mining_sessions::streak_bonus.eq(claim.streak_bonus.0),
            mining_sessions::referral_points.eq(referral_points(session)),
        ))
        .execute(tx.conn())
        .await?;
    if paid != 1 {
        return Err(DbError::inconsistent(
            "mining_sessions",
            "status",
            session.id,
        ));
    }
    diesel::insert_into(mining_history::table)
        .values(history_of(tx, miner, claim))
        .execute(tx.conn())
        .await?;
    let mut events = MinerEvents::of(miner, transaction_id);
    events.streak(miner, &claim.settled, configuration);
    events.claim(miner, claim);
    let version = events.store(tx, request).await?;
    store_miner(
        tx,
        miner,
        claim.total_points,
        &claim.settled.streak,
        version,
    )
    .await?;
    Ok(SessionClaimed {
        miner_id: miner.id.0,
        session_id: session.id.0,
        points_earned: claim.points_earned.0,
        streak_bonus: claim.streak_bonus.0,
        total_points: claim.total_points.0,
        streak_days: claim.settled.streak.current,
    })
}

fn referral_points(session: &Session) -> Option<i64> {
    match &session.state {
        domain::mining::SessionState::Claimed {
            referral_points, ..
        } => Some(referral_points.0),
        _ => None,
    }
}

/// A line for the reward and one for each milestone.
fn history_of(tx: &Tx, miner: &Miner, claim: &Claim) -> Vec<HistoryRow> {
    let lines = Lines {
        miner,
        session_id: Some(claim.session.id),
        hourly_rate: claim.session.hourly_rate,
        streak_days: claim.settled.streak.current,
    };
    let reward = lines.line(tx, claim.points_earned, HistorySource::Session);
    lines.with_milestones(tx, reward, &claim.settled.milestones)
}
