//! Reads of mining. Those for many parents answer in one statement, whatever their number.

use diesel::dsl::{count_star, sum};
use diesel::pg::Pg;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, SelectableHelper, TextExpressionMethods,
};
use diesel_async::RunQueryDsl;
use domain::ids::{CircleId, MinerId, SessionId, UserId};
use domain::mining::{
    Bps, Circle, CircleMember, CircleStatus, HistoryEntry, MinerStatus, RateFacts, ReferralStatus,
    Role, Session,
};
use domain::money::Minor;
use domain::time::{Timestamp, day_bounds};
use uuid::Uuid;

use super::rows::{
    CircleRow, HistoryRow, MinerRow, MinerSeen, Profile, ReadAt, SessionRow, SessionSeen,
};
use crate::paging::Counted;
use crate::schema::{circle_members, circles, miners, mining_sessions, referrals, users};
use crate::text::Text as _;
use crate::{Connection, Count, DbError, Page, Slice};

/// A miner's row, its person's name, and the moment.
type Loaded = (MinerRow, String, Timestamp);

fn seen((row, display_name, at): Loaded) -> Result<MinerSeen, DbError> {
    Ok(MinerSeen {
        miner: row.try_into()?,
        display_name,
        at,
    })
}

macro_rules! select_miners {
    () => {
        miners::table.inner_join(users::table).select((
            MinerRow::as_select(),
            users::display_name,
            ReadAt,
        ))
    };
}

/// Miners by id.
pub async fn miners_by_id(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<MinerSeen>, DbError> {
    let rows: Vec<Loaded> = select_miners!()
        .filter(miners::id.eq_any(ids.iter().map(|id| id.0)))
        .load(conn)
        .await?;
    rows.into_iter().map(seen).collect()
}

/// Miners by whose they are.
pub async fn miners_by_user(
    conn: &mut Connection,
    ids: &[UserId],
) -> Result<Vec<MinerSeen>, DbError> {
    let rows: Vec<Loaded> = select_miners!()
        .filter(miners::user_id.eq_any(ids.iter().map(|id| id.0)))
        .load(conn)
        .await?;
    rows.into_iter().map(seen).collect()
}

/// The miner with a referral code.
pub async fn miner_by_code(
    conn: &mut Connection,
    code: &str,
) -> Result<Option<MinerSeen>, DbError> {
    let row: Option<Loaded> = select_miners!()
        .filter(miners::referral_code.eq(code))
        .first(conn)
        .await
        .optional()?;
    row.map(seen).transpose()
}

/// The active miners with the most lifetime points; ties by who was there first.
pub async fn leaderboard(conn: &mut Connection, places: usize) -> Result<Vec<MinerSeen>, DbError> {
    let rows: Vec<Loaded> = select_miners!()
        .filter(miners::status.eq(MinerStatus::Active.text()))
        .order((
            miners::lifetime_points.desc(),
            miners::created_at,
            miners::id,
        ))
        .limit(i64::try_from(places).unwrap_or(i64::MAX))
        .load(conn)
        .await?;
    rows.into_iter().map(seen).collect()
}

/// How many places lie between two steps of [`rank_steps`].
pub const RANK_STEP: i64 = 1_000;

/// The lifetime points of every thousandth active miner, from the top, in ten-thousandths.
pub async fn rank_steps(conn: &mut Connection) -> Result<Vec<i64>, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Step {
        #[diesel(sql_type = BigInt)]
        lifetime_points: i64,
    }
    let steps: Vec<Step> = diesel::sql_query(
        "SELECT lifetime_points FROM (
             SELECT lifetime_points, row_number() OVER (ORDER BY lifetime_points DESC, created_at, id) AS rank
             FROM miners WHERE status = 'ACTIVE'
         ) ranked WHERE rank % $1 = 0 ORDER BY rank",
    )
    .bind::<BigInt, _>(RANK_STEP)
    .load(conn)
    .await?;
    Ok(steps.into_iter().map(|step| step.lifetime_points).collect())
}

/// How many active miners stand before this one.
pub async fn miners_ahead(conn: &mut Connection, of: &MinerSeen) -> Result<Count, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Ahead {
        #[diesel(sql_type = BigInt)]
        miners: i64,
    }
    let ahead: Ahead = diesel::sql_query(
        "SELECT count(*) AS miners FROM (
             SELECT 1 FROM miners WHERE status = 'ACTIVE' AND lifetime_points >= $1
                AND (lifetime_points > $1 OR (created_at, id) < ($2, $3)) LIMIT $4
         ) ahead",
    )
    .bind::<BigInt, _>(of.miner.lifetime_points.0)
    .bind::<Timestamptz, _>(of.miner.created_at)
    .bind::<SqlUuid, _>(of.miner.id.0)
    .bind::<BigInt, _>(Count::EXACT_TO + 1)
    .get_result(conn)
    .await?;
    Ok(Count::of(ahead.miners))
}

