//! Reads of miners. Reads for many parents take one statement, whatever the number of parents.

use diesel::dsl::{sql, sum};
use diesel::sql_types::{
    Array, BigInt, Bool, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::mining::{
    Bps, HistoryEntry, HistorySource, MinerStatus, RateFacts, ReferralCode, ReferralStatus, Role,
};
use domain::named::named;

use super::locks::user_of_code;
use super::rows::{HistoryRow, MinerSeen};
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::{miners, mining_history, referrals, users};
use crate::search::{Part, containing};

/// Miners by user.
pub async fn miners_by_user(conn: &mut Connection, ids: &[UserId]) -> Result<Vec<MinerSeen>> {
    let ids = ids.iter().map(|id| id.0);
    let query = MinerSeen::query().filter(miners::user_id.eq_any(ids));
    Ok(query.load(conn).await?)
}

/// The miner with an id of the platform's other services. Reads all shards.
pub async fn miner_by_uuid(conn: &mut Connection, id: Uuid) -> Result<Option<MinerSeen>> {
    let query = MinerSeen::query().filter(miners::id.eq(id));
    Ok(query.first(conn).await.optional()?)
}

/// The miner with a referral code, given as typed.
pub async fn miner_by_code(conn: &mut Connection, code: &str) -> Result<Option<MinerSeen>> {
    match user_of_code(conn, code).await? {
        Some(user) => Ok(miners_by_user(conn, &[user]).await?.pop()),
        None => Ok(None),
    }
}

/// Active miners with the most lifetime points; ties by time of registration.
pub async fn leaderboard(conn: &mut Connection, places: usize) -> Result<Vec<MinerSeen>> {
    Ok(MinerSeen::query()
        .filter(miners::status.eq(MinerStatus::Active.name()))
        .order((
            miners::lifetime_points.desc(),
            miners::created_at,
            miners::id,
        ))
        .limit(fit("miners", "limit", places)?)
        .load(conn)
        .await?)
}

/// Number of places between two steps of [`rank_steps`].
pub const RANK_STEP: i64 = 1_000;

/// Lifetime points of every thousandth active miner, from the top, in ten-thousandths.
pub async fn rank_steps(conn: &mut Connection) -> Result<Vec<i64>> {
    let steps = sql::<BigInt>(&format!(
        "SELECT lifetime_points FROM (
             SELECT lifetime_points, row_number() OVER (ORDER BY lifetime_points DESC, created_at, id) AS rank
             FROM miners WHERE status = 'ACTIVE'
         ) ranked WHERE rank % {RANK_STEP} = 0 ORDER BY rank"
    ));
    Ok(steps.load(conn).await?)
}

/// Number of active miners ranked before this one.
pub async fn miners_ahead(conn: &mut Connection, of: &MinerSeen) -> Result<Count> {
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
    .bind::<SqlUuid, _>(of.miner.id.uuid)
    .bind::<BigInt, _>(Count::EXACT_TO + 1)
    .get_result(conn)
    .await?;
    Ok(Count::of(ahead.miners))
}

/// Conditions on miners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MinerFilter {
    /// A user or miner id, or a part of a user id, a referral code or a display name.
    pub search: Option<String>,
    /// Status.
    pub status: Option<MinerStatus>,
    /// Role.
    pub role: Option<Role>,
}

named! {
    /// Values by which miners can be ordered.
    MinerOrderField;

    /// Time of registration.
    CreatedAt = "CREATED_AT";

    /// Lifetime mined points.
    TotalMinedPoints = "TOTAL_MINED_POINTS";
}

/// Position of a miner in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MinerKey {
    /// By time of registration.
    CreatedAt(Timestamp, Uuid),
    /// By lifetime points, in ten-thousandths.
    TotalMinedPoints(i64, Uuid),
}

impl MinerKey {
    /// Position of a miner.
    #[must_use]
    pub fn of(field: MinerOrderField, miner: &MinerSeen) -> Self {
        let miner = &miner.miner;
        match field {
            MinerOrderField::CreatedAt => Self::CreatedAt(miner.created_at, miner.id.uuid),
            MinerOrderField::TotalMinedPoints => {
                Self::TotalMinedPoints(miner.lifetime_points.0, miner.id.uuid)
            }
        }
    }
}

/// Patterns of LIKE by which a search text is compared; none for what can't contain it.
struct Patterns {
    code: Option<String>,
    id: Option<String>,
    name: String,
}

