//! Mining's types. A `Miner` is for its owner and staff; everybody else sees a `MinerProfile`.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, OneofObject, SimpleObject};
use db::idempotency::Refused;
use db::mining::queries::{MinerFilter as Filter, MinerOrderField as OrderField};
use db::mining::{MinerSeen, SessionSeen};
use domain::access::{Action, Principal, Relation};
use domain::ids::{CircleId, MinerId, SessionId};
use domain::mining::{self as rules, Bps, Judgement, RatePerHour, SessionState};
use domain::money::CurrencyCode;
use uuid::Uuid;

use super::loaders::{HistoryOf, LatestSessionOf, MembersOf, RateFactsOf};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::paging::{PageArgs, Total, connection, encode};
use crate::request::{Asked, configuration};
use crate::scalars::{DateTime, Decimal};
use crate::wallets::objects::Wallet;

/// What a miner is to the platform: the highest role that facts or a grant give.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::Role")]
pub enum MinerRole {
    /// Everybody: no bonus.
    Pioneer,
    /// Member of a valid circle: +10 %.
    Contributor,
    /// Five or more active referrals: +25 %.
    Ambassador,
    /// Runs a node, granted by an administrator: +50 %.
    NodeOperator,
}

/// Whether a miner may mine.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::MinerStatus")]
pub enum MinerStatus {
    /// Yes.
    Active,
    /// Not for the time being.
    Suspended,
    /// Never again.
    Banned,
}

/// Where a session stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::SessionStatus")]
pub enum MiningSessionStatus {
    /// Runs.
    Active,
    /// Complete: waits to be claimed.
    Completed,
    /// Paid.
    Claimed,
    /// Not claimed in time, or ended by a ban.
    Expired,
}

/// Where a circle stands.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::CircleStatus")]
pub enum CircleStatus {
    /// Fewer than three members: no bonus yet.
    Incomplete,
    /// Three to five members: its members earn the bonus.
    Active,
    /// Ended for good.
    Disbanded,
}

/// Where a line of history came from.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "rules::HistorySource")]
pub enum MiningHistorySource {
    /// A claimed session.
    Session,
    /// The first day of a streak's tier.
    StreakMilestone,
    /// An administrator's correction.
    Adjustment,
    /// Payment for a recovered streak (negative).
    StreakRecovery,
}

/// What a moment means for a streak.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreakStatus {
    /// The next claim is not late, or there is nothing to lose.
    OnTime,
    /// Late: a claim now is forgiven, once.
    Grace,
    /// Late: a claim now uses freeze tokens.
    Frozen,
    /// Lost.
    Broken,
}

/// Somebody who mines: one per user, for its owner and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Miner {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Whose it is: the subject of their tokens.
    pub user_id: Uuid,
    /// What others call them.
    pub display_name: String,
    /// What they are to the platform.
    pub role: MinerRole,
    /// Whether they may mine.
    pub status: MinerStatus,
    /// All points ever mined, in points.
    pub total_mined_points: Decimal,
    /// The code by which others name them as referrer: 8 characters.
    pub referral_code: String,
    /// Days of the longest streak ever.
    pub longest_streak: i32,
    /// When they registered.
    pub created_at: DateTime,
    /// When they last changed.
    pub updated_at: DateTime,
    #[graphql(skip)]
    seen: MinerSeen,
}

impl Miner {
    /// The miner, if this principal may see all of it. There is no other way to make one.
    pub(crate) fn for_principal(principal: &Principal, seen: MinerSeen) -> Option<Self> {
        let own = principal
            .person()
            .is_some_and(|person| person.id == seen.miner.user_id);
        principal
            .may(Action::MinerRead, own.into())
            .then(|| Self::shown(seen))
    }

    /// The miner, if the caller may see all of it.
    pub(crate) fn of(ctx: &Context<'_>, seen: MinerSeen) -> Option<Self> {
        Self::for_principal(ctx.principal(), seen)
    }

