//! Mining's live updates.

use std::sync::Arc;

use async_graphql::resolver_utils::EnumType;
use async_graphql::{
    ComplexObject, Context, ID, Interface, Result as FieldResult, SimpleObject, Subscription,
};
use db::outbox::Event;
use domain::access::{Action, Principal, Relation};
use domain::ids::{CircleInvitationId, UserId};
use futures_util::Stream;
use serde_json::Value;

use super::live::{LeaderboardTopic, LeaderboardUpdate, MinerEventKind, MinerTopic, MinerUpdate};
use super::objects::{
    CircleInvitation, LeaderboardEntry, Miner, MinerRole, MinerStatus, RankPrecision,
};
use super::queries::places;
use crate::errors::ApiError;
use crate::events::events;
use crate::node::GlobalId;
use crate::plain::ReadyList;
use crate::request::Asked;
use crate::scalars::{DateTime, Decimal};

/// Mining's live updates.
#[derive(Default)]
pub struct MiningSubscription;

#[Subscription]
impl MiningSubscription {
    /// What happens to the caller's miner, or as staff to another one. Without a miner it stays open until one is
    /// registered. `sequence` never goes back, and skips what is not told. Requires: a signed-in user;
    /// with `minerId`, role SUPPORT, FINANCE or ADMIN.
    async fn miner_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Somebody else's miner; staff only.")] miner_id: Option<ID>,
    ) -> FieldResult<impl Stream<Item = FieldResult<MinerEvent>> + use<>> {
        let user = followed(ctx, miner_id).await?;
        let operation = ctx.shared_operation();
        // What happened before the read is not news, however late it is heard; and from the moment it follows, nothing is
        // left out. The other way round, what happened between the two would be.
        let now = operation.mining.load_one(user).await;
        let now = now.map_err(ApiError::from)?;
        let mut last = now.map_or(0, |seen| seen.miner.version);
        let news = operation
            .services
            .events
            .subscribers::<MinerTopic>()
            .subscribe(user);
        let event = move |news: Arc<MinerUpdate>| {
            if news.event.sequence <= last {
                return None;
            }
            let event = MinerEvent::of(&operation.caller.principal, &news)?;
            last = news.event.sequence;
            operation.judge_by(&news.configuration);
            Some(event)
        };
        Ok(events(news, event))
    }

    /// The leaderboard's first places, whenever they changed: the newest state, at most once a second. Public.
    #[expect(clippy::unused_async, reason = "the engine takes async functions only")]
    async fn leaderboard_updated(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many places, 1 to 100.", default = 100)] limit: Option<i32>,
    ) -> FieldResult<impl Stream<Item = FieldResult<LeaderboardEvent>> + use<>> {
        ctx.principal()
            .check(Action::MinerProfileRead, Relation::Others)
            .map_err(ApiError::from)?;
        let places = places(limit)?;
        let operation = ctx.shared_operation();
        let news = operation
            .services
            .events
            .subscribers::<LeaderboardTopic>()
            .subscribe(());
        let mut last: Option<Arc<LeaderboardUpdate>> = None;
        let event = move |news: Arc<LeaderboardUpdate>| {
            let is_new = last
                .as_ref()
                .is_none_or(|last| news.at > last.at && news.differs(last, places));
            let event = is_new.then(|| LeaderboardEvent::of(&news, places))?;
            operation.judge_by(&news.configuration);
            last = Some(news);
            Some(event)
        };
        Ok(events(news, event))
    }
}

/// The leaderboard's first places, after they changed.
#[derive(SimpleObject)]
pub struct LeaderboardEvent {
    /// From the first place down.
    pub entries: ReadyList<LeaderboardEntry>,
    /// When they were read. It never goes back.
    pub occurred_at: DateTime,
}

impl LeaderboardEvent {
    fn of(news: &LeaderboardUpdate, places: usize) -> Self {
        let entries = (1..)
            .zip(news.top.iter().take(places))
            .map(|(rank, seen)| LeaderboardEntry::of(rank, RankPrecision::Exact, Arc::clone(seen)));
        Self {
            entries: ReadyList(entries.collect()),
            occurred_at: news.at.into(),
        }
    }
}

/// Whom a subscription follows, if the caller may.
async fn followed(ctx: &Context<'_>, miner_id: Option<ID>) -> Result<UserId, ApiError> {
    let Some(id) = miner_id else {
        ctx.principal().check(Action::MinerFollow, Relation::Own)?;
        let person = ctx.principal().person();
        return Ok(person.ok_or(domain::access::Denied::Forbidden)?.id);
    };
    let GlobalId::Miner(id) = GlobalId::decode(&id)? else {
        return Err(ApiError::bad_input(
            "this is the id of something else than a miner",
        ));
    };
    let user = ctx
        .operation()
        .mining
        .load_one(id)
        .await?
        .map(|seen| seen.miner.user_id);
    let own = ctx
        .principal()
        .person()
        .is_some_and(|person| Some(person.id) == user);
    ctx.principal().check(Action::MinerFollow, own.into())?;
    user.ok_or_else(|| ApiError::new(crate::errors::Code::NotFound, "there is no such miner"))
}