/// Which miners a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MinerFilter {
    /// A user id, a miner id, or the beginning of a referral code.
    pub search: Option<String>,
    /// Only with this status.
    pub status: Option<MinerStatus>,
    /// Only with this role.
    pub role: Option<Role>,
}

/// What a list of miners is ordered by; ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MinerOrderField {
    /// When they registered.
    CreatedAt,
    /// Lifetime points.
    TotalMinedPoints,
}

/// Where a miner stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MinerKey {
    /// By when they registered.
    CreatedAt(Timestamp, Uuid),
    /// By lifetime points, in ten-thousandths.
    TotalMinedPoints(i64, Uuid),
}

impl MinerKey {
    /// Where a miner stands.
    #[must_use]
    pub fn of(field: MinerOrderField, miner: &MinerSeen) -> Self {
        let miner = &miner.miner;
        match field {
            MinerOrderField::CreatedAt => Self::CreatedAt(miner.created_at, miner.id.0),
            MinerOrderField::TotalMinedPoints => {
                Self::TotalMinedPoints(miner.lifetime_points.0, miner.id.0)
            }
        }
    }
}

/// Applies a filter to a boxed query over `miners`.
macro_rules! filter_miners {
    ($query:ident, $filter:expr) => {
        let filter: &MinerFilter = $filter;
        if let Some(status) = filter.status {
            $query = $query.filter(miners::status.eq(status.text()));
        }
        if let Some(role) = filter.role {
            $query = $query.filter(miners::role.eq(role.text()));
        }
        if let Some(search) = &filter.search {
            let search = search.trim();
            $query = match Uuid::parse_str(search) {
                Ok(id) => $query.filter(miners::user_id.eq(id).or(miners::id.eq(id))),
                Err(_) => $query.filter(
                    miners::referral_code
                        .like(format!("{}%", like_literal(&search.to_uppercase()))),
                ),
            };
        }
    };
}