impl Patterns {
    fn of(search: &str) -> Self {
        let consists_of = |is_part: fn(&u8) -> bool| search.bytes().all(|byte| is_part(&byte));
        let code = match ReferralCode::parse(search) {
            Some(code) => Some(code.as_str().to_owned()),
            None => consists_of(u8::is_ascii_alphanumeric).then(|| search.to_ascii_uppercase()),
        };
        let is_id = consists_of(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
        Self {
            code: code.as_deref().map(containing),
            id: is_id.then(|| containing(&search.to_ascii_lowercase())),
            name: Part::of(search).pattern(),
        }
    }
}

/// Users that a search text finds.
enum Found {
    /// The user or miner with this id.
    Uuid(Uuid),
    /// At most [`Count::EXACT_TO`].
    Few(Vec<Uuid>),
    /// More: the list compares its rows in its own order, and soon has a page.
    Many(Patterns),
}

/// Looks for users by the indexes of codes, ids and names.
async fn find_users(conn: &mut Connection, search: &str) -> Result<Found> {
    #[derive(diesel::QueryableByName)]
    struct User {
        #[diesel(sql_type = SqlUuid)]
        user_id: Uuid,
    }
    if let Ok(id) = Uuid::parse_str(search) {
        return Ok(Found::Uuid(id));
    }
    let patterns = Patterns::of(search);
    let users: Vec<User> = diesel::sql_query(format!(
        "SELECT user_id FROM (
             SELECT m.user_id FROM miners m WHERE m.referral_code LIKE $1
             UNION ALL SELECT m.user_id FROM miners m WHERE m.user_id::text LIKE $2
             UNION ALL SELECT u.id FROM users u WHERE search_grams(u.display_name_folded) @> $3 AND u.display_name_folded LIKE $4
         ) found LIMIT {} + 1",
        Count::EXACT_TO
    ))
    .bind::<Nullable<SqlText>, _>(&patterns.code)
    .bind::<Nullable<SqlText>, _>(&patterns.id)
    .bind::<Array<SqlText>, _>(Part::of(search).grams())
    .bind::<SqlText, _>(&patterns.name)
    .load(conn)
    .await?;
    if fit::<_, i64>("users", "limit", users.len())? > Count::EXACT_TO {
        return Ok(Found::Many(patterns));
    }
    Ok(Found::Few(
        users.into_iter().map(|user| user.user_id).collect(),
    ))
}

/// Applies a filter to a boxed query over `miners` and `users`.
macro_rules! filter_miners {
    ($conn:expr, $query:ident, $filter:expr) => {
        let filter: &MinerFilter = $filter;
        narrow!($query,
            status = filter.status => miners::status.eq(status.name()),
            role = filter.role => miners::role.eq(role.name()),
        );
        if let Some(search) = &filter.search {
            $query = match find_users($conn, search).await? {
                Found::Uuid(id) => $query.filter(miners::user_id.eq(id).or(miners::id.eq(id))),
                Found::Few(users) => $query.filter(miners::user_id.eq_any(users)),
                Found::Many(patterns) => {
                    let is_found = sql::<Bool>("(users.display_name_folded LIKE ")
                        .bind::<SqlText, _>(patterns.name)
                        .sql(" OR miners.referral_code LIKE ")
                        .bind::<Nullable<SqlText>, _>(patterns.code)
                        .sql(" OR miners.user_id::text LIKE ")
                        .bind::<Nullable<SqlText>, _>(patterns.id)
                        .sql(")");
                    $query.filter(is_found)
                }
            };
        }
    };
}

/// A page of miners. A cursor of another order is ignored.
pub async fn miners(
    conn: &mut Connection,
    filter: &MinerFilter,
    field: MinerOrderField,
    descending: bool,
    page: &Page<MinerKey>,
) -> Result<Slice<MinerSeen>> {
    let mut query = MinerSeen::query().into_boxed::<Pg>();
    filter_miners!(conn, query, filter);
    let by_time = page.keyed(|key| match key {
        MinerKey::CreatedAt(at, id) => Some((*at, *id)),
        MinerKey::TotalMinedPoints(..) => None,
    });
    let by_points = page.keyed(|key| match key {
        MinerKey::TotalMinedPoints(points, id) => Some((*points, *id)),
        MinerKey::CreatedAt(..) => None,
    });
    let query = match (field, descending) {
        (MinerOrderField::CreatedAt, true) => {
            keyset!(query, by_time, [miners::created_at desc, miners::id desc])
        }
        (MinerOrderField::CreatedAt, false) => {
            keyset!(query, by_time, [miners::created_at asc, miners::id asc])
        }
        (MinerOrderField::TotalMinedPoints, true) => {
            keyset!(query, by_points, [miners::lifetime_points desc, miners::id desc])
        }
        (MinerOrderField::TotalMinedPoints, false) => {
            keyset!(query, by_points, [miners::lifetime_points asc, miners::id asc])
        }
    };
    Ok(page.slice(query.load(conn).await?))
}

/// Number of miners that a filter selects.
pub async fn miners_count(conn: &mut Connection, filter: &MinerFilter) -> Result<Count> {
    let mut query = miners::table
        .inner_join(users::table)
        .select(miners::id)
        .into_boxed::<Pg>();
    filter_miners!(conn, query, filter);
    count_rows(conn, query).await
}