/// Something that happened to a miner.
#[derive(Interface)]
#[graphql(
    field(name = "miner", ty = "&Miner", desc = "The miner after it."),
    field(
        name = "sequence",
        ty = "&i32",
        desc = "The miner's own version: it never goes back, and skips what is not told."
    ),
    field(name = "occurred_at", ty = "&DateTime", desc = "When.")
)]
pub enum MinerEvent {
    /// A session began.
    Started(MiningSessionStarted),
    /// Points were paid.
    Points(PointsUpdated),
    /// The first day of a streak's tier was reached.
    Milestone(StreakMilestoneReached),
    /// A streak was lost.
    Broken(StreakBroken),
    /// Somebody they referred began to count.
    Referral(ReferralActivated),
    /// They were suspended, restored or banned.
    Status(MinerStatusChanged),
    /// They are something else to the platform.
    Role(MinerRoleChanged),
    /// Somebody they referred counts no more.
    ReferralOff(ReferralDeactivated),
    /// A broken streak was recovered.
    Recovered(StreakRecovered),
    /// Points were corrected.
    Adjusted(PointsAdjusted),
    /// A session ran to its end.
    Completed(MiningSessionCompleted),
    /// A session was not claimed in time, or a ban ended it.
    Expired(MiningSessionExpired),
    /// They were invited into a circle.
    Invitation(CircleInvitationReceived),
}

/// A session began.
#[derive(SimpleObject)]
pub struct MiningSessionStarted {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// When the session is complete.
    pub ends_at: DateTime,
    /// Points an hour, fixed for the session.
    pub hourly_rate: Decimal,
}

/// Points were paid for a session.
#[derive(SimpleObject)]
pub struct PointsUpdated {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// The session's reward, in points.
    pub earned_points: Decimal,
    /// Lifetime points after, in points.
    pub total_points: Decimal,
    /// Days of the streak after.
    pub streak_days: i32,
}

/// The first day of a streak's tier was reached.
#[derive(SimpleObject)]
pub struct StreakMilestoneReached {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// The tier's first day.
    pub streak_days: i32,
    /// What it paid, in points.
    pub bonus_points: Decimal,
}

/// A streak was lost.
#[derive(SimpleObject)]
pub struct StreakBroken {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// Days of the run that was lost.
    pub lost_days: i32,
}

/// Somebody they referred began to count.
#[derive(SimpleObject)]
pub struct ReferralActivated {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// What the referral adds to the rate, as a share: `"0.2500"` is 25 %.
    pub bonus_rate: Decimal,
}

/// A miner was suspended, restored or banned.
#[derive(SimpleObject)]
pub struct MinerStatusChanged {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// Whether they might mine before.
    pub previous_status: MinerStatus,
    /// Whether they may mine from then on.
    pub new_status: MinerStatus,
}

/// A miner's role changed: by facts, or by a grant.
#[derive(SimpleObject)]
pub struct MinerRoleChanged {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// What they were to the platform before.
    pub previous_role: MinerRole,
    /// What they are from then on.
    pub new_role: MinerRole,
}

/// Somebody they referred counts no more, because they were suspended or banned.
#[derive(SimpleObject)]
pub struct ReferralDeactivated {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// What the referral added to the rate, as a share: `"0.2500"` is 25 %.
    pub bonus_rate: Decimal,
}

/// A broken streak was recovered.
#[derive(SimpleObject)]
pub struct StreakRecovered {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// Days of the run that was added.
    pub recovered_days: i32,
    /// Days of the streak after.
    pub streak_days: i32,
    /// What it cost, in points.
    pub cost: Decimal,
}

/// An administrator corrected points.
#[derive(SimpleObject)]
pub struct PointsAdjusted {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    /// By how many points; negative for what was taken.
    pub points: Decimal,
    /// Lifetime points after, in points.
    pub total_points: Decimal,
}

/// A session ran to its end: it waits to be claimed.
#[derive(SimpleObject)]
pub struct MiningSessionCompleted {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When it was written down; the session's own `endsAt` says when it ended.
    pub occurred_at: DateTime,
    /// When it ended.
    pub ended_at: DateTime,
}

/// A session was not claimed in time, or a ban ended it.
#[derive(SimpleObject)]
pub struct MiningSessionExpired {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When it was written down.
    pub occurred_at: DateTime,
    /// When it ended.
    pub ended_at: DateTime,
}