/// Escapes what LIKE would take for a wildcard.
fn like_literal(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

/// A page of miners. `descending` and the page's direction together decide which way the index is read.
pub async fn miners(
    conn: &mut Connection,
    filter: &MinerFilter,
    field: MinerOrderField,
    descending: bool,
    page: &Page<MinerKey>,
) -> Result<Slice<MinerSeen>, DbError> {
    let mut query = select_miners!().into_boxed::<Pg>();
    filter_miners!(query, filter);
    let down = descending != page.from_end;
    for (key, is_lower_bound) in [(page.after, !descending), (page.before, descending)] {
        // `column >= key AND (column > key OR id > key's)` lets the index find where to start.
        query = match (key, is_lower_bound) {
            (None, _) => query,
            (Some(MinerKey::CreatedAt(at, id)), true) => query
                .filter(miners::created_at.ge(at))
                .filter(miners::created_at.gt(at).or(miners::id.gt(id))),
            (Some(MinerKey::CreatedAt(at, id)), false) => query
                .filter(miners::created_at.le(at))
                .filter(miners::created_at.lt(at).or(miners::id.lt(id))),
            (Some(MinerKey::TotalMinedPoints(points, id)), true) => query
                .filter(miners::lifetime_points.ge(points))
                .filter(miners::lifetime_points.gt(points).or(miners::id.gt(id))),
            (Some(MinerKey::TotalMinedPoints(points, id)), false) => query
                .filter(miners::lifetime_points.le(points))
                .filter(miners::lifetime_points.lt(points).or(miners::id.lt(id))),
        };
    }
    query = match (field, down) {
        (MinerOrderField::CreatedAt, false) => {
            query.order((miners::created_at.asc(), miners::id.asc()))
        }
        (MinerOrderField::CreatedAt, true) => {
            query.order((miners::created_at.desc(), miners::id.desc()))
        }
        (MinerOrderField::TotalMinedPoints, false) => {
            query.order((miners::lifetime_points.asc(), miners::id.asc()))
        }
        (MinerOrderField::TotalMinedPoints, true) => {
            query.order((miners::lifetime_points.desc(), miners::id.desc()))
        }
    };
    let rows: Vec<Loaded> = page.cut(query).load(conn).await?;
    page.slice(rows).try_map(seen)
}

/// How many miners a filter lets through.
pub async fn miners_count(conn: &mut Connection, filter: &MinerFilter) -> Result<Count, DbError> {
    let mut query = miners::table.select(miners::id).into_boxed::<Pg>();
    filter_miners!(query, filter);
    let found: i64 = Counted(query).get_result(conn).await?;
    Ok(Count::of(found))
}

/// What the rates of miners depend on, in one statement.
pub async fn rate_facts(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<(MinerId, RateFacts)>, DbError> {
    let active_sum = referrals::table
        .filter(referrals::referrer_id.eq(miners::id))
        .filter(referrals::status.eq(ReferralStatus::Active.text()))
        .select(sum(referrals::bonus_bps))
        .single_value();
    let rows: Vec<(Uuid, String, Option<String>, Option<i64>)> = miners::table
        .left_join(circles::table.on(miners::circle_id.eq(circles::id.nullable())))
        .filter(miners::id.eq_any(ids.iter().map(|id| id.0)))
        .select((
            miners::id,
            miners::role,
            circles::status.nullable(),
            active_sum,
        ))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(id, role, circle, referral_sum)| {
            Ok((
                MinerId(id),
                RateFacts {
                    role: Role::read("miners", "role", &role)?,
                    circle_valid: circle.as_deref() == Some(CircleStatus::Active.text()),
                    referral_sum: Bps(i32::try_from(referral_sum.unwrap_or(0)).unwrap_or(i32::MAX)),
                },
            ))
        })
        .collect()
}

/// The newest session of each miner, in one statement.
pub async fn latest_sessions(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<SessionSeen>, DbError> {
    let rows: Vec<(SessionRow, Timestamp)> = mining_sessions::table
        .filter(mining_sessions::miner_id.eq_any(ids.iter().map(|id| id.0)))
        .distinct_on(mining_sessions::miner_id)
        .order((
            mining_sessions::miner_id,
            mining_sessions::started_at.desc(),
        ))
        .select((SessionRow::as_select(), ReadAt))
        .load(conn)
        .await?;
    rows.into_iter().map(session_seen).collect()
}

/// Sessions by id.
pub async fn sessions_by_id(
    conn: &mut Connection,
    ids: &[SessionId],
) -> Result<Vec<SessionSeen>, DbError> {
    let rows: Vec<(SessionRow, Timestamp)> = mining_sessions::table
        .filter(mining_sessions::id.eq_any(ids.iter().map(|id| id.0)))
        .select((SessionRow::as_select(), ReadAt))
        .load(conn)
        .await?;
    rows.into_iter().map(session_seen).collect()
}

fn session_seen((row, at): (SessionRow, Timestamp)) -> Result<SessionSeen, DbError> {
    Ok(SessionSeen {
        session: row.try_into()?,
        at,
    })
}

/// The newest session of a miner whose row is locked.
pub(in crate::mining) async fn latest_session(
    conn: &mut Connection,
    miner: MinerId,
) -> Result<Option<Session>, DbError> {
    let row: Option<SessionRow> = mining_sessions::table
        .filter(mining_sessions::miner_id.eq(miner.0))
        .order(mining_sessions::started_at.desc())
        .select(SessionRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Session::try_from).transpose()
}

/// Sessions a miner started in the UTC day of a moment.
pub(in crate::mining) async fn sessions_started_on(
    conn: &mut Connection,
    miner: MinerId,
    at: Timestamp,
) -> Result<u32, DbError> {
    let (from, until) = day_bounds(at.date_naive());
    let started: i64 = mining_sessions::table
        .filter(mining_sessions::miner_id.eq(miner.0))
        .filter(mining_sessions::started_at.ge(from))
        .filter(mining_sessions::started_at.lt(until))
        .select(count_star())
        .first(conn)
        .await?;
    Ok(u32::try_from(started).unwrap_or(u32::MAX))
}

/// One page of each miner's history, newest first, in one statement for all of them.
pub async fn histories(
    conn: &mut Connection,
    ids: &[MinerId],
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Vec<(MinerId, Slice<HistoryEntry>)>, DbError> {
    let direction = if page.from_end { "ASC" } else { "DESC" };
    let rows: Vec<HistoryRow> = diesel::sql_query(format!(
        "SELECT h.* FROM unnest($1) AS m (id) CROSS JOIN LATERAL (
             SELECT * FROM mining_history
             WHERE miner_id = m.id
               AND ($2 IS NULL OR (earned_at, id) < ($2, $3)) AND ($4 IS NULL OR (earned_at, id) > ($4, $5))
             ORDER BY earned_at {direction}, id {direction} LIMIT $6
         ) h"
    ))
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<Nullable<Timestamptz>, _>(page.after.map(|key| key.0))
    .bind::<Nullable<SqlUuid>, _>(page.after.map(|key| key.1))
    .bind::<Nullable<Timestamptz>, _>(page.before.map(|key| key.0))
    .bind::<Nullable<SqlUuid>, _>(page.before.map(|key| key.1))
    .bind::<BigInt, _>(page.fetch())
    .load(conn)
    .await?;
    let mut of_miner: Vec<(MinerId, Vec<HistoryEntry>)> =
        ids.iter().map(|id| (*id, Vec::new())).collect();
    for row in rows {
        let entry = HistoryEntry::try_from(row)?;
        if let Some((_, entries)) = of_miner.iter_mut().find(|(id, _)| *id == entry.miner_id) {
            entries.push(entry);
        }
    }
    Ok(of_miner
        .into_iter()
        .map(|(id, entries)| (id, page.slice(entries)))
        .collect())
}

/// How long the histories of miners are, in one statement.
pub async fn history_counts(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<(MinerId, Count)>, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Counted {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = BigInt)]
        lines: i64,
    }
    let rows: Vec<Counted> = diesel::sql_query(
        "SELECT m.id, (SELECT count(*) FROM (SELECT 1 FROM mining_history WHERE miner_id = m.id LIMIT $2) h) AS lines
         FROM unnest($1) AS m (id)",
    )
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<BigInt, _>(Count::EXACT_TO + 1)
    .load(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (MinerId(row.id), Count::of(row.lines)))
        .collect())
}

