//! Reads gauges from the database every few seconds, so that a scrape needs no query.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::TimeDelta;
use db::wallets::reconciliation::queries::last_run;
use db::wallets::wallet::queries;
use db::wallets::{hold, settlement};
use db::{Connection, Count, Db, DbError, outbox};
use domain::time::Timestamp;
use domain::time::plus;

use crate::metrics::Metrics;

/// Interval between two reads.
const EVERY: Duration = Duration::from_secs(5);

/// Reads until the process ends.
pub async fn run(db: Db, metrics: Metrics) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Samples accumulate until the upkeep, also without scrapes.
        metrics.run_upkeep();
        let result = tokio::time::timeout(EVERY, read_gauges(&db)).await;
        let is_up = matches!(result, Ok(Ok(())));
        metrics::gauge!("goodgo_database_up").set(if is_up { 1.0 } else { 0.0 });
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "The database can't be read: {error}");
            }
            Err(_) => tracing::debug!("The database doesn't answer"),
        }
    }
}

/// Sets the gauges. After an error they keep their last values.
async fn read_gauges(db: &Db) -> Result<(), DbError> {
    let of = db.clone();
    let (ages, last, jobs, issuance, overdue) = db
        .read(async move |conn| {
            let ages = outbox::ages(conn).await?;
            let last = last_run(conn).await?;
            let jobs = db::platform::job::all(conn).await?;
            let issuance = queries::issuance(&of, conn).await?;
            Ok((ages, last, jobs, issuance, overdue(conn).await?))
        })
        .await?;
    metrics::gauge!("goodgo_outbox_unannounced_age_seconds").set(ages.unannounced_seconds);
    metrics::gauge!("goodgo_outbox_undelivered_age_seconds").set(ages.undelivered_seconds);
    if let Some(last) = last {
        metrics::gauge!("goodgo_checker_mismatches").set(last.mismatches);
        metrics::gauge!("goodgo_checker_last_run_timestamp_seconds").set(seconds(last.finished_at));
    }
    for of in issuance {
        let currency = of.issued.currency.code.to_string();
        let gauge = metrics::gauge!("goodgo_issuance_issued", "currency" => currency.clone());
        let (issued, ceiling) = of.in_units();
        gauge.set(issued);
        metrics::gauge!("goodgo_issuance_ceiling", "currency" => currency).set(ceiling);
    }
    metrics::gauge!("goodgo_holds_overdue").set(number(overdue.0));
    metrics::gauge!("goodgo_clearing_overdue").set(number(overdue.1));
    for job in jobs {
        metrics::gauge!("goodgo_job_due_timestamp_seconds", "job" => job.name.clone())
            .set(seconds(job.due_at));
        // From the table, because another instance may have run the job.
        if let Some(succeeded_at) = job.succeeded_at {
            metrics::gauge!("goodgo_job_last_success_timestamp_seconds", "job" => job.name)
                .set(seconds(succeeded_at));
        }
    }
    Ok(())
}

/// Numbers of holds past their expiry, which the worker should have released, and of overdue clearing accounts.
async fn overdue(conn: &mut Connection) -> Result<(Count, Count), DbError> {
    let now = db::clock::now(conn).await?;
    let holds = hold::queries::count_overdue(conn, plus(now, TimeDelta::minutes(-1))).await?;
    Ok((holds, settlement::queries::count_overdue(conn, now).await?))
}

fn number(count: Count) -> f64 {
    let (Count::Exact(count) | Count::AtLeast(count)) = count;
    // At most 10,000.
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}

fn seconds(at: Timestamp) -> f64 {
    // No stored time is before 1970.
    SystemTime::from(at)
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
