//! Root fields of Subscription about miners.

use async_graphql::{Interface, SimpleObject, Subscription};
use db::mining::{
    MinerEvent as Stored, PointsChanged, ReferralChanged, SessionEnded, StatusChanged,
};
use domain::access::Denied;
use futures_util::Stream;

use super::leaderboard::{LeaderboardEntry, RankPrecision};
use super::objects::{Miner, MinerStatus, MiningHistorySource};
use super::profile::MinerRole;
use super::queries::places;
use crate::events::events;
use crate::inputs::Limit;
use crate::mining::circle::objects::CircleInvitation;
use crate::mining::live::{LeaderboardTopic, LeaderboardUpdate, MinerTopic, MinerUpdate};
use crate::mining::loaders::MiningLoader;
use crate::mining::referral::objects::Referral;
use crate::mining::session::objects::MiningSession;
use crate::mining::whole;
use crate::object::used_getters;
use crate::prelude::*;

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
        #[graphql(desc = "Number of places, 1 to 100.", default_with = "Limit::usual()")]
        limit: Limit,
    ) -> FieldResult<impl Stream<Item = FieldResult<LeaderboardEvent>> + use<>> {
        ctx.check_staff(Action::MinerProfileRead)?;
        let places = places(limit.get()?)?;
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
async fn followed(ctx: &Context<'_>, miner_id: Option<Id<Miner>>) -> Result<UserId> {
    let principal = ctx.principal();
    let Some(id) = miner_id else {
        principal.check(Action::MinerFollow, Relation::Own)?;
        return Ok(principal.person().ok_or(Denied::Forbidden)?.id);
    };
    let seen = ctx.loader::<MiningLoader>().load_one(id.key).await?;
    let user = seen.map(|seen| seen.miner.id.user);
    let relation = user.map_or(Relation::Others, |user| principal.relation_to(user));
    principal.check(Action::MinerFollow, relation)?;
    user.ok_or_else(|| ApiError::new(Code::NotFound, "no miner has this id"))
}

object! {
    /// Leading places after they changed.
    LeaderboardEvent(update: &LeaderboardUpdate, places: usize) {
        let top = (1..).zip(update.top.iter().take(places));
        let entries = top.map(|(rank, seen)| LeaderboardEntry::of(rank, RankPrecision::Exact, Arc::clone(seen)));
        /// Places from 1 downwards.
        entries: ReadyList<LeaderboardEntry> = ReadyList(entries.collect()),
        /// Time the places were read; it never decreases.
        occurred_at: DateTime = update.at.into(),
    }
}

/// Declares the events of a miner: the miner's user where fields need it, the stored event, and the fields with their
/// values.
macro_rules! miner_events {
    ($($(#[$doc:meta])* $event:ident $(|$user:ident|)? ($stored:pat) {
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $value:expr,)+
    })+) => {
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
            $($(#[$doc])* $event($event)),+
        }

        impl MinerEvent {
            /// The event for a subscriber; `None` if they may not see it any more.
            fn of(principal: &Principal, update: &MinerUpdate) -> Option<Self> {
                let miner = Miner::for_principal(principal, Arc::clone(&update.miner))?;
                let user = update.miner.miner.id.user;
                let (occurred_at, sequence) = (DateTime(update.occurred_at), BigInt(update.sequence));
                Some(match update.event.clone() {
                    $($stored => {
                        $(let $user = user;)?
                        Self::$event($event { miner, occurred_at, sequence, $($field: $value),+ })
                    })+
                    // The topic publishes no others.
                    _ => return None,
                })
            }
        }

        $(
            $(#[$doc])*
            #[derive(SimpleObject)]
            pub struct $event {
                /// The miner as it is now.
                pub miner: Miner,
                /// Time of the event.
                pub occurred_at: DateTime,
                /// Version of the miner after the event. It never decreases; a gap means that events were merged.
                pub sequence: BigInt,
                $($(#[$field_doc])* pub $field: $type,)+
            }

            used_getters!($event: $($field),+);
        )+
    };
}

miner_events! {
    /// Session was started.
    MiningSessionStarted(Stored::MiningSessionStarted { ends_at, hourly_rate, .. }) {
        /// Time the session is completed.
        ends_at: DateTime = ends_at.into(),
        /// Points an hour, fixed for the session.
        hourly_rate: Decimal = hourly_rate.into(),
    }
    /// Session ran to its end and can be claimed.
    MiningSessionCompleted |user| (Stored::MiningSessionCompleted(SessionEnded { session_id, .. })) {
        /// The session.
        session: Edge<MiningSession> = Edge::to(SessionId { user, uuid: session_id }),
    }
    /// Session was not claimed in time or ended by a ban.
    MiningSessionExpired |user| (Stored::MiningSessionExpired(SessionEnded { session_id, .. })) {
        /// The session.
        session: Edge<MiningSession> = Edge::to(SessionId { user, uuid: session_id }),
    }
    /// Lifetime points changed by a claim or an adjustment.
    PointsUpdated(
        Stored::PointsMined(PointsChanged { points, source, streak_days, total_points, .. })
        | Stored::PointsAdjusted(PointsChanged { points, source, streak_days, total_points, .. })
    ) {
        /// Points added, negative when taken, without milestone points.
        points_earned: Decimal = points.into(),
        /// Cause of the change.
        source: MiningHistorySource = source.into(),
        /// Days of the streak after the event.
        streak_days: i32 = whole(streak_days),
        /// Lifetime points after the event.
        total_mined_points: Decimal = total_points.into(),
    }
    /// First day of a streak tier was reached.
    StreakMilestoneReached(Stored::StreakMilestoneReached { streak_days, bonus_points, .. }) {
        /// Points paid.
        milestone_points: Decimal = bonus_points.into(),
        /// First day of the tier.
        streak_days: i32 = whole(streak_days),
    }
    /// Streak was lost.
    StreakBroken(Stored::StreakBroken { lost_days, .. }) {
        /// Days of the lost run.
        lost_days: i32 = whole(lost_days),
    }
    /// Broken streak was recovered.
    StreakRecovered(Stored::StreakRecovered { recovered_days, streak_days, .. }) {
        /// Days that the recovery added to the streak.
        recovered_days: i32 = whole(recovered_days),
        /// Days of the streak after the event.
        streak_days: i32 = whole(streak_days),
    }
    /// Miner was suspended, restored or banned.
    MinerStatusChanged(
        Stored::MinerSuspended(StatusChanged { previous_status, new_status, .. })
        | Stored::MinerRestored(StatusChanged { previous_status, new_status, .. })
        | Stored::MinerBanned(StatusChanged { previous_status, new_status, .. })
    ) {
        /// Status before the event.
        previous_status: MinerStatus = previous_status.into(),
        /// Status after the event.
        status: MinerStatus = new_status.into(),
    }
    /// The role changed: by referrals or circle membership, or by an administrator.
    MinerRoleChanged(Stored::MinerRoleChanged { previous_role, new_role, .. }) {
        /// Role before the event.
        previous_role: MinerRole = previous_role.into(),
        /// Role after the event.
        role: MinerRole = new_role.into(),
    }
    /// Miner was invited into a circle.
    CircleInvitationReceived(Stored::CircleInvitationReceived { circle_id, invitation_id, .. }) {
        /// The invitation.
        invitation: Edge<CircleInvitation> = Edge::to([circle_id, invitation_id].into()),
    }
    /// Referral of the miner became active.
    ReferralActivated |user| (Stored::ReferralActivated(ReferralChanged { referral_id, .. })) {
        /// The referral.
        referral: Edge<Referral> = Edge::to(ReferralId { referrer: user, uuid: referral_id }),
    }
    /// Referral of the miner became inactive.
    ReferralDeactivated |user| (Stored::ReferralDeactivated(ReferralChanged { referral_id, .. })) {
        /// The referral.
        referral: Edge<Referral> = Edge::to(ReferralId { referrer: user, uuid: referral_id }),
    }
}