/// Circles by id.
pub async fn circles_by_id(
    conn: &mut Connection,
    ids: &[CircleId],
) -> Result<Vec<Circle>, DbError> {
    let rows: Vec<CircleRow> = circles::table
        .filter(circles::id.eq_any(ids.iter().map(|id| id.0)))
        .select(CircleRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Circle::try_from).collect()
}

/// Active members of circles, in the order they joined, in one statement.
pub async fn circle_members(
    conn: &mut Connection,
    ids: &[CircleId],
) -> Result<Vec<CircleMember>, DbError> {
    let rows: Vec<(Uuid, Uuid, Timestamp)> = circle_members::table
        .filter(circle_members::circle_id.eq_any(ids.iter().map(|id| id.0)))
        .filter(circle_members::left_at.is_null())
        .order((
            circle_members::circle_id,
            circle_members::joined_at,
            circle_members::id,
        ))
        .select((
            circle_members::circle_id,
            circle_members::miner_id,
            circle_members::joined_at,
        ))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(circle, miner, joined_at)| CircleMember {
            circle_id: CircleId(circle),
            miner_id: MinerId(miner),
            joined_at,
        })
        .collect())
}

/// Active members of circles with what others see of them, in the order they joined, in one statement.
pub async fn circle_member_profiles(
    conn: &mut Connection,
    ids: &[CircleId],
) -> Result<Vec<(CircleMember, Profile)>, DbError> {
    type Row = (Uuid, Timestamp, Uuid, String, i64, String);
    let rows: Vec<Row> = circle_members::table
        .inner_join(miners::table.on(miners::id.eq(circle_members::miner_id)))
        .inner_join(users::table.on(users::id.eq(miners::user_id)))
        .filter(circle_members::circle_id.eq_any(ids.iter().map(|id| id.0)))
        .filter(circle_members::left_at.is_null())
        .order((
            circle_members::circle_id,
            circle_members::joined_at,
            circle_members::id,
        ))
        .select((
            circle_members::circle_id,
            circle_members::joined_at,
            miners::id,
            miners::role,
            miners::lifetime_points,
            users::display_name,
        ))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(circle, joined_at, id, role, points, display_name)| {
            let member = CircleMember {
                circle_id: CircleId(circle),
                miner_id: MinerId(id),
                joined_at,
            };
            let profile = Profile {
                id: MinerId(id),
                display_name,
                role: Role::read("miners", "role", &role)?,
                lifetime_points: Minor(points),
            };
            Ok((member, profile))
        })
        .collect()
}

/// How many active referrals a miner has.
pub(in crate::mining) async fn active_referrals(
    conn: &mut Connection,
    referrer: MinerId,
) -> Result<u32, DbError> {
    let active: i64 = referrals::table
        .filter(referrals::referrer_id.eq(referrer.0))
        .filter(referrals::status.eq(ReferralStatus::Active.text()))
        .select(count_star())
        .first(conn)
        .await?;
    Ok(u32::try_from(active).unwrap_or(u32::MAX))
}
