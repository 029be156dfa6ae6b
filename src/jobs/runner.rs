//! Runs jobs when they are due: each on one instance at a time, told by leases in the database.
//!
//! An instance that dies loses its leases after a while, and another one begins the job anew.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use db::{Db, DbError, jobs};
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::Job;
use crate::auth::clock::instance_now;

/// How soon a job that failed is tried again, unless it is due sooner.
const AGAIN_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// How often things are looked after.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often to look for jobs that are due.
    pub look_every: Duration,
    /// How long a job is an instance's without word from it.
    pub lease: Duration,
    /// How often an instance sends word.
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

/// Runs jobs for one instance.
#[derive(Clone)]
struct Runner {
    db: Db,
    all: &'static [Job],
    pace: Pace,
    /// The instance.
    holder: Uuid,
}

/// Tells the recorder what is counted.
pub fn describe() {
    metrics::describe_counter!(
        "goodgo_job_runs_total",
        "Runs of background jobs, by outcome"
    );
    metrics::describe_histogram!(
        "goodgo_job_duration_seconds",
        metrics::Unit::Seconds,
        "Time a background job took"
    );
    metrics::describe_gauge!(
        "goodgo_job_last_success_timestamp_seconds",
        "When a background job last came to a good end on this instance"
    );
}

/// Runs jobs until the server drains; then stops those that run, so that another instance can begin them at once.
pub async fn run(db: Db, all: &'static [Job], pace: Pace, mut draining: watch::Receiver<bool>) {
    let holder = db.ids().uuid(instance_now());
    let runner = Runner {
        db,
        all,
        pace,
        holder,
    };
    let mut running = JoinSet::new();
    tokio::select! {
        () = runner.run_forever(&mut running) => {}
        _ = draining.wait_for(|is_draining| *is_draining) => {}
    }
    running.shutdown().await;
    let released = runner
        .db
        .read(async move |conn| jobs::release(conn, holder).await)
        .await;
    if let Err(error) = released {
        let seconds = pace.lease.as_secs();
        tracing::warn!(%error, "Jobs stay this instance's for up to {seconds} s: {error}");
    }
}

impl Runner {
    async fn run_forever(&self, running: &mut JoinSet<()>) {
        let mut is_registered = false;
        let mut looks = interval(self.pace.look_every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            while running.try_join_next().is_some() {}
            if let Err(error) = self.look(&mut is_registered, running).await {
                tracing::warn!(%error, "Jobs can't be looked for: {error}");
            }
        }
    }

    /// Begins what is due and nobody runs.
    async fn look(
        &self,
        is_registered: &mut bool,
        running: &mut JoinSet<()>,
    ) -> Result<(), DbError> {
        let names: Vec<&str> = self.all.iter().map(|job| job.name).collect();
        let (holder, lease) = (self.holder, self.pace.lease);
        if !*is_registered {
            let names = names.clone();
            self.db
                .read(async move |conn| jobs::register(conn, &names).await)
                .await?;
            *is_registered = true;
        }
        loop {
            let names = names.clone();
            let taken = self
                .db
                .read(async move |conn| jobs::take(conn, &names, holder, lease).await)
                .await?;
            let Some(name) = taken else { return Ok(()) };
            for job in self.all.iter().filter(|job| job.name == name) {
                running.spawn(self.clone().run_once(*job));
            }
        }
    }

    async fn run_once(self, job: Job) {
        let Job { name, every, run } = job;
        let started_at = Instant::now();
        let running = AssertUnwindSafe(run(self.db.clone())).catch_unwind();
        let error = tokio::select! {
            ended = running => match ended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("it panicked".to_owned()),
            },
            () = self.lease_lost(name) => {
                tracing::warn!(job = name, "The job {name} is not this instance's any more, and was stopped");
                count(name, "lost", started_at);
                return;
            }
        };
        let seconds = started_at.elapsed().as_secs_f64();
        let again_in = if let Some(error) = &error {
            count(name, "error", started_at);
            tracing::error!(job = name, error, "The job {name} failed: {error}");
            every.min(AGAIN_AFTER_FAILURE)
        } else {
            count(name, "ok", started_at);
            #[expect(clippy::cast_precision_loss, reason = "seconds, for a gauge")]
            metrics::gauge!("goodgo_job_last_success_timestamp_seconds", "job" => name)
                .set(instance_now().timestamp() as f64);
            tracing::info!(
                job = name,
                seconds,
                "The job {name} ended after {seconds:.1} s"
            );
            every
        };
        let holder = self.holder;
        let noted = self
            .db
            .read(async move |conn| {
                jobs::finish(conn, name, holder, error.as_deref(), again_in).await
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(job = name, %error, "The end of the job {name} can't be noted: {error}");
        }
    }

    /// Sends word as long as the job is this instance's; ends when it isn't, or when nobody could be told for too long.
    async fn lease_lost(&self, name: &'static str) {
        let Pace {
            lease, renew_every, ..
        } = self.pace;
        let holder = self.holder;
        let mut heard_at = Instant::now();
        loop {
            sleep(renew_every).await;
            let asked_at = Instant::now();
            let renewed = self
                .db
                .read(async move |conn| jobs::renew(conn, name, holder, lease).await)
                .await;
            match renewed {
                Ok(true) => heard_at = asked_at,
                Ok(false) => return,
                Err(_) if heard_at.elapsed() + renew_every >= lease => return,
                Err(_) => {}
            }
        }
    }
}

fn count(job: &'static str, outcome: &'static str, started_at: Instant) {
    metrics::counter!("goodgo_job_runs_total", "job" => job, "outcome" => outcome).increment(1);
    metrics::histogram!("goodgo_job_duration_seconds", "job" => job)
        .record(started_at.elapsed().as_secs_f64());
}