    /// Loads a miner, if the caller may see all of it.
    pub(crate) async fn load(ctx: &Context<'_>, id: MinerId) -> Result<Option<Self>, ApiError> {
        let seen = ctx.operation().mining.load_one(id).await?;
        Ok(seen.and_then(|seen| Self::of(ctx, seen)))
    }

    fn shown(seen: MinerSeen) -> Self {
        let miner = &seen.miner;
        Self {
            id: GlobalId::Miner(miner.id),
            uuid: miner.id.0,
            user_id: miner.user_id.0,
            display_name: seen.display_name.clone(),
            role: miner.role.into(),
            status: miner.status.into(),
            total_mined_points: Decimal::points(miner.lifetime_points),
            referral_code: miner.referral_code.as_str().to_owned(),
            longest_streak: days(miner.streak.longest),
            created_at: miner.created_at.into(),
            updated_at: miner.updated_at.into(),
            seen,
        }
    }

    async fn rate_now(&self, ctx: &Context<'_>) -> Result<MiningRate, ApiError> {
        let configuration = configuration(ctx).await?;
        let facts = ctx
            .operation()
            .mining
            .load_one(RateFactsOf(self.seen.miner.id))
            .await?
            .ok_or_else(|| db::DbError::Unavailable("the miner is gone".to_owned()))?;
        let streak = self.seen.miner.streak.view(self.seen.at, &configuration);
        Ok(MiningRate::of(&rules::Rate::of(
            &facts,
            streak.days,
            &configuration,
        )))
    }

    async fn latest_session(&self, ctx: &Context<'_>) -> Result<Option<MiningSession>, ApiError> {
        let configuration = configuration(ctx).await?;
        let seen = ctx
            .operation()
            .mining
            .load_one(LatestSessionOf(self.seen.miner.id))
            .await?;
        Ok(seen.map(|seen| MiningSession::shown(&seen, &configuration)))
    }
}

#[ComplexObject]
impl Miner {
    /// What others see of them.
    async fn profile(&self) -> MinerProfile {
        MinerProfile::of(self.seen.clone())
    }

    /// Their rate at the moment, part by part.
    async fn rate(&self, ctx: &Context<'_>) -> Option<Result<MiningRate, ApiError>> {
        Some(self.rate_now(ctx).await)
    }

    /// Points an hour at the moment, with every bonus.
    async fn hourly_rate(&self, ctx: &Context<'_>) -> Option<Result<Decimal, ApiError>> {
        Some(self.rate_now(ctx).await.map(|rate| rate.total_rate))
    }

    /// Points a day at the moment, with every bonus.
    async fn daily_rate(&self, ctx: &Context<'_>) -> Option<Result<Decimal, ApiError>> {
        Some(self.rate_now(ctx).await.map(|rate| rate.daily_points))
    }

    /// Their newest session; null before the first.
    async fn session(&self, ctx: &Context<'_>) -> Option<Result<MiningSession, ApiError>> {
        self.latest_session(ctx).await.transpose()
    }

    /// Whether a session runs.
    async fn has_active_session(&self, ctx: &Context<'_>) -> Option<Result<bool, ApiError>> {
        let session = self.latest_session(ctx).await;
        Some(session.map(|session| {
            session.is_some_and(|session| session.status == MiningSessionStatus::Active)
        }))
    }

    /// When the newest session ends or ended, unless it was paid or has expired.
    async fn session_ends_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, ApiError>> {
        let open = self.latest_session(ctx).await.map(|session| {
            session
                .filter(|session| {
                    matches!(
                        session.status,
                        MiningSessionStatus::Active | MiningSessionStatus::Completed
                    )
                })
                .map(|session| session.ends_at)
        });
        open.transpose()
    }

    /// Their streak at the moment.
    async fn streak(&self, ctx: &Context<'_>) -> Option<Result<MiningStreak, ApiError>> {
        Some(
            configuration(ctx)
                .await
                .map(|configuration| MiningStreak::of(&self.seen, &configuration)),
        )
    }

    /// Days of the streak that count at the moment: 0 when it would be found broken.
    async fn current_streak(&self, ctx: &Context<'_>) -> Option<Result<i32, ApiError>> {
        Some(streak_days(ctx, &self.seen).await)
    }

