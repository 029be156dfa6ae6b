//! Starting a mining session.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::{SessionId, UserId};
use domain::mining::{MiningRefusal, SessionStatus, StartInput};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::events::MinerEvents;
use super::{facts_of, lock_miner, store_miner};
use crate::idempotency::{self, Answer, Claimed, Request};
use crate::mining::queries;
use crate::mining::rows::SessionRow;
use crate::schema::mining_sessions;
use crate::text::Text as _;
use crate::{DbError, Tx, configuration};

/// What starting a session gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// Whose.
    pub miner_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Days of the streak after settling.
    pub streak_days: u32,
}

/// Starts a mining session.
///
/// Refusals: [`MiningRefusal::MinerNotFound`], then those of [`domain::mining::start`].
pub async fn session_start(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Answer<SessionStarted>, DbError> {
    let key = match idempotency::claim(tx, "mining.session_start", request).await? {
        Claimed::Replay(answer) => return Ok(answer),
        Claimed::Fresh(key) => key,
    };
    let outcome = start(tx, request, user).await?;
    key.settle(tx, request, outcome).await
}

async fn start(
    tx: &mut Tx,
    request: &Request,
    user: UserId,
) -> Result<Result<SessionStarted, MiningRefusal>, DbError> {
    let now = tx.now();
    let Some(miner) = lock_miner(tx.conn(), user).await? else {
        return Ok(Err(MiningRefusal::MinerNotFound));
    };
    let latest = queries::latest_session(tx.conn(), miner.id).await?;
    let started_today = queries::sessions_started_on(tx.conn(), miner.id, now).await?;
    let facts = facts_of(tx.conn(), miner.id).await?;
    let configuration = configuration::mining(tx.conn()).await?;
    let decided = domain::mining::start(StartInput {
        miner: miner.clone(),
        latest,
        started_today,
        facts,
        configuration: &configuration,
        now,
        id: SessionId(tx.new_id()),
    });
    let start = match decided {
        Ok(start) => start,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut events = MinerEvents::of(&miner, None);
    if let Some(expired) = &start.expired {
        events.session(&miner, expired, SessionStatus::Expired, now);
        diesel::update(mining_sessions::table.find(expired.id.0))
            .set((
                mining_sessions::status.eq(SessionStatus::Expired.text()),
                mining_sessions::expired_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
    }
    diesel::insert_into(mining_sessions::table)
        .values(SessionRow::from(&start.session))
        .execute(tx.conn())
        .await?;
    events.streak(&miner, &start.settled, &configuration);
    events.push(
        "MiningSessionStarted",
        json!({
            "minerId": miner.id.0, "sessionId": start.session.id.0,
            "endsAt": start.session.ends_at.to_rfc3339(),
            "hourlyRate": start.session.hourly_rate.to_decimal().to_string(),
        }),
    );
    let version = events.store(tx, request).await?;
    store_miner(
        tx,
        &miner,
        miner.lifetime_points,
        &start.settled.streak,
        version,
    )
    .await?;
    Ok(Ok(SessionStarted {
        miner_id: miner.id.0,
        session_id: start.session.id.0,
        streak_days: start.settled.streak.current,
    }))
}
