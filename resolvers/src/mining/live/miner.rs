//! Events of miners, for `minerUpdated`.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use db::Db;
use db::mining::{MinerEvent, MinerSeen};
use db::outbox::{Event, events_of_the_last};
use domain::mining::{Configuration, HistorySource};

use crate::events::{SubscribersOf, Topic, Update, UpdatesOf};
use crate::prelude::*;

/// Events of miners, by the miner's user.
#[derive(Debug, Default)]
pub struct MinerTopic;

/// An event of a miner.
#[derive(Clone, Debug)]
pub struct MinerUpdate {
    /// The event.
    pub event: MinerEvent,
    /// Version of the miner after the event.
    pub sequence: i64,
    /// Time of the event.
    pub occurred_at: Timestamp,
    /// The miner as it is now.
    pub miner: Arc<MinerSeen>,
    /// The configuration that determines streaks and rates.
    pub configuration: Arc<Configuration>,
}

/// Whether subscribers of a miner receive an event.
fn is_published(event: &MinerEvent) -> bool {
    match event {
        MinerEvent::MiningSessionStarted { .. }
        | MinerEvent::MiningSessionCompleted { .. }
        | MinerEvent::MiningSessionExpired { .. }
        | MinerEvent::PointsAdjusted { .. }
        | MinerEvent::StreakMilestoneReached { .. }
        | MinerEvent::StreakBroken { .. }
        | MinerEvent::StreakRecovered { .. }
        | MinerEvent::MinerSuspended { .. }
        | MinerEvent::MinerRestored { .. }
        | MinerEvent::MinerBanned { .. }
        | MinerEvent::MinerRoleChanged { .. }
        | MinerEvent::CircleInvitationReceived { .. }
        | MinerEvent::ReferralActivated { .. }
        | MinerEvent::ReferralDeactivated { .. } => true,
        // Milestones have an event of their own.
        MinerEvent::PointsMined(change) => change.source == HistorySource::Session,
        _ => false,
    }
}

impl Update for MinerUpdate {
    type Kind = Discriminant<MinerEvent>;
    const TOPIC: &'static str = "miner";
    const KEEP: usize = 64;

    fn kind(&self) -> Discriminant<MinerEvent> {
        discriminant(&self.event)
    }
}

/// An event with the user who receives it.
#[derive(Debug)]
pub struct Received {
    user: UserId,
    stored: Event,
    event: MinerEvent,
}

/// Events to publish.
#[derive(Debug)]
pub enum MinerChanges {
    /// These, with the users who receive them.
    Events(Vec<Received>),
    /// Those of the last `Duration` for these users.
    Missed(Duration, Vec<UserId>),
}

impl Topic for MinerTopic {
    type Subject = UserId;
    type Update = MinerUpdate;
    type Changes = MinerChanges;

    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<MinerChanges> {
        let events: Vec<_> = events
            .iter()
            .filter_map(received)
            .filter(|received| of.has(&received.user))
            .collect();
        (!events.is_empty()).then_some(MinerChanges::Events(events))
    }

    fn missed(&self, during: Duration, of: &SubscribersOf<Self>) -> Option<MinerChanges> {
        Some(MinerChanges::Missed(during, of.subjects()))
    }

    async fn read(&self, db: Db, changes: MinerChanges) -> Result<UpdatesOf<Self>, DbError> {
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
        let mut users: Vec<UserId> = events.iter().map(|received| received.user).collect();
        users.sort_unstable();
        users.dedup();
        let (miners, configuration) = db
            .read(async move |conn| {
                let miners = db::mining::miner::queries::miners_by_user(conn, &users).await?;
                Ok((miners, db::mining::configuration::in_force(conn).await?))
            })
            .await?;
        let configuration = Arc::new(configuration);
        let miners: HashMap<_, _> = miners
            .into_iter()
            .map(|seen| (seen.miner.id.user, Arc::new(seen)))
            .collect();
        let updates = events.into_iter().filter_map(|received| {
            let Received {
                user,
                stored,
                event,
            } = received;
            let update = MinerUpdate {
                event,
                sequence: stored.sequence,
                occurred_at: stored.occurred_at,
                miner: Arc::clone(miners.get(&user)?),
                configuration: Arc::clone(&configuration),
            };
            Some((user, update))
        });
        Ok(updates.collect())
    }
}

/// The event with its receiver; `None` for events that subscribers don't receive.
fn received(stored: &Event) -> Option<Received> {
    if stored.subject_kind != "miner" {
        return None;
    }
    let user = UserId(stored.audience_id?);
    let event = stored.read::<MinerEvent>()?;
    is_published(&event).then(|| Received {
        user,
        stored: stored.clone(),
        event,
    })
}
