//! Reads of referrals. Reads for many parents take one statement, whatever the number of parents.

use diesel::dsl::{count_star, sum};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::mining::{Bps, ReferralStatus};
use domain::money::Minor;

use super::rows::{Referral, ReferralRow};
use crate::paging::{count_rows, keyset, narrow};
use crate::prelude::*;
use crate::schema::referrals;

/// Position of a referral in a list, newest first.
pub type Place = (Timestamp, Uuid);

/// Referrals by id.
pub async fn by_id(conn: &mut Connection, ids: &[ReferralId]) -> Result<Vec<Referral>> {
    let query = ReferralRow::query()
        .filter(referrals::referrer_user_id.eq_any(ids.iter().map(|id| id.referrer.0)))
        .filter(referrals::id.eq_any(ids.iter().map(|id| id.uuid)));
    values(query.load(conn).await?)
}

/// Referrals by the users of referrer and referred miner.
pub async fn by_people(
    conn: &mut Connection,
    people: &[(UserId, UserId)],
) -> Result<Vec<Referral>> {
    let query = ReferralRow::query()
        .filter(referrals::referrer_user_id.eq_any(people.iter().map(|people| people.0.0)))
        .filter(referrals::referred_user_id.eq_any(people.iter().map(|people| people.1.0)));
    values(query.load(conn).await?)
}

/// Numbers of a miner's referrals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Number of active referrals.
    pub active: i64,
    /// Number of referrals that wait for KYC.
    pub pending: i64,
    /// Number of inactive referrals.
    pub inactive: i64,
    /// Uncapped sum of the bonus rates of active referrals.
    pub active_bonus: Bps,
    /// Points of claimed sessions that are due to the referral bonus.
    pub earned: Minor,
}

impl Totals {
    /// Number of referrals with a status, or of all.
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

/// Numbers of miners' referrals, in one statement.
pub async fn totals(conn: &mut Connection, users: &[UserId]) -> Result<Vec<(UserId, Totals)>> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        user_id: Uuid,
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
        "SELECT m.user_id, r.active, r.pending, r.inactive, r.bonus, s.earned
         FROM miners m
         CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE status = 'ACTIVE') AS active,
                    count(*) FILTER (WHERE status = 'PENDING') AS pending,
                    count(*) FILTER (WHERE status = 'INACTIVE') AS inactive,
                    coalesce(sum(bonus_bps) FILTER (WHERE status = 'ACTIVE'), 0)::bigint AS bonus
             FROM referrals WHERE referrer_user_id = m.user_id
         ) r
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(referral_points), 0)::bigint AS earned
             FROM mining_sessions WHERE user_id = m.user_id AND status = 'CLAIMED'
         ) s
         WHERE m.user_id = ANY($1)",
    )
    .bind::<Array<SqlUuid>, _>(users.iter().map(|user| user.0).collect::<Vec<_>>())
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let totals = Totals {
                active: row.active,
                pending: row.pending,
                inactive: row.inactive,
                active_bonus: Bps(fit("referrals", "bonus_bps", row.bonus)?),
                earned: Minor(row.earned),
            };
            Ok((UserId(row.user_id), totals))
        })
        .collect()
}

/// One page of each miner's referrals, newest first, in one statement for all of them.
pub async fn pages(
    conn: &mut Connection,
    users: &[UserId],
    status: Option<ReferralStatus>,
    page: &Page<Place>,
) -> Result<Vec<(UserId, Slice<Referral>)>> {
    let table = ("referrals", "referrer_user_id", "created_at");
    let of_status = "($7 IS NULL OR status = $7)";
    let rows: Vec<ReferralRow> =
        diesel::sql_query(page.sql_per_owner(users.len(), table, of_status))
            .bind::<Array<SqlUuid>, _>(users.iter().map(|user| user.0).collect::<Vec<_>>())
            .bind::<Nullable<Timestamptz>, _>(page.after.map(|key| key.0))
            .bind::<Nullable<SqlUuid>, _>(page.after.map(|key| key.1))
            .bind::<Nullable<Timestamptz>, _>(page.before.map(|key| key.0))
            .bind::<Nullable<SqlUuid>, _>(page.before.map(|key| key.1))
            .bind::<BigInt, _>(page.fetch())
            .bind::<Nullable<Text>, _>(status.map(ReferralStatus::name))
            .load(conn)
            .await?;
    let referrals = rows.into_iter().map(Referral::try_from);
    page.slices(users, referrals, |referral| referral.id.referrer)
}

/// Conditions on referrals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// State.
    pub status: Option<ReferralStatus>,
    /// Miner who owns the code.
    pub referrer: Option<UserId>,
    /// Miner who applied the code.
    pub referred: Option<UserId>,
}

macro_rules! filter_referrals {
    ($query:ident, $filter:expr) => {
        let filter: &Filter = $filter;
        narrow!($query,
            status = filter.status => referrals::status.eq(status.name()),
            referrer = filter.referrer => referrals::referrer_user_id.eq(referrer.0),
            referred = filter.referred => referrals::referred_user_id.eq(referred.0),
        );
    };
}

/// A page of referrals, newest first.
pub async fn list(
    conn: &mut Connection,
    filter: &Filter,
    page: &Page<Place>,
) -> Result<Slice<Referral>> {
    let mut query = ReferralRow::query().into_boxed::<Pg>();
    filter_referrals!(query, filter);
    let query = keyset!(query, page, [referrals::created_at desc, referrals::id desc]);
    let rows: Vec<ReferralRow> = query.load(conn).await?;
    page.slice(rows).try_map(Referral::try_from)
}

/// Number of referrals that a filter selects.
pub async fn count(conn: &mut Connection, filter: &Filter) -> Result<Count> {
    let mut query = referrals::table.select(referrals::id).into_boxed::<Pg>();
    filter_referrals!(query, filter);
    count_rows(conn, query).await
}

/// Number of active referrals of a miner.
pub(in crate::mining) async fn active_referrals(
    conn: &mut Connection,
    referrer: UserId,
) -> Result<u32> {
    let active: i64 = referrals::table
        .filter(referrals::referrer_user_id.eq(referrer.0))
        .filter(referrals::status.eq(ReferralStatus::Active.name()))
        .select(count_star())
        .first(conn)
        .await?;
    fit("referrals", "count", active)
}

/// Uncapped sum of the bonus rates of a miner's active referrals.
pub(in crate::mining) async fn active_bonus(
    conn: &mut Connection,
    referrer: UserId,
) -> Result<Bps> {
    let bonus: Option<i64> = referrals::table
        .filter(referrals::referrer_user_id.eq(referrer.0))
        .filter(referrals::status.eq(ReferralStatus::Active.name()))
        .select(sum(referrals::bonus_bps))
        .first(conn)
        .await?;
    Ok(Bps(fit("referrals", "bonus_bps", bonus.unwrap_or(0))?))
}