/// A miner was invited into a circle.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CircleInvitationReceived {
    /// The miner after it.
    pub miner: Miner,
    /// The miner's own version.
    pub sequence: i32,
    /// When.
    pub occurred_at: DateTime,
    #[graphql(skip)]
    invitation_id: CircleInvitationId,
}

#[ComplexObject]
impl CircleInvitationReceived {
    /// The invitation as it is by now.
    async fn invitation(&self, ctx: &Context<'_>) -> Option<Result<CircleInvitation, ApiError>> {
        CircleInvitation::load(ctx, self.invitation_id)
            .await
            .transpose()
    }
}

impl MinerEvent {
    /// The event as subscribers see it; none for who may not see it any more.
    fn of(principal: &Principal, news: &MinerUpdate) -> Option<Self> {
        let event = &news.event;
        let miner = Miner::for_principal(principal, news.miner.clone())?;
        let sequence = i32::try_from(event.sequence).unwrap_or(i32::MAX);
        let occurred_at = event.occurred_at.into();
        Some(match news.kind {
            MinerEventKind::SessionStarted => Self::Started(MiningSessionStarted {
                miner,
                sequence,
                occurred_at,
                ends_at: moment(event, "endsAt")?,
                hourly_rate: decimal(event, "hourlyRate")?,
            }),
            MinerEventKind::SessionPaid => Self::Points(PointsUpdated {
                miner,
                sequence,
                occurred_at,
                earned_points: decimal(event, "points")?,
                total_points: decimal(event, "totalPoints")?,
                streak_days: number(event, "streakDays")?,
            }),
            MinerEventKind::MilestoneReached => Self::Milestone(StreakMilestoneReached {
                miner,
                sequence,
                occurred_at,
                streak_days: number(event, "streakDays")?,
                bonus_points: decimal(event, "bonusPoints")?,
            }),
            MinerEventKind::StreakBroken => Self::Broken(StreakBroken {
                miner,
                sequence,
                occurred_at,
                lost_days: number(event, "lostDays")?,
            }),
            MinerEventKind::ReferralActivated => Self::Referral(ReferralActivated {
                miner,
                sequence,
                occurred_at,
                bonus_rate: decimal(event, "bonusRate")?,
            }),
            MinerEventKind::StatusChanged => Self::Status(MinerStatusChanged {
                miner,
                sequence,
                occurred_at,
                previous_status: value(event, "previousStatus")?,
                new_status: value(event, "newStatus")?,
            }),
            MinerEventKind::RoleChanged => Self::Role(MinerRoleChanged {
                miner,
                sequence,
                occurred_at,
                previous_role: value(event, "previousRole")?,
                new_role: value(event, "newRole")?,
            }),
            MinerEventKind::StreakRecovered => Self::Recovered(StreakRecovered {
                miner,
                sequence,
                occurred_at,
                recovered_days: number(event, "recoveredDays")?,
                streak_days: number(event, "streakDays")?,
                cost: decimal(event, "cost")?,
            }),
            MinerEventKind::PointsAdjusted => Self::Adjusted(PointsAdjusted {
                miner,
                sequence,
                occurred_at,
                points: decimal(event, "points")?,
                total_points: decimal(event, "totalPoints")?,
            }),
            MinerEventKind::SessionCompleted => Self::Completed(MiningSessionCompleted {
                miner,
                sequence,
                occurred_at,
                ended_at: moment(event, "endsAt")?,
            }),
            MinerEventKind::SessionExpired => Self::Expired(MiningSessionExpired {
                miner,
                sequence,
                occurred_at,
                ended_at: moment(event, "endsAt")?,
            }),
            MinerEventKind::ReferralDeactivated => Self::ReferralOff(ReferralDeactivated {
                miner,
                sequence,
                occurred_at,
                bonus_rate: decimal(event, "bonusRate")?,
            }),
            MinerEventKind::InvitationReceived => Self::Invitation(CircleInvitationReceived {
                miner,
                sequence,
                occurred_at,
                invitation_id: CircleInvitationId(text(event, "invitationId")?.parse().ok()?),
            }),
        })
    }
}

fn text<'e>(event: &'e Event, field: &str) -> Option<&'e str> {
    event.payload.get(field).and_then(Value::as_str)
}

/// A value of an enum, by the name it has in the schema.
fn value<E: EnumType>(event: &Event, field: &str) -> Option<E> {
    let name = text(event, field)?;
    E::items()
        .iter()
        .find(|item| item.name == name)
        .map(|item| item.value)
}

fn moment(event: &Event, field: &str) -> Option<DateTime> {
    text(event, field)?.parse().ok().map(DateTime)
}

fn decimal(event: &Event, field: &str) -> Option<Decimal> {
    text(event, field)?.parse().ok().map(Decimal)
}

fn number(event: &Event, field: &str) -> Option<i32> {
    i32::try_from(event.payload.get(field)?.as_i64()?).ok()
}