    /// What the streak adds to the rate, as a share: `"0.2500"` is 25 %.
    async fn streak_bonus(&self, ctx: &Context<'_>) -> Option<Result<Decimal, ApiError>> {
        Some(configuration(ctx).await.map(|configuration| {
            share(
                self.seen
                    .miner
                    .streak
                    .view(self.seen.at, &configuration)
                    .bonus,
            )
        }))
    }

    /// Every change of their points, newest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many items from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "So many items from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<MiningHistoryConnection, ApiError>> {
        let args = PageArgs {
            first,
            last,
            after,
            before,
            offset: None,
        };
        Some(self.history_page(ctx, args).await)
    }

    /// The circle they are in; null without one.
    async fn circle(&self, ctx: &Context<'_>) -> Option<Result<Circle, ApiError>> {
        let id = self.seen.miner.circle_id?;
        // Whoever sees the whole miner is a member through them, or on the staff.
        if !ctx.may(Action::CircleRead, self.is_own(ctx)) {
            return None;
        }
        let circle = ctx.operation().mining.load_one(id).await;
        circle
            .map(|circle| circle.map(Circle::shown))
            .map_err(ApiError::from)
            .transpose()
    }

    /// Who brought them; null when nobody did.
    async fn referred_by(&self, ctx: &Context<'_>) -> Option<Result<MinerProfile, ApiError>> {
        MinerProfile::load(ctx, self.seen.miner.referred_by?)
            .await
            .transpose()
    }

    /// Their wallet of mining points.
    async fn wallet(&self, ctx: &Context<'_>) -> Option<Result<Wallet, ApiError>> {
        Wallet::load(ctx, self.seen.miner.user_id.into(), CurrencyCode::MP)
            .await
            .transpose()
    }
}

impl Miner {
    fn is_own(&self, ctx: &Context<'_>) -> bool {
        ctx.principal()
            .person()
            .is_some_and(|person| person.id == self.seen.miner.user_id)
    }

    async fn history_page(
        &self,
        ctx: &Context<'_>,
        args: PageArgs,
    ) -> Result<MiningHistoryConnection, ApiError> {
        const LIST: &str = "history";
        let id = self.seen.miner.id;
        let page = args.page(LIST)?;
        let slice = ctx
            .operation()
            .mining
            .load_one(HistoryOf(id, page))
            .await?
            .unwrap_or_default();
        let slice = slice.try_map(|entry| {
            let cursor = encode(LIST, &(entry.earned_at, entry.id.0));
            Ok::<_, ApiError>((cursor, MiningHistoryEntry::from(entry)))
        })?;
        Ok(MiningHistoryConnection::new(slice, Total::History(id)))
    }
}

/// What others see of a miner: in leaderboards, circles, invitations and referrals.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MinerProfile {
    /// Global id.
    pub id: GlobalId,
    /// What others call them.
    pub display_name: String,
    /// What they are to the platform.
    pub role: MinerRole,
    /// All points ever mined, in points.
    pub total_mined_points: Decimal,
    #[graphql(skip)]
    seen: MinerSeen,
}

impl MinerProfile {
    pub(crate) fn of(seen: MinerSeen) -> Self {
        Self {
            id: GlobalId::MinerProfile(seen.miner.id),
            display_name: seen.display_name.clone(),
            role: seen.miner.role.into(),
            total_mined_points: Decimal::points(seen.miner.lifetime_points),
            seen,
        }
    }

    /// Loads what the caller may see of anybody.
    pub(crate) async fn load(ctx: &Context<'_>, id: MinerId) -> Result<Option<Self>, ApiError> {
        if !ctx.may(Action::MinerProfileRead, Relation::Others) {
            return Ok(None);
        }
        Ok(ctx.operation().mining.load_one(id).await?.map(Self::of))
    }
}

#[ComplexObject]
impl MinerProfile {
    /// Days of the streak that count at the moment.
    async fn current_streak(&self, ctx: &Context<'_>) -> Option<Result<i32, ApiError>> {
        Some(streak_days(ctx, &self.seen).await)
    }

