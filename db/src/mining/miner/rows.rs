//! The tables `miners` and `mining_history` as structs.

use diesel::AsChangeset;
use domain::mining::{
    BrokenRun, Due, HistoryEntry, Miner, MinerStatus, RatePerHour, ReferralCode, Role, Streak,
};
use domain::money::Minor;

use crate::clock::ReadAt;
use crate::prelude::*;
use crate::schema::{miners, mining_history, users};

/// A miner with the moment it was read at.
#[derive(Clone, Debug, PartialEq, Eq, HasQuery)]
#[diesel(table_name = miners, base_query = miners::table.inner_join(users::table))]
pub struct MinerSeen {
    /// The miner.
    #[diesel(deserialize_as = MinerRow)]
    #[diesel(select_expression = <MinerRow as Selectable<Pg>>::construct_selection())]
    #[diesel(select_expression_type = <MinerRow as Selectable<Pg>>::SelectExpression)]
    pub miner: Miner,
    /// Name of the person.
    #[diesel(select_expression = users::display_name)]
    pub display_name: String,
    /// Time of the platform's clock when it was read.
    #[diesel(select_expression = ReadAt)]
    pub at: Timestamp,
}

/// Public view of a miner without its streak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Id of the miner.
    pub id: MinerId,
    /// Name of the person.
    pub display_name: String,
    /// Role of the miner.
    pub role: Role,
    /// Lifetime points.
    pub lifetime_points: Minor,
}

#[derive(HasQuery, Insertable)]
#[diesel(table_name = miners, check_for_backend(Pg))]
pub struct MinerRow {
    user_id: Uuid,
    id: Uuid,
    role: String,
    status: String,
    #[diesel(embed)]
    change: MinerChange,
    referral_code: String,
    referred_by: Option<Uuid>,
    circle_id: Option<Uuid>,
    is_circle_valid: bool,
    circle_left_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl TryFrom<MinerRow> for Miner {
    type Error = DbError;

    fn try_from(row: MinerRow) -> Result<Self> {
        let days = |column, value: i32| fit::<_, u32>("miners", column, value);
        let all_days = |column, values: Vec<i32>| {
            values
                .into_iter()
                .map(|value| days(column, value))
                .collect::<Result<Vec<_>, _>>()
        };
        let due = |since: Option<_>, at| since.zip(at).map(|(since, at)| Due { since, at });
        let stored = row.change;
        let broken = match (
            stored.broken_days,
            stored.broken_milestones_paid,
            stored.broken_until,
        ) {
            (Some(lost), Some(paid), Some(recoverable_until)) => Some(BrokenRun {
                days: days("broken_days", lost)?,
                milestones_paid: all_days("broken_milestones_paid", paid)?,
                recoverable_until,
            }),
            _ => None,
        };
        Ok(Self {
            id: MinerId::from([row.user_id, row.id]),
            role: read_name("miners", "role", &row.role)?,
            status: read_name("miners", "status", &row.status)?,
            lifetime_points: Minor(stored.lifetime_points),
            streak: Streak {
                current: days("current_streak", stored.current_streak)?,
                longest: days("longest_streak", stored.longest_streak)?,
                last_claim: stored.last_claim_at,
                due: due(stored.streak_since, stored.streak_due_at),
                previous_due: due(stored.previous_since, stored.previous_due_at),
                freeze_tokens: days("freeze_tokens", stored.freeze_tokens)?,
                is_grace_period: stored.is_grace_period,
                milestones_paid: all_days("milestones_paid", stored.milestones_paid)?,
                broken,
                suspended_at: stored.suspended_at,
            },
            referral_code: ReferralCode::parse(&row.referral_code)
                .ok_or_else(|| DbError::inconsistent("miners", "referral_code", row.id))?,
            referred_by: row.referred_by.map(UserId),
            circle_id: row.circle_id.map(CircleId),
            is_circle_valid: row.is_circle_valid,
            circle_left_at: row.circle_left_at,
            version: stored.version,
            created_at: row.created_at,
            updated_at: stored.updated_at,
        })
    }
}

/// Columns of a miner that commands change.
#[derive(AsChangeset, HasQuery, Insertable)]
#[diesel(table_name = miners, check_for_backend(Pg), treat_none_as_null = true)]
pub struct MinerChange {
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
    ) -> Result<Self> {
        let days = |column, days: u32| fit::<_, i32>("miners", column, days);
        let all = |column, values: &[u32]| {
            let values = values.iter().copied();
            values
                .map(|value| days(column, value))
                .collect::<Result<Vec<_>, _>>()
        };
        let broken = streak.broken.as_ref();
        let (broken_days, broken_milestones_paid) = match broken {
            Some(run) => (
                Some(days("broken_days", run.days)?),
                Some(all("broken_milestones_paid", &run.milestones_paid)?),
            ),
            None => (None, None),
        };
        Ok(Self {
            lifetime_points: lifetime_points.0,
            current_streak: days("current_streak", streak.current)?,
            longest_streak: days("longest_streak", streak.longest)?,
            last_claim_at: streak.last_claim,
            streak_since: streak.due.map(|due| due.since),
            streak_due_at: streak.due.map(|due| due.at),
            previous_since: streak.previous_due.map(|due| due.since),
            previous_due_at: streak.previous_due.map(|due| due.at),
            freeze_tokens: days("freeze_tokens", streak.freeze_tokens)?,
            is_grace_period: streak.is_grace_period,
            milestones_paid: all("milestones_paid", &streak.milestones_paid)?,
            broken_days,
            broken_milestones_paid,
            broken_until: broken.map(|run| run.recoverable_until),
            suspended_at: streak.suspended_at,
            version,
            updated_at: now,
        })
    }
}

