//! Reads of referrals. Those for many parents answer in one statement, whatever their number.

use diesel::pg::Pg;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::ids::{MinerId, ReferralId};
use domain::mining::{Bps, ReferralStatus};
use domain::money::Minor;
use domain::time::Timestamp;
use uuid::Uuid;

use super::rows::{Referral, ReferralRow};
use crate::paging::Counted;
use crate::schema::referrals;
use crate::text::Text as _;
use crate::{Connection, Count, DbError, Page, Slice};

/// Where a referral stands in a list: newest first.
pub type Place = (Timestamp, Uuid);

/// Referrals by id.
pub async fn by_id(conn: &mut Connection, ids: &[ReferralId]) -> Result<Vec<Referral>, DbError> {
    let rows: Vec<ReferralRow> = referrals::table
        .filter(referrals::id.eq_any(ids.iter().map(|id| id.0)))
        .select(ReferralRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Referral::try_from).collect()
}

/// What the people a miner brought come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Those that count.
    pub active: i64,
    /// Those that wait for KYC.
    pub pending: i64,
    /// Those that are switched off.
    pub inactive: i64,
    /// Uncapped sum of the bonus rates of those that count.
    pub active_bonus: Bps,
    /// What referrals earned the miner in claimed sessions.
    pub earned: Minor,
}

impl Totals {
    /// How many there are, with a status or at all.
    #[must_use]
    pub fn count(&self, status: Option<ReferralStatus>) -> i64 {
        match status {
            None => self
                .active
                .saturating_add(self.pending)
                .saturating_add(self.inactive),
            Some(ReferralStatus::Active) => self.active,
            Some(ReferralStatus::Pending) => self.pending,
            Some(ReferralStatus::Inactive) => self.inactive,
        }
    }
}

/// What the people that miners brought come to, in one statement.
pub async fn totals(
    conn: &mut Connection,
    ids: &[MinerId],
) -> Result<Vec<(MinerId, Totals)>, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = BigInt)]
        active: i64,
        #[diesel(sql_type = BigInt)]
        pending: i64,
        #[diesel(sql_type = BigInt)]
        inactive: i64,
        #[diesel(sql_type = BigInt)]
        bonus: i64,
        #[diesel(sql_type = BigInt)]
        earned: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT m.id, r.active, r.pending, r.inactive, r.bonus, s.earned
         FROM unnest($1) AS m (id)
         CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE status = 'ACTIVE') AS active,
                    count(*) FILTER (WHERE status = 'PENDING') AS pending,
                    count(*) FILTER (WHERE status = 'INACTIVE') AS inactive,
                    coalesce(sum(bonus_bps) FILTER (WHERE status = 'ACTIVE'), 0)::bigint AS bonus
             FROM referrals WHERE referrer_id = m.id
         ) r
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(referral_points), 0)::bigint AS earned
             FROM mining_sessions WHERE miner_id = m.id AND status = 'CLAIMED'
         ) s",
    )
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .load(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let totals = Totals {
                active: row.active,
                pending: row.pending,
                inactive: row.inactive,
                active_bonus: Bps(i32::try_from(row.bonus).unwrap_or(i32::MAX)),
                earned: Minor(row.earned),
            };
            (MinerId(row.id), totals)
        })
        .collect())
}

/// One page of the people each miner brought, newest first, in one statement for all of them.
pub async fn pages(
    conn: &mut Connection,
    ids: &[MinerId],
    status: Option<ReferralStatus>,
    page: &Page<Place>,
) -> Result<Vec<(MinerId, Slice<Referral>)>, DbError> {
    let direction = if page.from_end { "ASC" } else { "DESC" };
    let rows: Vec<ReferralRow> = diesel::sql_query(format!(
        "SELECT r.* FROM unnest($1) AS m (id) CROSS JOIN LATERAL (
             SELECT * FROM referrals
             WHERE referrer_id = m.id AND ($7 IS NULL OR status = $7)
               AND ($2 IS NULL OR (created_at, id) < ($2, $3)) AND ($4 IS NULL OR (created_at, id) > ($4, $5))
             ORDER BY created_at {direction}, id {direction} LIMIT $6
         ) r"
    ))
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<Nullable<Timestamptz>, _>(page.after.map(|key| key.0))
    .bind::<Nullable<SqlUuid>, _>(page.after.map(|key| key.1))
    .bind::<Nullable<Timestamptz>, _>(page.before.map(|key| key.0))
    .bind::<Nullable<SqlUuid>, _>(page.before.map(|key| key.1))
    .bind::<BigInt, _>(page.fetch())
    .bind::<Nullable<Text>, _>(status.map(crate::text::Text::text))
    .load(conn)
    .await?;
    let mut of_miner: Vec<(MinerId, Vec<Referral>)> =
        ids.iter().map(|id| (*id, Vec::new())).collect();
    for row in rows {
        let referral = Referral::try_from(row)?;
        if let Some((_, all)) = of_miner
            .iter_mut()
            .find(|(id, _)| *id == referral.referrer_id)
        {
            all.push(referral);
        }
    }
    Ok(of_miner
        .into_iter()
        .map(|(id, all)| (id, page.slice(all)))
        .collect())
}

/// Which referrals a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<ReferralStatus>,
    /// Only of this referrer.
    pub referrer: Option<MinerId>,
    /// Only of this referred miner.
    pub referred: Option<MinerId>,
}

macro_rules! filter_referrals {
    ($query:ident, $filter:expr) => {
        let filter: &Filter = $filter;
        if let Some(status) = filter.status {
            $query = $query.filter(referrals::status.eq(status.text()));
        }
        if let Some(id) = filter.referrer {
            $query = $query.filter(referrals::referrer_id.eq(id.0));
        }
        if let Some(id) = filter.referred {
            $query = $query.filter(referrals::referred_id.eq(id.0));
        }
    };
}

/// A page of referrals, newest first.
pub async fn list(
    conn: &mut Connection,
    filter: &Filter,
    page: &Page<Place>,
) -> Result<Slice<Referral>, DbError> {
    let mut query = referrals::table
        .select(ReferralRow::as_select())
        .into_boxed::<Pg>();
    filter_referrals!(query, filter);
    // `column <= key AND (column < key OR id < key's)` lets the index find where to start.
    if let Some((at, id)) = page.after {
        query = query
            .filter(referrals::created_at.le(at))
            .filter(referrals::created_at.lt(at).or(referrals::id.lt(id)));
    }
    if let Some((at, id)) = page.before {
        query = query
            .filter(referrals::created_at.ge(at))
            .filter(referrals::created_at.gt(at).or(referrals::id.gt(id)));
    }
    query = if page.from_end {
        query.order((referrals::created_at.asc(), referrals::id.asc()))
    } else {
        query.order((referrals::created_at.desc(), referrals::id.desc()))
    };
    let rows: Vec<ReferralRow> = page.cut(query).load(conn).await?;
    page.slice(rows).try_map(Referral::try_from)
}

/// How many referrals a filter lets through.
pub async fn count(conn: &mut Connection, filter: &Filter) -> Result<Count, DbError> {
    let mut query = referrals::table.select(referrals::id).into_boxed::<Pg>();
    filter_referrals!(query, filter);
    let found: i64 = Counted(query).get_result(conn).await?;
    Ok(Count::of(found))
}
