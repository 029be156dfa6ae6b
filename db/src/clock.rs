//! The system's clock, and the partitions that go by its days.

use chrono::TimeDelta;
use diesel::sql_types::Int4;
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;

use crate::schema::app_clock;
use crate::{Connection, DbError, Tls};

/// Days of partitions to have ready.
const DAYS_AHEAD: i32 = 7;

diesel::define_sql_function! {
    /// The time of the system.
    fn app_now() -> diesel::sql_types::Timestamptz;
}
diesel::define_sql_function! {
    /// Makes missing daily partitions.
    fn ensure_daily_partitions(days_ahead: Int4) -> Int4;
}
diesel::define_sql_function! {
    /// Drops a daily partition nobody needs any more, if there is one.
    fn drop_old_daily_partition() -> diesel::sql_types::Bool;
}
diesel::define_sql_function! {
    /// Makes missing partitions of transfers.
    fn ensure_transfer_partitions() -> Int4;
}

/// Reads the clock.
pub async fn now(conn: &mut Connection) -> Result<Timestamp, DbError> {
    Ok(diesel::select(app_now()).get_result(conn).await?)
}

/// Makes the partitions of the coming days, where they are missing.
pub async fn ensure_partitions(conn: &mut Connection) -> Result<(), DbError> {
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

/// Drops the partitions of keys that are older than two days, and of events that are older than seven and delivered. What
/// somebody is using is left for the next time.
pub async fn drop_old_partitions(conn: &mut Connection) -> Result<(), DbError> {
    // One at a time: each is a transaction of its own, which keeps the parent's lock no longer than that.
    while diesel::select(drop_old_daily_partition())
        .get_result::<bool>(conn)
        .await?
    {
        tracing::info!("Dropped a partition nobody needs any more");
    }
    Ok(())
}

/// How far the clock is ahead of the machine's.
pub async fn offset(conn: &mut Connection) -> Result<TimeDelta, DbError> {
    let microseconds: i64 = app_clock::table
        .select(app_clock::offset_microseconds)
        .first(conn)
        .await?;
    Ok(TimeDelta::microseconds(microseconds))
}

/// Moves the clock forward, for everybody, and makes the partitions of the days it arrives at.
///
/// Connects in the migrating role: a running server can't do this.
pub async fn advance(url: &str, tls: &Tls, by: TimeDelta) -> Result<Timestamp, DbError> {
    let mut conn = crate::migrate::connect(url, tls).await?;
    let microseconds = by.num_microseconds().unwrap_or(i64::MAX);
    diesel::update(app_clock::table)
        .set(app_clock::offset_microseconds.eq(app_clock::offset_microseconds + microseconds))
        .execute(&mut conn)
        .await?;
    ensure_partitions(&mut conn).await?;
    now(&mut conn).await
}