    /// The badge of the streak's tier; null without one.
    async fn badge(&self, ctx: &Context<'_>) -> Option<Result<String, ApiError>> {
        let badge = configuration(ctx).await.map(|configuration| {
            self.seen
                .miner
                .streak
                .view(self.seen.at, &configuration)
                .badge_name
        });
        badge.transpose()
    }
}

async fn streak_days(ctx: &Context<'_>, seen: &MinerSeen) -> Result<i32, ApiError> {
    let configuration = configuration(ctx).await?;
    Ok(days(seen.miner.streak.view(seen.at, &configuration).days))
}

/// Points an hour, part by part: `base × (1+role) × (1+circle) × (1+referral) × (1+streak)`, rounded half to even at
/// four decimals.
#[derive(SimpleObject)]
pub struct MiningRate {
    /// Points an hour before any bonus.
    pub base_rate: Decimal,
    /// What the role adds, as a share: `"0.1000"` is 10 %.
    pub role_multiplier: Decimal,
    /// What a valid circle adds, as a share.
    pub circle_bonus: Decimal,
    /// What active referrals add, as a share; capped.
    pub referral_bonus: Decimal,
    /// What the streak adds, as a share.
    pub streak_bonus: Decimal,
    /// Points an hour with every bonus.
    pub total_rate: Decimal,
    /// Points an hour with every bonus, under the name of the seed.
    pub hourly_points: Decimal,
    /// Points a day with every bonus.
    pub daily_points: Decimal,
}

impl MiningRate {
    fn of(rate: &rules::Rate) -> Self {
        let total = rate.total();
        Self {
            base_rate: per_hour(rate.base),
            role_multiplier: share(rate.role),
            circle_bonus: share(rate.circle),
            referral_bonus: share(rate.referral),
            streak_bonus: share(rate.streak),
            total_rate: per_hour(total),
            hourly_points: per_hour(total),
            daily_points: Decimal::points(total.daily()),
        }
    }
}

/// A streak: days in a row with a claim.
#[derive(SimpleObject)]
pub struct MiningStreak {
    /// Days that count at the moment: 0 when it would be found broken.
    pub current_streak: i32,
    /// Days of the longest streak ever.
    pub longest_streak: i32,
    /// What it adds to the rate, as a share: `"0.2500"` is 25 %.
    pub bonus_multiplier: Decimal,
    /// The badge of its tier; null without one.
    pub badge: Option<String>,
    /// What a claim at this moment would mean.
    pub status: StreakStatus,
    /// Until when the next claim is on time; null before the first session.
    pub due_at: Option<DateTime>,
    /// When a session was last claimed; null before the first claim.
    pub last_mining_at: Option<DateTime>,
    /// Missed days that can be bought off, 0 to 3.
    pub freeze_tokens: i32,
    /// Whether the last claim, or the start since, was forgiven as late.
    pub is_grace_period: bool,
    /// Days of the run before, while it can be recovered; null otherwise.
    pub recoverable_days: Option<i32>,
    /// Until when it can be recovered; null otherwise.
    pub recoverable_until: Option<DateTime>,
}

impl MiningStreak {
    fn of(seen: &MinerSeen, configuration: &rules::Configuration) -> Self {
        let streak = &seen.miner.streak;
        let view = streak.view(seen.at, configuration);
        let recoverable = streak
            .broken
            .as_ref()
            .filter(|broken| seen.at <= broken.recoverable_until);
        Self {
            current_streak: days(view.days),
            longest_streak: days(streak.longest),
            bonus_multiplier: share(view.bonus),
            badge: view.badge_name,
            status: match view.judgement {
                Judgement::OnTime => StreakStatus::OnTime,
                Judgement::Grace => StreakStatus::Grace,
                Judgement::Frozen { .. } => StreakStatus::Frozen,
                Judgement::Broken => StreakStatus::Broken,
            },
            due_at: streak.due.map(|due| due.at.into()),
            last_mining_at: streak.last_claim.map(DateTime),
            freeze_tokens: days(streak.freeze_tokens),
            is_grace_period: streak.is_grace_period,
            recoverable_days: recoverable.map(|broken| days(broken.days)),
            recoverable_until: recoverable.map(|broken| broken.recoverable_until.into()),
        }
    }
}

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

    fn shown(seen: &SessionSeen, configuration: &rules::Configuration) -> Self {
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
    MiningHistoryEntry
}

