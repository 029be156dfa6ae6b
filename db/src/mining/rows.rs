//! Mining's tables as structs.

use chrono::TimeDelta;
use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Timestamptz;
use diesel::{
    AppearsOnTable, AsChangeset, Expression, Insertable, QueryResult, Queryable, Selectable,
    SelectableExpression,
};
use domain::ids::{CircleId, HistoryId, MinerId, ReferralId, SessionId, UserId};
use domain::mining::{
    Bps, BrokenRun, Due, HistoryEntry, HistorySource, Miner, MinerStatus, Rate, RatePerHour,
    ReferralCode, ReferralStatus, Role, Session, SessionState, SessionStatus, Streak,
};
use domain::money::Minor;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::DbError;
use crate::schema::{miners, mining_history, mining_sessions, referrals};
use crate::text::{Text as _, texts};

texts!(Role { Pioneer = "PIONEER", Contributor = "CONTRIBUTOR", Ambassador = "AMBASSADOR", NodeOperator = "NODE_OPERATOR" });
texts!(MinerStatus { Active = "ACTIVE", Suspended = "SUSPENDED", Banned = "BANNED" });
texts!(SessionStatus { Active = "ACTIVE", Completed = "COMPLETED", Claimed = "CLAIMED", Expired = "EXPIRED" });
texts!(ReferralStatus { Pending = "PENDING", Active = "ACTIVE", Inactive = "INACTIVE" });
texts!(HistorySource { Session = "SESSION", StreakMilestone = "STREAK_MILESTONE", Adjustment = "ADJUSTMENT", StreakRecovery = "STREAK_RECOVERY" });

/// A miner as read at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinerSeen {
    /// The miner.
    pub miner: Miner,
    /// What others call them.
    pub display_name: String,
    /// The system's time when they were read.
    pub at: Timestamp,
}

/// What others see of a miner, but for the streak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub id: MinerId,
    /// What others call them.
    pub display_name: String,
    /// What they are to the platform.
    pub role: Role,
    /// All points ever mined.
    pub lifetime_points: Minor,
}

/// Who brought whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Its id.
    pub id: ReferralId,
    /// Who brought.
    pub referrer_id: MinerId,
    /// Whom.
    pub referred_id: MinerId,
    /// The code that was given.
    pub code: String,
    /// What it adds to the referrer's rate while it is active.
    pub bonus: Bps,
    /// Whether it counts.
    pub status: ReferralStatus,
    /// When the code was given.
    pub created_at: Timestamp,
    /// When it first counted.
    pub activated_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, diesel::QueryableByName)]
#[diesel(table_name = referrals, check_for_backend(diesel::pg::Pg))]
pub(super) struct ReferralRow {
    id: Uuid,
    referrer_id: Uuid,
    referred_id: Uuid,
    referral_code: String,
    bonus_bps: i32,
    status: String,
    created_at: Timestamp,
    activated_at: Option<Timestamp>,
}

impl TryFrom<ReferralRow> for Referral {
    type Error = DbError;

    fn try_from(row: ReferralRow) -> Result<Self, DbError> {
        Ok(Self {
            id: ReferralId(row.id),
            referrer_id: MinerId(row.referrer_id),
            referred_id: MinerId(row.referred_id),
            code: row.referral_code,
            bonus: Bps(row.bonus_bps),
            status: ReferralStatus::read("referrals", "status", &row.status)?,
            created_at: row.created_at,
            activated_at: row.activated_at,
        })
    }
}

/// A session as read at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSeen {
    /// The session.
    pub session: Session,
    /// The system's time when it was read.
    pub at: Timestamp,
}

/// The system's time, read once per statement and not once per row.
///
/// A type of its own, because diesel prepares statements with literal SQL anew each time.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct ReadAt;

impl Expression for ReadAt {
    type SqlType = Timestamptz;
}

impl QueryFragment<Pg> for ReadAt {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT app_now())");
        Ok(())
    }
}

