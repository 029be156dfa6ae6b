//! Root fields of Subscription about miners.

#![expect(dead_code, reason = "the engine derives a getter for each field")]

use std::sync::Arc;

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Context, Interface, Result as FieldResult, SimpleObject, Subscription};
use db::mining::MiningEvent;
use domain::access::{Action, Denied, Principal, Relation};
use domain::ids::{CircleInvitationId, ReferralId, SessionId, UserId};
use futures_util::Stream;

use super::leaderboard::{LeaderboardEntry, RankPrecision};
use super::objects::{Miner, MinerStatus, MiningHistorySource};
use super::profile::MinerRole;
use super::queries::places;
use crate::eager::ReadyList;
use crate::errors::{ApiError, Code};
use crate::events::events;
use crate::inputs::Limit;
use crate::mining::circle::objects::CircleInvitation;
use crate::mining::live::{LeaderboardTopic, LeaderboardUpdate, MinerTopic, MinerUpdate};
use crate::mining::loaders::MiningLoader;
use crate::mining::referral::objects::Referral;
use crate::mining::session::objects::MiningSession;
use crate::mining::whole;
use crate::node::{Id, NodeType};
use crate::request::OperationContext;
use crate::scalars::{BigInt, DateTime, Decimal};

/// Live updates of miners and of the leaderboard.
#[derive(Default)]
pub struct MinerSubscription;

#[Subscription]
impl MinerSubscription {
    /// Events of a miner. Without a miner the stream stays open until one is registered.
    async fn miner_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Miner to follow, for staff; null for the caller's own.")]
        miner_id: Option<Id<Miner>>,
    ) -> FieldResult<impl Stream<Item = FieldResult<MinerEvent>> + use<>> {
        let user = followed(ctx, miner_id).await?;
        let operation = ctx.shared_operation();
        // Reads the version, then subscribes: earlier events are not published, and none after the read is missed.
        let now = operation.loader::<MiningLoader>().load_one(user).await;
        let now = now.map_err(ApiError::from)?;
        let mut last = now.map_or(0, |seen| seen.miner.version);
        let subscribers = operation.services.events.subscribers::<MinerTopic>();
        let updates = subscribers.subscribe(user);
        let event = move |update: Arc<MinerUpdate>| {
            if update.sequence <= last {
                return None;
            }
            let event = MinerEvent::of(&operation.caller.principal, &update)?;
            last = update.sequence;
            operation.keep(&update.configuration);
            Some(event)
        };
        Ok(events(updates, event))
    }

    /// Leading places after they changed, at most one event a second.
    #[expect(clippy::unused_async, reason = "the engine takes async functions only")]
    async fn leaderboard_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of places, 1 to 100.",
            default_with = "Limit(Limit::DEFAULT)"
        )]
        limit: Limit,
    ) -> FieldResult<impl Stream<Item = FieldResult<LeaderboardEvent>> + use<>> {
        ctx.check_staff(Action::MinerProfileRead)?;
        let places = places(limit.0)?;
        let operation = ctx.shared_operation();
        let subscribers = operation.services.events.subscribers::<LeaderboardTopic>();
        let updates = subscribers.subscribe(());
        let mut last: Option<Arc<LeaderboardUpdate>> = None;
        let event = move |update: Arc<LeaderboardUpdate>| {
            let is_new = last
                .as_ref()
                .is_none_or(|last| update.at > last.at && update.differs(last, places));
            let event = is_new.then(|| LeaderboardEvent::of(&update, places))?;
            operation.keep(&update.configuration);
            last = Some(update);
            Some(event)
        };
        Ok(events(updates, event))
    }
}

/// The user whose miner is followed, if the caller may.
async fn followed(ctx: &Context<'_>, miner_id: Option<Id<Miner>>) -> Result<UserId, ApiError> {
    let principal = ctx.principal();
    let Some(id) = miner_id else {
        principal.check(Action::MinerFollow, Relation::Own)?;
        return Ok(principal.person().ok_or(Denied::Forbidden)?.id);
    };
    let seen = ctx.loader::<MiningLoader>().load_one(id.key).await?;
    let user = seen.map(|seen| seen.miner.user_id);
    let relation = user.map_or(Relation::Others, |user| principal.relation_to(user));
    principal.check(Action::MinerFollow, relation)?;
    user.ok_or_else(|| ApiError::new(Code::NotFound, "no miner has this id"))
}

/// Leading places after they changed.
#[derive(SimpleObject)]
pub struct LeaderboardEvent {
    /// Places from 1 downwards.
    pub entries: ReadyList<LeaderboardEntry>,
    /// Time the places were read; it never decreases.
    pub occurred_at: DateTime,
}

