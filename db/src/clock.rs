//! The platform's clock, and the partitions by its days.

use chrono::TimeDelta;
use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Int4, Timestamptz};
use diesel::{
    AppearsOnTable, Expression, ExpressionMethods, QueryDsl, QueryResult, SelectableExpression,
};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;

use crate::schema::app_clock;
use crate::{Connection, DbError, Result, Tls};

/// Number of days whose partitions are created ahead.
const DAYS_AHEAD: i32 = 7;

#[diesel::declare_sql_function]
extern "SQL" {
    /// Time of the platform's clock.
    fn app_now() -> Timestamptz;
    /// Creates missing daily partitions.
    fn ensure_daily_partitions(days_ahead: Int4) -> Int4;
    /// Drops a daily partition that is no longer needed, if there is one.
    fn drop_old_daily_partition() -> Bool;
    /// Creates missing partitions of transfers.
    fn ensure_transfer_partitions() -> Int4;
}

/// The clock's time in a query, read once per statement and not once per row.
///
/// A type of its own, because diesel prepares a statement with literal SQL anew each time.
#[derive(Clone, Copy, Debug, QueryId)]
pub struct ReadAt;

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

/// Reads the clock.
pub async fn now(conn: &mut Connection) -> Result<Timestamp> {
    pipelined(conn).await
}

/// Reads the clock behind the statements that were sent before on this connection, without waiting for them.
pub(crate) async fn pipelined(mut conn: &Connection) -> Result<Timestamp> {
    Ok(diesel::select(app_now()).get_result(&mut conn).await?)
}

/// Creates the missing partitions of the coming days.
pub async fn ensure_partitions(conn: &mut Connection) -> Result<()> {
    let (daily, transfers): (i32, i32) = diesel::select((
        ensure_daily_partitions(DAYS_AHEAD),
        ensure_transfer_partitions(),
    ))
    .get_result(conn)
    .await?;
    if daily + transfers > 0 {
        tracing::info!(daily, transfers, "Made {} partitions", daily + transfers);
    }
    Ok(())
}

/// Drops partitions of idempotency keys older than two days and of delivered events older than seven. Partitions in use
/// are left to the next run.
pub async fn drop_old_partitions(conn: &mut Connection) -> Result<()> {
    // One per transaction, so that the parent table is locked only briefly.
    while diesel::select(drop_old_daily_partition())
        .get_result::<bool>(conn)
        .await?
    {
        tracing::info!("Dropped an old partition");
    }
    Ok(())
}

/// Offset of the clock to the machine's.
pub async fn offset(conn: &mut Connection) -> Result<TimeDelta> {
    let microseconds: i64 = app_clock::table
        .select(app_clock::offset_microseconds)
        .first(conn)
        .await?;
    Ok(TimeDelta::microseconds(microseconds))
}

/// Moves the clock forward for every instance and creates the partitions of the coming days.
///
/// Connects in the migrating role: the server's role may not change the clock.
pub async fn advance(url: &str, tls: &Tls, by: TimeDelta) -> Result<Timestamp> {
    let mut conn = crate::pool::connect_as_migrator(url, tls).await?;
    let microseconds = by
        .num_microseconds()
        .ok_or_else(|| DbError::inconsistent("app_clock", "offset_microseconds", by))?;
    diesel::update(app_clock::table)
        .set(app_clock::offset_microseconds.eq(app_clock::offset_microseconds + microseconds))
        .execute(&mut conn)
        .await?;
    ensure_partitions(&mut conn).await?;
    now(&mut conn).await
}
