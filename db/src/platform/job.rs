//! Background jobs: due times and leases.
//!
//! Times are the machine's: the platform's clock can be moved, and a lease must not depend on it.

use std::time::Duration;

use diesel::expression::SqlLiteral;
use diesel::sql_types::{Array, Bool, Double, Text};

use crate::prelude::*;
use crate::schema::jobs;

/// State of a job.
#[derive(Clone, Debug, PartialEq, Eq, HasQuery)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    /// Name.
    pub name: String,
    /// Time of the next run.
    pub due_at: Timestamp,
    /// Whether an instance holds its lease.
    #[diesel(select_expression = is_running(), select_expression_type = SqlLiteral<Bool>)]
    pub is_running: bool,
    /// Time of the last start.
    pub started_at: Option<Timestamp>,
    /// Time of the last end.
    pub finished_at: Option<Timestamp>,
    /// Time of the last successful end.
    pub succeeded_at: Option<Timestamp>,
    /// Number of finished runs.
    pub runs: i64,
    /// Number of failed runs since the last success.
    pub failures: i64,
    /// Error of the last run, if it failed.
    pub last_error: Option<String>,
}

/// An expired lease belongs to an instance that crashed.
fn is_running() -> SqlLiteral<Bool> {
    diesel::dsl::sql("coalesce(leased_until >= clock_timestamp(), false)")
}

/// Inserts missing jobs, which are due at once.
pub async fn register(conn: &mut Connection, names: &[&str]) -> Result<()> {
    let rows: Vec<_> = names.iter().map(|name| jobs::name.eq(*name)).collect();
    diesel::insert_into(jobs::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Leases the job that has been due the longest and has no live lease; returns its name, or none.
pub async fn take(
    conn: &mut Connection,
    names: &[&str],
    holder: Uuid,
    lease: Duration,
) -> Result<Option<String>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let taken: Option<Taken> = diesel::sql_query(
        "UPDATE jobs SET holder = $2, started_at = clock_timestamp(),
                         leased_until = clock_timestamp() + $3 * interval '1 second'
         WHERE name = (
             SELECT name FROM jobs
             WHERE name = ANY($1) AND due_at <= clock_timestamp()
               AND (leased_until IS NULL OR leased_until < clock_timestamp())
             ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING name",
    )
    .bind::<Array<Text>, _>(names)
    .bind::<diesel::sql_types::Uuid, _>(holder)
    .bind::<Double, _>(lease.as_secs_f64())
    .get_result(conn)
    .await
    .optional()?;
    Ok(taken.map(|taken| taken.name))
}

/// Extends a lease; returns whether the holder still had it.
pub async fn renew(
    conn: &mut Connection,
    name: &str,
    holder: Uuid,
    lease: Duration,
) -> Result<bool> {
    let renewed = diesel::sql_query(
        "UPDATE jobs SET leased_until = clock_timestamp() + $3 * interval '1 second'
         WHERE name = $1 AND holder = $2 AND leased_until >= clock_timestamp()",
    )
    .bind::<Text, _>(name)
    .bind::<diesel::sql_types::Uuid, _>(holder)
    .bind::<Double, _>(lease.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(renewed == 1)
}

/// Records the end of a run and schedules the next. Has no effect when the holder has lost the lease.
pub async fn finish(
    conn: &mut Connection,
    name: &str,
    holder: Uuid,
    error: Option<&str>,
    again_in: Duration,
) -> Result<()> {
    diesel::sql_query(
        "UPDATE jobs SET holder = NULL, leased_until = NULL, finished_at = statement_timestamp(),
                         succeeded_at = CASE WHEN $3 IS NULL THEN statement_timestamp() ELSE succeeded_at END,
                         runs = runs + 1, failures = CASE WHEN $3 IS NULL THEN 0 ELSE failures + 1 END,
                         last_error = $3, due_at = statement_timestamp() + $4 * interval '1 second'
         WHERE name = $1 AND holder = $2",
    )
    .bind::<Text, _>(name)
    .bind::<diesel::sql_types::Uuid, _>(holder)
    .bind::<diesel::sql_types::Nullable<Text>, _>(error)
    .bind::<Double, _>(again_in.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(())
}

/// Releases all leases of an instance that shuts down.
pub async fn release(conn: &mut Connection, holder: Uuid) -> Result<()> {
    diesel::update(jobs::table.filter(jobs::holder.eq(holder)))
        .set((
            jobs::holder.eq(None::<Uuid>),
            jobs::leased_until.eq(None::<Timestamp>),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// All jobs, by name.
pub async fn all(conn: &mut Connection) -> Result<Vec<Job>> {
    Ok(Job::query().order(jobs::name).load(conn).await?)
}