impl LeaderboardEvent {
    fn of(update: &LeaderboardUpdate, places: usize) -> Self {
        let entries = (1..)
            .zip(update.top.iter().take(places))
            .map(|(rank, seen)| LeaderboardEntry::of(rank, RankPrecision::Exact, Arc::clone(seen)));
        Self {
            entries: ReadyList(entries.collect()),
            occurred_at: update.at.into(),
        }
    }
}

/// Event of a miner.
#[derive(Interface)]
#[graphql(
    field(name = "miner", ty = "&Miner", desc = "The miner as it is now."),
    field(name = "occurred_at", ty = "&DateTime", desc = "Time of the event."),
    field(
        name = "sequence",
        ty = "&BigInt",
        desc = "Version of the miner after the event. It never decreases; a gap means that events were merged."
    )
)]
pub enum MinerEvent {
    /// Session was started.
    MiningSessionStarted(MiningSessionStarted),
    /// Session ran to its end and can be claimed.
    MiningSessionCompleted(MiningSessionCompleted),
    /// Session was not claimed in time or ended by a ban.
    MiningSessionExpired(MiningSessionExpired),
    /// Lifetime points changed by a claim or an adjustment.
    PointsUpdated(PointsUpdated),
    /// First day of a streak tier was reached.
    StreakMilestoneReached(StreakMilestoneReached),
    /// Streak was lost.
    StreakBroken(StreakBroken),
    /// Broken streak was recovered.
    StreakRecovered(StreakRecovered),
    /// Miner was suspended, restored or banned.
    MinerStatusChanged(MinerStatusChanged),
    /// The role changed: by referrals or circle membership, or by an administrator.
    MinerRoleChanged(MinerRoleChanged),
    /// Miner was invited into a circle.
    CircleInvitationReceived(CircleInvitationReceived),
    /// Referral of the miner became active.
    ReferralActivated(ReferralActivated),
    /// Referral of the miner became inactive.
    ReferralDeactivated(ReferralDeactivated),
}

