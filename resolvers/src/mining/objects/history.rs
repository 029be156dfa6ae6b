//! Every change of a miner's points.

use async_graphql::SimpleObject;
use domain::mining as rules;
use domain::time::Timestamp;
use uuid::Uuid;

use super::{MiningHistorySource, days, per_hour};
use crate::paging::connection;
use crate::plain::plain;
use crate::scalars::{DateTime, Decimal};

/// One change of a miner's points.
#[derive(SimpleObject)]
pub struct MiningHistoryEntry {
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// How much, in points; negative for what was taken.
    pub points_earned: Decimal,
    /// Where from.
    pub source: MiningHistorySource,
    /// Key of the session that earned it; null when none did.
    pub session_uuid: Option<Uuid>,
    /// When.
    pub earned_at: DateTime,
    /// The rate then, in points an hour.
    pub hourly_rate: Decimal,
    /// The streak right after, in days.
    pub streak_days: i32,
}

plain!(
    MiningHistoryEntry,
    uuid,
    points_earned,
    source,
    session_uuid,
    earned_at,
    hourly_rate,
    streak_days
);

impl From<rules::HistoryEntry> for MiningHistoryEntry {
    fn from(entry: rules::HistoryEntry) -> Self {
        Self {
            uuid: entry.id.0,
            points_earned: Decimal::points(entry.points),
            source: entry.source.into(),
            session_uuid: entry.session_id.map(|id| id.0),
            earned_at: entry.earned_at.into(),
            hourly_rate: per_hour(entry.hourly_rate),
            streak_days: days(entry.streak_days),
        }
    }
}

connection! {
    /// A page of a miner's history.
    MiningHistoryConnection,
    /// One item of a page of history.
    MiningHistoryEdge,
    MiningHistoryEntry, by (Timestamp, Uuid)
}