connection! {
    /// A page of miners.
    MinerConnection,
    /// One item of a page of miners.
    MinerEdge,
    Miner
}

/// A security circle: three to five people who vouch for each other. For its members and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Circle {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Where it stands.
    pub status: CircleStatus,
    /// Active members, the owner included.
    pub member_count: i32,
    /// 60, 80 and 100 at 3, 4 and 5 members, else 0.
    pub trust_score: i32,
    /// What it adds to its members' rates, as a share: `"0.2500"` is 25 %.
    pub bonus_multiplier: Decimal,
    /// Whether it has the members it takes.
    pub is_valid: bool,
    /// When it was made.
    pub created_at: DateTime,
    #[graphql(skip)]
    owner_id: MinerId,
    #[graphql(skip)]
    circle_id: CircleId,
}

impl Circle {
    /// Loads a circle, if the caller is a member or on the staff.
    pub(crate) async fn load(ctx: &Context<'_>, id: CircleId) -> Result<Option<Self>, ApiError> {
        let own = match ctx.principal().person() {
            Some(person) => {
                let miner = ctx.operation().mining.load_one(person.id).await?;
                miner.is_some_and(|seen| seen.miner.circle_id == Some(id))
            }
            None => false,
        };
        if !ctx.may(Action::CircleRead, own) {
            return Ok(None);
        }
        Ok(ctx.operation().mining.load_one(id).await?.map(Self::shown))
    }

    fn shown(circle: rules::Circle) -> Self {
        Self {
            id: GlobalId::Circle(circle.id),
            uuid: circle.id.0,
            status: circle.status.into(),
            member_count: days(circle.member_count),
            trust_score: circle.trust_score().into(),
            bonus_multiplier: share(circle.bonus()),
            is_valid: circle.is_valid(),
            created_at: circle.created_at.into(),
            owner_id: circle.owner_id,
            circle_id: circle.id,
            name: circle.name,
        }
    }
}

#[ComplexObject]
impl Circle {
    /// Who made it.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<MinerProfile, ApiError>> {
        MinerProfile::load(ctx, self.owner_id).await.transpose()
    }

    /// Its active members in the order they joined, the owner first: 5 at most.
    async fn members(&self, ctx: &Context<'_>) -> Option<Result<Vec<CircleMember>, ApiError>> {
        let members = ctx
            .operation()
            .mining
            .load_one(MembersOf(self.circle_id))
            .await;
        Some(members.map_err(ApiError::from).map(|members| {
            members
                .unwrap_or_default()
                .into_iter()
                .map(|member| CircleMember {
                    joined_at: member.joined_at.into(),
                    is_owner: member.miner_id == self.owner_id,
                    miner_id: member.miner_id,
                })
                .collect()
        }))
    }
}

/// Somebody's membership of a circle.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CircleMember {
    /// Since when.
    pub joined_at: DateTime,
    /// Whether they made the circle.
    pub is_owner: bool,
    #[graphql(skip)]
    miner_id: MinerId,
}

#[ComplexObject]
impl CircleMember {
    /// Who.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<MinerProfile, ApiError>> {
        MinerProfile::load(ctx, self.miner_id).await.transpose()
    }
}

/// The miners with the most points.
#[derive(SimpleObject)]
pub struct Leaderboard {
    /// From the first place down.
    pub entries: Vec<LeaderboardEntry>,
    /// The caller's own place; null for anonymous callers and those who don't mine.
    pub viewer_entry: Option<LeaderboardEntry>,
}

