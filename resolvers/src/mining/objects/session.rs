//! A mining session.

use async_graphql::{Context, SimpleObject};
use db::mining::SessionSeen;
use domain::ids::SessionId;
use domain::mining::{self as rules, SessionState};
use uuid::Uuid;

use super::{Miner, MiningRate, MiningSessionStatus, per_hour};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::request::{Asked, configuration};
use crate::scalars::{DateTime, Decimal};

/// A time of mining, with the rate it was started at.
#[derive(SimpleObject)]
pub struct MiningSession {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Where it stands at the moment.
    pub status: MiningSessionStatus,
    /// When it began.
    pub started_at: DateTime,
    /// When it is complete.
    pub ends_at: DateTime,
    /// Until when it can be claimed; null once it is paid or expired. While mining is switched off or the miner suspended
    /// it moves on with time.
    pub claimable_until: Option<DateTime>,
    /// Points an hour, fixed when it began.
    pub hourly_rate: Decimal,
    /// The rate's parts when it began.
    pub rate: MiningRate,
    /// What has been mined so far, in points; what it earned, once it is complete.
    pub accumulated_points: Decimal,
    /// When it was paid; null before.
    pub claimed_at: Option<DateTime>,
    /// Its reward, in points; null before it is paid.
    pub points_earned: Option<Decimal>,
    /// Milestones paid with it, in points; null before it is paid.
    pub streak_bonus: Option<Decimal>,
    /// Version of the mining configuration it was started under.
    pub configuration_version: i32,
}

impl MiningSession {
    /// Loads a session, if the caller may see its miner.
    pub(crate) async fn load(ctx: &Context<'_>, id: SessionId) -> Result<Option<Self>, ApiError> {
        let configuration = configuration(ctx).await?;
        let Some(seen) = ctx.operation().mining.load_one(id).await? else {
            return Ok(None);
        };
        let visible = Miner::load(ctx, seen.session.miner_id).await?.is_some();
        Ok(visible.then(|| Self::shown(&seen, &configuration)))
    }

    pub(super) fn shown(seen: &SessionSeen, configuration: &rules::Configuration) -> Self {
        let session = &seen.session;
        let paid = match &session.state {
            SessionState::Claimed {
                at,
                points_earned,
                streak_bonus,
                ..
            } => Some((*at, *points_earned, *streak_bonus)),
            _ => None,
        };
        Self {
            id: GlobalId::MiningSession(session.id),
            uuid: session.id.0,
            status: session.status_at(seen.at, configuration).into(),
            started_at: session.started_at.into(),
            ends_at: session.ends_at.into(),
            claimable_until: session
                .claimable_until(seen.at, configuration)
                .map(DateTime),
            hourly_rate: per_hour(session.hourly_rate),
            rate: MiningRate::of(&session.rate),
            accumulated_points: Decimal::points(session.accumulated(seen.at)),
            claimed_at: paid.map(|paid| paid.0.into()),
            points_earned: paid.map(|paid| Decimal::points(paid.1)),
            streak_bonus: paid.map(|paid| Decimal::points(paid.2)),
            configuration_version: session.configuration_version,
        }
    }
}