impl TryFrom<&Miner> for MinerRow {
    type Error = DbError;

    fn try_from(miner: &Miner) -> Result<Self> {
        let (points, version) = (miner.lifetime_points, miner.version);
        Ok(Self {
            user_id: miner.id.user.0,
            id: miner.id.uuid,
            role: miner.role.name().to_owned(),
            status: miner.status.name().to_owned(),
            change: MinerChange::of(points, &miner.streak, version, miner.updated_at)?,
            referral_code: miner.referral_code.as_str().to_owned(),
            referred_by: miner.referred_by.map(|id| id.0),
            circle_id: miner.circle_id.map(|id| id.0),
            is_circle_valid: miner.is_circle_valid,
            circle_left_at: miner.circle_left_at,
            created_at: miner.created_at,
        })
    }
}

/// A new miner of a user: a pioneer without points, streak or circle.
pub(crate) fn pioneer(id: MinerId, code: ReferralCode, now: Timestamp) -> Miner {
    Miner {
        id,
        role: Role::Pioneer,
        status: MinerStatus::Active,
        lifetime_points: Minor::ZERO,
        streak: Streak::default(),
        referral_code: code,
        referred_by: None,
        circle_id: None,
        is_circle_valid: false,
        circle_left_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

#[derive(HasQuery, Insertable, diesel::QueryableByName)]
#[diesel(table_name = mining_history, check_for_backend(Pg))]
pub(crate) struct HistoryRow {
    user_id: Uuid,
    id: Uuid,
    points: i64,
    source: String,
    session_id: Option<Uuid>,
    earned_at: Timestamp,
    hourly_rate: i64,
    streak_days: i32,
}

impl HistoryRow {
    /// Id of the entry.
    pub fn id(&self) -> Uuid {
        self.id
    }
}

impl TryFrom<HistoryRow> for HistoryEntry {
    type Error = DbError;

    fn try_from(row: HistoryRow) -> Result<Self> {
        Ok(Self {
            id: HistoryId::from([row.user_id, row.id]),
            points: Minor(row.points),
            source: read_name("mining_history", "source", &row.source)?,
            session_id: row.session_id.map(|id| SessionId::from([row.user_id, id])),
            earned_at: row.earned_at,
            hourly_rate: RatePerHour(row.hourly_rate),
            streak_days: fit("mining_history", "streak_days", row.streak_days)?,
        })
    }
}

impl TryFrom<&HistoryEntry> for HistoryRow {
    type Error = DbError;

    fn try_from(entry: &HistoryEntry) -> Result<Self> {
        Ok(Self {
            user_id: entry.id.user.0,
            id: entry.id.uuid,
            points: entry.points.0,
            source: entry.source.name().to_owned(),
            session_id: entry.session_id.map(|id| id.uuid),
            earned_at: entry.earned_at,
            hourly_rate: entry.hourly_rate.0,
            streak_days: fit("mining_history", "streak_days", entry.streak_days)?,
        })
    }
}
