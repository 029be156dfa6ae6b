//! Claiming a session: the reward goes to the wallet.

use diesel::{ExpressionMethods, QueryDsl};
use domain::mining::session::claim;
use domain::mining::{
    Claim, HistorySource, Miner, Session, SessionRefusal, SessionRefusalKind, SessionStatus,
};
use domain::wallets::{Reference, TransferReason};
use serde::{Deserialize, Serialize};

use crate::mining::configuration;
use crate::mining::events::MinerEvents;
use crate::mining::miner::locks::{lock_caller, store_miner};
use crate::mining::miner::rows::HistoryRow;
use crate::mining::points::{self, Lines};
use crate::mining::session::rows::SessionRow;
use crate::prelude::*;
use crate::schema::mining_sessions;

/// Descriptor of [`mining_session_claim`].
pub const MINING_SESSION_CLAIM: Command<SessionRefusal> = Command {
    name: "mining.mining_session_claim",
    action: Action::MiningSessionClaim,
    key: KeyRule::Required,
    refusals: codes!(
        SessionRefusalKind: MinerNotFound, MinerSuspended, MinerBanned, NotFound, AlreadyClaimed, NotComplete, Expired,
        BalanceOverflow,
    ),
};

/// Result of [`mining_session_claim`]. Points are in ten-thousandths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaimed {
    /// User of the miner.
    pub user_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Reward.
    pub points_earned: i64,
    /// Milestone points paid with it.
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
        let claim = claim(miner.clone(), latest, &configuration, tx.now())?;
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
