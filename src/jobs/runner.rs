//! Runs jobs when they are due, each on one instance at a time, by leases in the database.
//!
//! The leases of an instance that died expire, and another instance restarts its jobs.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use db::platform::job;
use db::{Db, DbError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use uuid::Uuid;

use super::Job;
use crate::auth::clock::instance_now;
use crate::telemetry::Telemetry;

/// Longest time until a failed job is retried.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Intervals of the runner.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Interval of looking for due jobs.
    pub look_every: Duration,
    /// Duration of a lease.
    pub lease: Duration,
    /// Interval of renewing leases.
    pub renew_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(1),
            lease: Duration::from_secs(30),
            renew_every: Duration::from_secs(10),
        }
    }
}

/// The runner of one instance.
#[derive(Clone)]
struct Runner {
    db: Db,
    telemetry: Telemetry,
    jobs: &'static [Job],
    pace: Pace,
    /// The id of the instance in leases.
    holder: Uuid,
}

/// Runs jobs until the shutdown. Then it cancels running jobs and releases their leases, so that another instance can
/// start them at once.
#[must_use]
pub fn run(
    db: Db,
    telemetry: Telemetry,
    jobs: &'static [Job],
    pace: Pace,
    draining: watch::Receiver<bool>,
) -> BoxFuture<'static, ()> {
    let holder = db.ids().uuid(instance_now());
    let runner = Runner {
        db,
        telemetry,
        jobs,
        pace,
        holder,
    };
    run_until_drained(runner, draining).boxed()
}

async fn run_until_drained(runner: Runner, mut draining: watch::Receiver<bool>) {
    let holder = runner.holder;
    let mut running = JoinSet::new();
    let mut is_registered = false;
    let mut looks = interval(runner.pace.look_every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = draining.wait_for(|is_draining| *is_draining) => break,
        }
        while running.try_join_next().is_some() {}
        // Never cancelled: the statement of a dropped future could take a lease after the release below.
        let started = runner.start_due_jobs(&mut is_registered, &mut running);
        if let Err(error) = started.await {
            tracing::warn!(%error, "Due jobs can't be read: {error}");
        }
    }
    running.shutdown().await;
    let released = runner
        .db
        .autocommit(async move |conn| job::release(conn, holder).await)
        .await;
    if let Err(error) = released {
        let seconds = runner.pace.lease.as_secs();
        tracing::warn!(%error, "The leases of jobs expire in up to {seconds} s, because they can't be released: {error}");
    }
}

impl Runner {
    /// Starts the due jobs that no instance runs.
    async fn start_due_jobs(
        &self,
        is_registered: &mut bool,
        running: &mut JoinSet<()>,
    ) -> Result<(), DbError> {
        let names: Vec<&str> = self.jobs.iter().map(|job| job.name).collect();
        let (holder, lease) = (self.holder, self.pace.lease);
        if !*is_registered {
            let names = names.clone();
            self.db
                .autocommit(async move |conn| job::register(conn, &names).await)
                .await?;
            *is_registered = true;
        }
        loop {
            let names = names.clone();
            let taken = self
                .db
                .autocommit(async move |conn| job::take(conn, &names, holder, lease).await)
                .await?;
            let Some(name) = taken else { return Ok(()) };
            for job in self.jobs.iter().filter(|job| job.name == name) {
                running.spawn(self.clone().run_once(*job));
            }
        }
    }

    async fn run_once(self, job: Job) {
        let Job { name, every, run } = job;
        let running = async {
            let result = AssertUnwindSafe(run(self.db.clone())).catch_unwind().await;
            result.map_or_else(
                |_| Err("the job panicked".to_owned()),
                |result| result.map_err(|error| error.to_string()),
            )
        };
        let result = tokio::select! {
            result = self.telemetry.job(name, running) => result,
            () = self.lease_lost(name) => {
                metrics::counter!("goodgo_job_runs_total", "job" => name, "outcome" => "lost").increment(1);
                tracing::warn!(job = name, "The lease of the job {name} was lost: the job was cancelled");
                return;
            }
        };
        let (error, due_in) = match result {
            Ok(()) => {
                tracing::debug!(job = name, "The job {name} succeeded");
                (None, every)
            }
            Err(error) => {
                tracing::error!(job = name, error, "The job {name} failed: {error}");
                (Some(error), every.min(RETRY_AFTER_FAILURE))
            }
        };
        let holder = self.holder;
        let stored = self
            .db
            .autocommit(async move |conn| {
                job::finish(conn, name, holder, error.as_deref(), due_in).await
            })
            .await;
        if let Err(error) = stored {
            tracing::warn!(job = name, %error, "The end of the job {name} can't be stored: {error}");
        }
    }

    /// Renews the lease of a job. Ends when the lease is lost or could not be renewed in time.
    async fn lease_lost(&self, name: &'static str) {
        let Pace {
            lease, renew_every, ..
        } = self.pace;
        let holder = self.holder;
        // Ends a little before the database gives the lease to another instance. The time counts from before the request.
        let expiry = |requested_at: Instant| requested_at + lease.mul_f64(0.9);
        let mut expires_at = expiry(Instant::now());
        loop {
            sleep(renew_every).await;
            let requested_at = Instant::now();
            let renewing = self
                .db
                .autocommit(async move |conn| job::renew(conn, name, holder, lease).await);
            match timeout_at(expires_at, renewing).await {
                Ok(Ok(true)) => expires_at = expiry(requested_at),
                Ok(Ok(false)) | Err(_) => return,
                // Retried until the lease expires.
                Ok(Err(_)) => {}
            }
        }
    }
}