/// Facts on which the rates of miners depend, in one statement.
pub async fn rate_facts(
    conn: &mut Connection,
    users: &[UserId],
) -> Result<Vec<(UserId, RateFacts)>> {
    let active_sum = referrals::table
        .filter(referrals::referrer_user_id.eq(miners::user_id))
        .filter(referrals::status.eq(ReferralStatus::Active.name()))
        .select(sum(referrals::bonus_bps))
        .single_value();
    let rows: Vec<(Uuid, String, bool, Option<i64>)> = miners::table
        .filter(miners::user_id.eq_any(users.iter().map(|user| user.0)))
        .select((
            miners::user_id,
            miners::role,
            miners::is_circle_valid,
            active_sum,
        ))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(user, role, circle_valid, referral_sum)| {
            Ok((
                UserId(user),
                RateFacts {
                    role: read_name("miners", "role", &role)?,
                    circle_valid,
                    referral_sum: Bps(fit("referrals", "bonus_bps", referral_sum.unwrap_or(0))?),
                },
            ))
        })
        .collect()
}

/// Conditions on mining history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HistoryFilter {
    /// Start, included.
    pub from: Option<Timestamp>,
    /// End, excluded.
    pub until: Option<Timestamp>,
    /// Cause of the change.
    pub source: Option<HistorySource>,
}

/// The filter's conditions as SQL over `mining_history`; its parameters start at `first`.
fn history_conditions(first: usize) -> String {
    let [from, until, source] = [first, first + 1, first + 2];
    format!(
        "(${from} IS NULL OR earned_at >= ${from}) AND (${until} IS NULL OR earned_at < ${until})
         AND (${source} IS NULL OR source = ${source})"
    )
}

/// One page of each miner's history, newest first, in one statement for all of them.
pub async fn histories(
    conn: &mut Connection,
    users: &[UserId],
    filter: &HistoryFilter,
    page: &Page<(Timestamp, Uuid)>,
) -> Result<Vec<(UserId, Slice<HistoryEntry>)>> {
    let table = ("mining_history", "user_id", "earned_at");
    let rows: Vec<HistoryRow> =
        diesel::sql_query(page.sql_per_owner(users.len(), table, &history_conditions(7)))
            .bind::<Array<SqlUuid>, _>(users.iter().map(|user| user.0).collect::<Vec<_>>())
            .bind::<Nullable<Timestamptz>, _>(page.after.map(|key| key.0))
            .bind::<Nullable<SqlUuid>, _>(page.after.map(|key| key.1))
            .bind::<Nullable<Timestamptz>, _>(page.before.map(|key| key.0))
            .bind::<Nullable<SqlUuid>, _>(page.before.map(|key| key.1))
            .bind::<BigInt, _>(page.fetch())
            .bind::<Nullable<Timestamptz>, _>(filter.from)
            .bind::<Nullable<Timestamptz>, _>(filter.until)
            .bind::<Nullable<SqlText>, _>(filter.source.map(HistorySource::name))
            .load(conn)
            .await?;
    let entries = rows.into_iter().map(HistoryEntry::try_from);
    page.slices(users, entries, |entry| entry.id.user)
}

/// Lengths of miners' histories, in one statement.
pub async fn history_counts(
    conn: &mut Connection,
    users: &[UserId],
    filter: &HistoryFilter,
) -> Result<Vec<(UserId, Count)>> {
    #[derive(diesel::QueryableByName)]
    struct Counted {
        #[diesel(sql_type = SqlUuid)]
        user_id: Uuid,
        #[diesel(sql_type = BigInt)]
        entries: i64,
    }
    let conditions = history_conditions(3);
    let rows: Vec<Counted> = diesel::sql_query(format!(
        "SELECT m.user_id, (SELECT count(*) FROM (
             SELECT 1 FROM mining_history WHERE user_id = m.user_id AND {conditions} LIMIT $2) h) AS entries
         FROM miners m WHERE m.user_id = ANY($1)"
    ))
    .bind::<Array<SqlUuid>, _>(users.iter().map(|user| user.0).collect::<Vec<_>>())
    .bind::<BigInt, _>(Count::EXACT_TO + 1)
    .bind::<Nullable<Timestamptz>, _>(filter.from)
    .bind::<Nullable<Timestamptz>, _>(filter.until)
    .bind::<Nullable<SqlText>, _>(filter.source.map(HistorySource::name))
    .load(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (UserId(row.user_id), Count::of(row.entries)))
        .collect())
}

/// History entries by id.
pub async fn history_by_id(conn: &mut Connection, ids: &[HistoryId]) -> Result<Vec<HistoryEntry>> {
    let query = HistoryRow::query()
        .filter(mining_history::user_id.eq_any(ids.iter().map(|id| id.user.0)))
        .filter(mining_history::id.eq_any(ids.iter().map(|id| id.uuid)));
    values(query.load(conn).await?)
}
