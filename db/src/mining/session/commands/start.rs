//! Starting a session.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ids::SessionId;
use domain::mining::session::start;
use domain::mining::{SessionRefusal, SessionRefusalKind, SessionStatus, StartInput};

use crate::mining::configuration;
use crate::mining::events::{MinerEvents, MiningEvent};
use crate::mining::miner::facts_of;
use crate::mining::miner::locks::{lock_caller, store_miner};
use crate::mining::session::queries;
use crate::mining::session::rows::SessionRow;
use crate::prelude::*;
use crate::schema::mining_sessions;

/// Descriptor of [`mining_session_start`].
pub const MINING_SESSION_START: Command<SessionRefusal> = Command {
    name: "mining.mining_session_start",
    action: Action::MiningSessionStart,
    key: KeyRule::Optional,
    refusals: codes!(
        SessionRefusalKind: MinerNotFound, MinerSuspended, MinerBanned, MiningDisabled, Active, Unclaimed, DailyLimit,
    ),
};

/// Starts a session at the caller's present rate; returns its id.
pub async fn mining_session_start(tx: &mut Tx, request: &Request) -> Result<Answer<[Uuid; 2]>> {
    once(tx, request, &MINING_SESSION_START, async |tx, _| {
        let now = tx.now();
        let miner = lock_caller::<SessionRefusal>(tx, request).await?;
        let started_today = queries::sessions_started_on(tx.conn(), miner.id.user, now).await?;
        let facts = facts_of(tx.conn(), &miner).await?;
        let user = miner.id.user;
        let (latest, configuration) = configuration::with_newest_session(tx.conn(), user).await?;
        let start = start(StartInput {
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
        events.push(MiningEvent::MiningSessionStarted {
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