/// A place on the leaderboard.
#[derive(SimpleObject)]
pub struct LeaderboardEntry {
    /// Which place, from 1; exact to 10,000.
    pub rank: i32,
    /// Whether `rank` is exact.
    pub rank_precision: crate::paging::CountPrecision,
    /// Who.
    pub miner: MinerProfile,
    /// All points ever mined, in points.
    pub total_mined_points: Decimal,
}

/// Names a miner, in one of the ways they are known.
#[derive(OneofObject)]
pub enum MinerBy {
    /// Global id.
    Id(ID),
    /// Key for the platform's other services.
    Uuid(Uuid),
    /// Whose it is.
    UserId(Uuid),
    /// Their referral code.
    Code(String),
}

/// Which miners to list.
#[derive(InputObject, Default)]
pub struct MinerFilter {
    /// A user id, a miner's key, or the beginning of a referral code; 100 characters at most.
    pub search: Option<String>,
    /// Only with this status.
    pub status: Option<MinerStatus>,
    /// Only with this role.
    pub role: Option<MinerRole>,
}

impl TryFrom<MinerFilter> for Filter {
    type Error = ApiError;

    fn try_from(filter: MinerFilter) -> Result<Self, ApiError> {
        if filter
            .search
            .as_ref()
            .is_some_and(|text| text.chars().count() > 100 || text.contains('\0'))
        {
            return Err(ApiError::bad_input(
                "`search` has at most 100 characters and no NUL",
            ));
        }
        Ok(Self {
            search: filter.search.filter(|text| !text.trim().is_empty()),
            status: filter.status.map(Into::into),
            role: filter.role.map(Into::into),
        })
    }
}

/// What to order miners by; ties by key.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "OrderField")]
pub enum MinerOrderField {
    /// When they registered.
    CreatedAt,
    /// Lifetime points.
    TotalMinedPoints,
}

/// Which way.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// An order of miners.
#[derive(InputObject)]
pub struct MinerOrder {
    /// By what.
    pub field: MinerOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// Why mining says no.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MiningErrorCode {
    /// The caller has no miner: register one.
    MinerNotFound,
    /// The miner is suspended.
    MinerSuspended,
    /// The miner is banned.
    MinerBanned,
    /// Mining is switched off for everybody.
    MiningDisabled,
    /// A session is running.
    SessionActive,
    /// A complete session waits to be claimed.
    SessionUnclaimed,
    /// As many sessions as allowed were started this UTC day.
    DailySessionLimit,
    /// There is no session to claim.
    SessionNotFound,
    /// The last session was claimed already.
    SessionAlreadyClaimed,
    /// The session still runs.
    SessionNotComplete,
    /// The session was not claimed in time.
    SessionExpired,
    /// No active miner has this referral code.
    ReferralCodeUnknown,
}

/// What a person can mend about a command of mining.
#[derive(SimpleObject, Clone, Debug)]
pub struct MiningUserError {
    /// For programs.
    pub code: MiningErrorCode,
    /// Path of the field of `input` it is about, if it is about one.
    pub field: Option<Vec<String>>,
    /// For people.
    pub message: String,
}

impl TryFrom<Refused> for MiningUserError {
    type Error = ApiError;

    fn try_from(refused: Refused) -> Result<Self, ApiError> {
        let code = <MiningErrorCode as async_graphql::resolver_utils::EnumType>::items()
            .iter()
            .find(|item| item.name == refused.code)
            .map(|item| item.value)
            .ok_or_else(|| {
                tracing::error!(code = refused.code, "Unknown refusal {}", refused.code);
                ApiError::new(
                    crate::errors::Code::InternalServerError,
                    "an unknown refusal",
                )
            })?;
        Ok(Self {
            code,
            field: refused.field,
            message: refused.message,
        })
    }
}

/// A share of a rate.
fn share(bonus: Bps) -> Decimal {
    Decimal(bonus.to_decimal())
}

/// Points an hour.
fn per_hour(rate: RatePerHour) -> Decimal {
    Decimal(rate.to_decimal())
}

/// Days and members, which never come near the limit of 32 bits.
pub(crate) fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}