/// Declares events of a miner: the common fields and their own; `loads` an object when it is selected.
macro_rules! miner_events {
    ($($(#[$doc:meta])* $event:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $event {
            /// The miner as it is now.
            pub miner: Miner,
            /// Time of the event.
            pub occurred_at: DateTime,
            /// Version of the miner after the event. It never decreases; a gap means that events were merged.
            pub sequence: BigInt,
            $($(#[$field_doc])* pub $field: $type,)*
        }
    )+};
}

/// As [`miner_events`], for events with an object that is loaded when it is selected.
macro_rules! object_events {
    ($($(#[$doc:meta])* $event:ident { $(#[$field_doc:meta])* $field:ident: $type:ident by $key:ident })+) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        #[graphql(complex)]
        pub struct $event {
            /// The miner as it is now.
            pub miner: Miner,
            /// Time of the event.
            pub occurred_at: DateTime,
            /// Version of the miner after the event. It never decreases; a gap means that events were merged.
            pub sequence: BigInt,
            #[graphql(skip)]
            key: $key,
        }

        #[async_graphql::ComplexObject]
        impl $event {
            $(#[$field_doc])*
            async fn $field(&self, ctx: &Context<'_>) -> Option<Result<$type, ApiError>> {
                $type::load(ctx, self.key).await.transpose()
            }
        }
    )+};
}

miner_events! {
    /// Session was started.
    MiningSessionStarted {
        /// Time the session is completed.
        ends_at: DateTime,
        /// Points an hour, fixed for the session.
        hourly_rate: Decimal,
    }
    /// Lifetime points changed by a claim or an adjustment.
    PointsUpdated {
        /// Points added, negative when taken, without milestone points.
        points_earned: Decimal,
        /// Cause of the change.
        source: MiningHistorySource,
        /// Days of the streak after the event.
        streak_days: i32,
        /// Lifetime points after the event.
        total_mined_points: Decimal,
    }
    /// First day of a streak tier was reached.
    StreakMilestoneReached {
        /// Points paid.
        milestone_points: Decimal,
        /// First day of the tier.
        streak_days: i32,
    }
    /// Streak was lost.
    StreakBroken {
        /// Days of the lost run.
        lost_days: i32,
    }
    /// Broken streak was recovered.
    StreakRecovered {
        /// Days that the recovery added to the streak.
        recovered_days: i32,
        /// Days of the streak after the event.
        streak_days: i32,
    }
    /// Miner was suspended, restored or banned.
    MinerStatusChanged {
        /// Status before the event.
        previous_status: MinerStatus,
        /// Status after the event.
        status: MinerStatus,
    }
    /// The role changed: by referrals or circle membership, or by an administrator.
    MinerRoleChanged {
        /// Role before the event.
        previous_role: MinerRole,
        /// Role after the event.
        role: MinerRole,
    }
}

object_events! {
    /// Session ran to its end and can be claimed.
    MiningSessionCompleted {
        /// The session.
        session: MiningSession by SessionId
    }
    /// Session was not claimed in time or ended by a ban.
    MiningSessionExpired {
        /// The session.
        session: MiningSession by SessionId
    }
    /// Miner was invited into a circle.
    CircleInvitationReceived {
        /// The invitation.
        invitation: CircleInvitation by CircleInvitationId
    }
    /// Referral of the miner became active.
    ReferralActivated {
        /// The referral.
        referral: Referral by ReferralId
    }
    /// Referral of the miner became inactive.
    ReferralDeactivated {
        /// The referral.
        referral: Referral by ReferralId
    }
}

impl MinerEvent {
    /// The event for a subscriber; `None` if they may not see it any more.
    #[expect(clippy::too_many_lines, reason = "one arm per event")]
    fn of(principal: &Principal, update: &MinerUpdate) -> Option<Self> {
        use MiningEvent as Stored;
        let miner = Miner::for_principal(principal, Arc::clone(&update.miner))?;
        macro_rules! event {
            ($event:ident { $($field:ident: $value:expr),* $(,)? }) => {
                Self::$event($event {
                    miner,
                    occurred_at: DateTime(update.occurred_at),
                    sequence: BigInt(update.sequence),
                    $($field: $value),*
                })
            };
        }
        Some(match &update.event {
            Stored::MiningSessionStarted {
                ends_at,
                hourly_rate,
                ..
            } => event!(MiningSessionStarted {
                ends_at: (*ends_at).into(),
                hourly_rate: (*hourly_rate).into(),
            }),
            Stored::MiningSessionCompleted { session_id, .. } => {
                event!(MiningSessionCompleted {
                    key: SessionId(*session_id)
                })
            }
            Stored::MiningSessionExpired { session_id, .. } => {
                event!(MiningSessionExpired {
                    key: SessionId(*session_id)
                })
            }
            Stored::PointsMined {
                points,
                source,
                streak_days,
                total_points,
                ..
            }
            | Stored::PointsAdjusted {
                points,
                source,
                streak_days,
                total_points,
                ..
            } => {
                event!(PointsUpdated {
                    points_earned: (*points).into(),
                    source: named(source)?,
                    streak_days: whole(*streak_days),
                    total_mined_points: (*total_points).into(),
                })
            }
            Stored::StreakMilestoneReached {
                streak_days,
                bonus_points,
                ..
            } => {
                event!(StreakMilestoneReached {
                    milestone_points: (*bonus_points).into(),
                    streak_days: whole(*streak_days),
                })
            }
            Stored::StreakBroken { lost_days, .. } => {
                event!(StreakBroken {
                    lost_days: whole(*lost_days)
                })
            }
            Stored::StreakRecovered {
                recovered_days,
                streak_days,
                ..
            } => event!(StreakRecovered {
                recovered_days: whole(*recovered_days),
                streak_days: whole(*streak_days),
            }),
            Stored::MinerSuspended {
                previous_status,
                new_status,
                ..
            }
            | Stored::MinerRestored {
                previous_status,
                new_status,
                ..
            }
            | Stored::MinerBanned {
                previous_status,
                new_status,
                ..
            } => event!(MinerStatusChanged {
                previous_status: named(previous_status)?,
                status: named(new_status)?,
            }),
            Stored::MinerRoleChanged {
                previous_role,
                new_role,
                ..
            } => event!(MinerRoleChanged {
                previous_role: named(previous_role)?,
                role: named(new_role)?,
            }),
            Stored::CircleInvitationReceived { invitation_id, .. } => {
                event!(CircleInvitationReceived {
                    key: CircleInvitationId(*invitation_id)
                })
            }
            Stored::ReferralActivated { referral_id, .. } => {
                event!(ReferralActivated {
                    key: ReferralId(*referral_id)
                })
            }
            Stored::ReferralDeactivated { referral_id, .. } => {
                event!(ReferralDeactivated {
                    key: ReferralId(*referral_id)
                })
            }
            // The topic publishes no others.
            _ => return None,
        })
    }
}

/// The value of an enum that a stored event names; logged when there is none.
fn named<E: EnumType>(name: &str) -> Option<E> {
    let mut items = E::items().iter();
    let item = items.find(|item| item.name == name);
    if item.is_none() {
        tracing::error!(
            name,
            "An event names {name}, which the schema does not have"
        );
    }
    item.map(|item| item.value)
}
