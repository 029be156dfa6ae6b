//! Starting and claiming sessions.

use domain::mining::session as rules;
use domain::mining::{
    Claim, HistorySource, Miner, Session, SessionRefusal, SessionStatus, StartInput,
};
use domain::wallets::{Reference, TransferReason};
use serde::{Deserialize, Serialize};

use super::queries;
use super::rows::SessionRow;
use crate::mining::configuration;
use crate::mining::miner::events::{MinerEvent, MinerEvents};
use crate::mining::miner::facts_of;
use crate::mining::miner::locks::{lock_caller, store_miner};
use crate::mining::miner::rows::HistoryRow;
use crate::mining::points::{self, Lines};
use crate::prelude::*;
use crate::schema::mining_sessions;

commands! {
    SessionRefusal;
    MINING_SESSION_START = "mining.mining_session_start", MiningSessionStart, Optional:
        MinerNotFound, MinerSuspended, MinerBanned, MiningDisabled, Active, Unclaimed, DailyLimit;
    MINING_SESSION_CLAIM = "mining.mining_session_claim", MiningSessionClaim, Required:
        MinerNotFound, MinerSuspended, MinerBanned, NotFound, AlreadyClaimed, NotComplete, Expired, IssuanceCeiling,
        BalanceOverflow;
}

/// Starts a session at the caller's present rate, after the newest session, if overdue, has expired and the streak is
/// settled. Returns the ids of the user and the session.
pub async fn mining_session_start(tx: &mut Tx, request: &Request) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &MINING_SESSION_START, async |tx, _| {
        let now = tx.now();
        let miner = lock_caller::<SessionRefusal>(tx, request).await?;
        let started_today = queries::sessions_started_on(tx.conn(), miner.id.user, now).await?;
        let facts = facts_of(tx.conn(), &miner).await?;
        let user = miner.id.user;
        let (latest, configuration) = configuration::with_newest_session(tx.conn(), user).await?;
        let start = rules::start(StartInput {
            miner: miner.clone(),
            latest,
            started_today,
            facts,
            configuration: &configuration,
            now,
            id: SessionId {
                user: miner.id.user,
                uuid: tx.new_id(),
            },
        })?;
        let mut events = MinerEvents::of(&miner, None);
        if let Some(expired) = &start.expired {
            events.session(expired, SessionStatus::Expired, now);
            diesel::update(mining_sessions::table.find((expired.id.user.0, expired.id.uuid)))
                .set((
                    mining_sessions::status.eq(SessionStatus::Expired.name()),
                    mining_sessions::expired_at.eq(now),
                ))
                .execute(tx.conn())
                .await?;
        }
        let insert = SessionRow::try_from(&start.session)?;
        let insert = diesel::insert_into(mining_sessions::table).values(insert);
        tx.write_last("mining_sessions", 1, insert);
        events.streak(&start.settled, &configuration);
        events.push(MinerEvent::MiningSessionStarted {
            miner_id: miner.id.uuid,
            session_id: start.session.id.uuid,
            ends_at: start.session.ends_at,
            hourly_rate: start.session.hourly_rate.to_decimal(),
        });
        let version = events.enqueue(tx, &request.request_id)?;
        let (points, streak) = (miner.lifetime_points, &start.settled.streak);
        store_miner(tx, &miner, points, streak, version)?;
        Ok(start.session.id.into())
    })
    .await
}

/// Result of [`mining_session_claim`]. Points are in units of 1/10,000 point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaimed {
    /// Id of the user who mines.
    pub user_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Reward.
    pub points_earned: i64,
    /// Milestone points paid with the reward.
    pub milestone_points: i64,
}

/// Claims the caller's newest session: its reward and the milestones reached are posted to the miner's wallet.
pub async fn mining_session_claim(
    tx: &mut Tx,
    request: &Request,
) -> Result<Answer<SessionClaimed>> {
    once(tx, request, &MINING_SESSION_CLAIM, async |tx, key| {
        let miner = lock_caller::<SessionRefusal>(tx, request).await?;
        let user = miner.id.user;
        let (latest, configuration) = configuration::with_newest_session(tx.conn(), user).await?;
        let claim = rules::claim(miner.clone(), latest, &configuration, tx.now())?;
        let reward = TransferReason::MiningReward;
        let reward = points::to_miner(&miner, claim.points_earned, reward);
        let milestones = points::milestones(&miner, &claim.settled.milestones);
        let reference = Reference::to("mining_session", claim.session.id.uuid);
        let legs = std::iter::once(reward).chain(milestones);
        let posted = points::post::<SessionRefusal>(tx, request, reference, legs).await?;
        key.transaction_id = posted;
        store(tx, &claim.session)?;
        points::store_history(tx, history_of(tx, &miner, &claim)?);
        let mut events = MinerEvents::of(&miner, posted);
        events.streak(&claim.settled, &configuration);
        events.claim(&claim);
        let version = events.enqueue(tx, &request.request_id)?;
        let (points, streak) = (claim.total_points, &claim.settled.streak);
        store_miner(tx, &miner, points, streak, version)?;
        Ok(SessionClaimed {
            user_id: miner.id.user.0,
            session_id: claim.session.id.uuid,
            points_earned: claim.points_earned.0,
            milestone_points: claim.milestone_points.0,
        })
    })
    .await
}

/// Marks the session as claimed; a fault if it was claimed before.
fn store(tx: &mut Tx, session: &Session) -> Result<()> {
    let open = [
        SessionStatus::Active.name(),
        SessionStatus::Completed.name(),
    ];
    let update = diesel::update(mining_sessions::table.find((session.id.user.0, session.id.uuid)))
        .filter(mining_sessions::status.eq_any(open))
        .set(SessionRow::try_from(session)?);
    tx.write_last("mining_sessions", 1, update);
    Ok(())
}

/// A history entry for the reward and one for each milestone.
fn history_of(tx: &Tx, miner: &Miner, claim: &Claim) -> Result<Vec<HistoryRow>> {
    let lines = Lines {
        miner,
        session_id: Some(claim.session.id),
        hourly_rate: claim.session.hourly_rate,
        streak_days: claim.settled.streak.current,
    };
    let reward = lines.line(tx, claim.points_earned, HistorySource::Session)?;
    lines.with_milestones(tx, reward, &claim.settled.milestones)
}
