//! Events of miners, for `minerUpdated`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::mining::MinerSeen;
use db::outbox::{Event, events_of_the_last};
use db::{Db, DbError};
use domain::ids::{MinerId, UserId};
use domain::mining::Configuration;
use futures_util::FutureExt;

use crate::events::{Reading, Subscribers, Topic, Update};

/// Events of miners, by the miner's user.
#[derive(Debug, Default)]
pub struct MinerTopic;

/// An event of a miner.
#[derive(Clone, Debug)]
pub struct MinerUpdate {
    /// The kind of event.
    pub kind: MinerEventKind,
    /// The event as stored.
    pub event: Event,
    /// The miner after the event.
    pub miner: MinerSeen,
    /// The configuration that determines streaks and rates.
    pub configuration: Arc<Configuration>,
}

/// The kinds of events that subscribers of a miner receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinerEventKind {
    /// A session started.
    SessionStarted,
    /// A session was paid.
    SessionPaid,
    /// The first day of a streak's tier was reached.
    MilestoneReached,
    /// A streak was lost.
    StreakBroken,
    /// A referral of the miner became active.
    ReferralActivated,
    /// The miner was suspended, banned or restored.
    StatusChanged,
    /// The miner's role changed.
    RoleChanged,
    /// A referral of the miner became inactive.
    ReferralDeactivated,
    /// A broken streak was recovered.
    StreakRecovered,
    /// Points were adjusted.
    PointsAdjusted,
    /// A session reached its end.
    SessionCompleted,
    /// A session was not claimed in time, or ended by a ban.
    SessionExpired,
    /// The miner was invited into a circle.
    InvitationReceived,
}

impl MinerEventKind {
    /// The kind of an event. Returns `None` for events that subscribers don't receive.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        if event.subject_kind != "miner" {
            return None;
        }
        let source = event.payload.get("source");
        match event.name.as_str() {
            "MiningSessionStarted" => Some(Self::SessionStarted),
            "PointsMined" if source.is_some_and(|source| source == "SESSION") => {
                Some(Self::SessionPaid)
            }
            "StreakMilestoneReached" => Some(Self::MilestoneReached),
            "StreakBroken" => Some(Self::StreakBroken),
            "ReferralActivated" => Some(Self::ReferralActivated),
            "MinerSuspended" | "MinerRestored" | "MinerBanned" => Some(Self::StatusChanged),
            "MinerRoleChanged" => Some(Self::RoleChanged),
            "ReferralDeactivated" => Some(Self::ReferralDeactivated),
            "StreakRecovered" => Some(Self::StreakRecovered),
            "PointsAdjusted" => Some(Self::PointsAdjusted),
            "MiningSessionCompleted" => Some(Self::SessionCompleted),
            "MiningSessionExpired" => Some(Self::SessionExpired),
            "CircleInvitationReceived" => Some(Self::InvitationReceived),
            _ => None,
        }
    }
}

impl Update for MinerUpdate {
    type Kind = MinerEventKind;
    const TOPIC: &'static str = "miner";
    const KEEP: usize = 64;

    fn kind(&self) -> MinerEventKind {
        self.kind
    }
}

/// Events to publish.
#[derive(Debug)]
pub enum MinerChanges {
    /// These, with the users who receive them.
    Events(Vec<(UserId, MinerEventKind, Event)>),
    /// Those of the last `Duration` for these users.
    Missed(Duration, Vec<UserId>),
}

impl Topic for MinerTopic {
    type Subject = UserId;
    type Update = MinerUpdate;
    type Changes = MinerChanges;

    fn changes(
        &self,
        events: &[Event],
        subscribers: &Subscribers<UserId, MinerUpdate>,
    ) -> Option<MinerChanges> {
        let events: Vec<_> = events
            .iter()
            .filter_map(received)
            .filter(|(user, ..)| subscribers.has(user))
            .collect();
        (!events.is_empty()).then_some(MinerChanges::Events(events))
    }

    fn missed(
        &self,
        during: Duration,
        subscribers: &Subscribers<UserId, MinerUpdate>,
    ) -> Option<MinerChanges> {
        Some(MinerChanges::Missed(during, subscribers.subjects()))
    }

    fn read(&self, db: Db, changes: MinerChanges) -> Reading<'_, Self> {
        read(db, changes).boxed()
    }
}

/// The user who receives an event, and its kind.
fn received(event: &Event) -> Option<(UserId, MinerEventKind, Event)> {
    let kind = MinerEventKind::of(event)?;
    Some((UserId(event.audience_id?), kind, event.clone()))
}

async fn read(db: Db, changes: MinerChanges) -> Result<Vec<(UserId, MinerUpdate)>, DbError> {
    let events = match changes {
        MinerChanges::Events(events) => events,
        MinerChanges::Missed(during, users) => {
            let events = db
                .read(async move |conn| events_of_the_last(conn, during, &users).await)
                .await?;
            events.iter().filter_map(received).collect()
        }
    };
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<MinerId> = events
        .iter()
        .map(|(.., event)| MinerId(event.subject_id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let (miners, configuration) = db
        .read(async move |conn| {
            let miners = db::mining::queries::miners_by_id(conn, &ids).await?;
            Ok((miners, db::configuration::mining(conn).await?))
        })
        .await?;
    let configuration = Arc::new(configuration);
    let miners: HashMap<_, _> = miners
        .into_iter()
        .map(|seen| (seen.miner.id.0, seen))
        .collect();
    let updates = events.into_iter().filter_map(|(user, kind, event)| {
        let miner = miners.get(&event.subject_id)?.clone();
        let configuration = Arc::clone(&configuration);
        let update = MinerUpdate {
            kind,
            event,
            miner,
            configuration,
        };
        Some((user, update))
    });
    Ok(updates.collect())
}