impl<QS> AppearsOnTable<QS> for ReadAt {}
impl<QS> SelectableExpression<QS> for ReadAt {}
impl<GB> ValidGrouping<GB> for ReadAt {
    type IsAggregate = is_aggregate::Never;
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = miners, check_for_backend(diesel::pg::Pg))]
pub(in crate::mining) struct MinerRow {
    id: Uuid,
    user_id: Uuid,
    role: String,
    status: String,
    lifetime_points: i64,
    current_streak: i32,
    longest_streak: i32,
    last_claim_at: Option<Timestamp>,
    streak_since: Option<Timestamp>,
    streak_due_at: Option<Timestamp>,
    previous_since: Option<Timestamp>,
    previous_due_at: Option<Timestamp>,
    freeze_tokens: i32,
    is_grace_period: bool,
    milestones_paid: Vec<i32>,
    broken_days: Option<i32>,
    broken_milestones_paid: Option<Vec<i32>>,
    broken_until: Option<Timestamp>,
    suspended_at: Option<Timestamp>,
    referral_code: String,
    referred_by: Option<Uuid>,
    circle_id: Option<Uuid>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<MinerRow> for Miner {
    type Error = DbError;

    fn try_from(row: MinerRow) -> Result<Self, DbError> {
        let days = |column, value: i32| {
            u32::try_from(value).map_err(|_| DbError::inconsistent("miners", column, row.id))
        };
        let all_days = |column, values: Vec<i32>| {
            values
                .into_iter()
                .map(|value| days(column, value))
                .collect::<Result<Vec<_>, _>>()
        };
        let broken = match (
            row.broken_days,
            row.broken_milestones_paid,
            row.broken_until,
        ) {
            (Some(lost), Some(paid), Some(recoverable_until)) => Some(BrokenRun {
                days: days("broken_days", lost)?,
                milestones_paid: all_days("broken_milestones_paid", paid)?,
                recoverable_until,
            }),
            _ => None,
        };
        Ok(Self {
            id: MinerId(row.id),
            user_id: UserId(row.user_id),
            role: Role::read("miners", "role", &row.role)?,
            status: MinerStatus::read("miners", "status", &row.status)?,
            lifetime_points: Minor(row.lifetime_points),
            streak: Streak {
                current: days("current_streak", row.current_streak)?,
                longest: days("longest_streak", row.longest_streak)?,
                last_claim: row.last_claim_at,
                due: row
                    .streak_since
                    .zip(row.streak_due_at)
                    .map(|(since, at)| Due { since, at }),
                previous_due: row
                    .previous_since
                    .zip(row.previous_due_at)
                    .map(|(since, at)| Due { since, at }),
                freeze_tokens: days("freeze_tokens", row.freeze_tokens)?,
                is_grace_period: row.is_grace_period,
                milestones_paid: all_days("milestones_paid", row.milestones_paid)?,
                broken,
                suspended_at: row.suspended_at,
            },
            referral_code: ReferralCode::parse(&row.referral_code)
                .ok_or_else(|| DbError::inconsistent("miners", "referral_code", row.id))?,
            referred_by: row.referred_by.map(MinerId),
            circle_id: row.circle_id.map(CircleId),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// What commands change of a miner.
#[derive(AsChangeset)]
#[diesel(table_name = miners, treat_none_as_null = true)]
pub(in crate::mining) struct MinerChange {
    lifetime_points: i64,
    current_streak: i32,
    longest_streak: i32,
    last_claim_at: Option<Timestamp>,
    streak_since: Option<Timestamp>,
    streak_due_at: Option<Timestamp>,
    previous_since: Option<Timestamp>,
    previous_due_at: Option<Timestamp>,
    freeze_tokens: i32,
    is_grace_period: bool,
    milestones_paid: Vec<i32>,
    broken_days: Option<i32>,
    broken_milestones_paid: Option<Vec<i32>>,
    broken_until: Option<Timestamp>,
    suspended_at: Option<Timestamp>,
    version: i64,
    updated_at: Timestamp,
}

impl MinerChange {
    pub(in crate::mining) fn of(
        lifetime_points: Minor,
        streak: &Streak,
        version: i64,
        now: Timestamp,
    ) -> Self {
        let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
        let all = |values: &[u32]| values.iter().copied().map(days).collect::<Vec<_>>();
        Self {
            lifetime_points: lifetime_points.0,
            current_streak: days(streak.current),
            longest_streak: days(streak.longest),
            last_claim_at: streak.last_claim,
            streak_since: streak.due.map(|due| due.since),
            streak_due_at: streak.due.map(|due| due.at),
            previous_since: streak.previous_due.map(|due| due.since),
            previous_due_at: streak.previous_due.map(|due| due.at),
            freeze_tokens: days(streak.freeze_tokens),
            is_grace_period: streak.is_grace_period,
            milestones_paid: all(&streak.milestones_paid),
            broken_days: streak.broken.as_ref().map(|broken| days(broken.days)),
            broken_milestones_paid: streak
                .broken
                .as_ref()
                .map(|broken| all(&broken.milestones_paid)),
            broken_until: streak
                .broken
                .as_ref()
                .map(|broken| broken.recoverable_until),
            suspended_at: streak.suspended_at,
            version,
            updated_at: now,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = mining_sessions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SessionRow {
    id: Uuid,
    miner_id: Uuid,
    status: String,
    started_at: Timestamp,
    ends_at: Timestamp,
    claim_window_hours: i32,
    base_rate: i64,
    role_bonus_bps: i32,
    circle_bonus_bps: i32,
    referral_bonus_bps: i32,
    streak_bonus_bps: i32,
    hourly_rate: i64,
    started_in_grace: bool,
    configuration_version: i32,
    claimed_at: Option<Timestamp>,
    points_earned: Option<i64>,
    streak_bonus: Option<i64>,
    referral_points: Option<i64>,
    expired_at: Option<Timestamp>,
    window_stopped_at: Option<Timestamp>,
    window_extension_microseconds: i64,
}

impl TryFrom<SessionRow> for Session {
    type Error = DbError;

    fn try_from(row: SessionRow) -> Result<Self, DbError> {
        let bad = |column| DbError::inconsistent("mining_sessions", column, row.id);
        let state = match SessionStatus::read("mining_sessions", "status", &row.status)? {
            SessionStatus::Active => SessionState::Active,
            SessionStatus::Completed => SessionState::Completed,
            SessionStatus::Claimed => SessionState::Claimed {
                at: row.claimed_at.ok_or_else(|| bad("claimed_at"))?,
                points_earned: row
                    .points_earned
                    .map(Minor)
                    .ok_or_else(|| bad("points_earned"))?,
                streak_bonus: row
                    .streak_bonus
                    .map(Minor)
                    .ok_or_else(|| bad("streak_bonus"))?,
                referral_points: row
                    .referral_points
                    .map(Minor)
                    .ok_or_else(|| bad("referral_points"))?,
            },
            SessionStatus::Expired => SessionState::Expired {
                at: row.expired_at.ok_or_else(|| bad("expired_at"))?,
            },
        };
        Ok(Self {
            id: SessionId(row.id),
            miner_id: MinerId(row.miner_id),
            started_at: row.started_at,
            ends_at: row.ends_at,
            claim_window_hours: u32::try_from(row.claim_window_hours)
                .map_err(|_| bad("claim_window_hours"))?,
            window_stopped_at: row.window_stopped_at,
            window_extension: TimeDelta::microseconds(row.window_extension_microseconds),
            rate: Rate {
                base: RatePerHour(row.base_rate),
                role: Bps(row.role_bonus_bps),
                circle: Bps(row.circle_bonus_bps),
                referral: Bps(row.referral_bonus_bps),
                streak: Bps(row.streak_bonus_bps),
            },
            hourly_rate: RatePerHour(row.hourly_rate),
            started_in_grace: row.started_in_grace,
            configuration_version: row.configuration_version,
            state,
        })
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let mut row = Self {
            id: session.id.0,
            miner_id: session.miner_id.0,
            status: SessionStatus::Active.text().to_owned(),
            started_at: session.started_at,
            ends_at: session.ends_at,
            claim_window_hours: i32::try_from(session.claim_window_hours).unwrap_or(i32::MAX),
            base_rate: session.rate.base.0,
            role_bonus_bps: session.rate.role.0,
            circle_bonus_bps: session.rate.circle.0,
            referral_bonus_bps: session.rate.referral.0,
            streak_bonus_bps: session.rate.streak.0,
            hourly_rate: session.hourly_rate.0,
            started_in_grace: session.started_in_grace,
            configuration_version: session.configuration_version,
            claimed_at: None,
            points_earned: None,
            streak_bonus: None,
            referral_points: None,
            expired_at: None,
            window_stopped_at: session.window_stopped_at,
            window_extension_microseconds: window_extension(session),
        };
        let status = match &session.state {
            SessionState::Active => SessionStatus::Active,
            SessionState::Completed => SessionStatus::Completed,
            SessionState::Claimed {
                at,
                points_earned,
                streak_bonus,
                referral_points,
            } => {
                row.claimed_at = Some(*at);
                row.points_earned = Some(points_earned.0);
                row.streak_bonus = Some(streak_bonus.0);
                row.referral_points = Some(referral_points.0);
                SessionStatus::Claimed
            }
            SessionState::Expired { at } => {
                row.expired_at = Some(*at);
                SessionStatus::Expired
            }
        };
        status.text().clone_into(&mut row.status);
        row
    }
}

/// The claim window's extension as it is stored.
pub(in crate::mining) fn window_extension(session: &Session) -> i64 {
    session
        .window_extension
        .num_microseconds()
        .unwrap_or(i64::MAX)
}

#[derive(Queryable, Selectable, Insertable, diesel::QueryableByName)]
#[diesel(table_name = mining_history, check_for_backend(diesel::pg::Pg))]
pub(crate) struct HistoryRow {
    id: Uuid,
    miner_id: Uuid,
    points: i64,
    source: String,
    session_id: Option<Uuid>,
    earned_at: Timestamp,
    hourly_rate: i64,
    streak_days: i32,
}

impl TryFrom<HistoryRow> for HistoryEntry {
    type Error = DbError;

    fn try_from(row: HistoryRow) -> Result<Self, DbError> {
        Ok(Self {
            id: HistoryId(row.id),
            miner_id: MinerId(row.miner_id),
            points: Minor(row.points),
            source: HistorySource::read("mining_history", "source", &row.source)?,
            session_id: row.session_id.map(SessionId),
            earned_at: row.earned_at,
            hourly_rate: RatePerHour(row.hourly_rate),
            streak_days: u32::try_from(row.streak_days)
                .map_err(|_| DbError::inconsistent("mining_history", "streak_days", row.id))?,
        })
    }
}

impl From<&HistoryEntry> for HistoryRow {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            id: entry.id.0,
            miner_id: entry.miner_id.0,
            points: entry.points.0,
            source: entry.source.text().to_owned(),
            session_id: entry.session_id.map(|id| id.0),
            earned_at: entry.earned_at,
            hourly_rate: entry.hourly_rate.0,
            streak_days: i32::try_from(entry.streak_days).unwrap_or(i32::MAX),
        }
    }
}
