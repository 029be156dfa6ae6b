//! Runs jobs when they are due: each on one instance at a time, told by leases in the database.
//!
//! An instance that dies loses its leases after a while, and another one begins the job anew.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use db::{Db, DbError, jobs};
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use uuid::Uuid;

use super::Job;
use crate::auth::clock::instance_now;
use crate::telemetry::Telemetry;

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
    telemetry: Telemetry,
    all: &'static [Job],
    pace: Pace,
    /// The instance.
    holder: Uuid,
}

/// Runs jobs until the server drains; then stops those that run, so that another instance can begin them at once.
pub async fn run(
    db: Db,
    telemetry: Telemetry,
    all: &'static [Job],
    pace: Pace,
    mut draining: watch::Receiver<bool>,
) {
    let holder = db.ids().uuid(instance_now());
    let runner = Runner {
        db,
        telemetry,
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
        let running = async {
            let ended = AssertUnwindSafe(run(self.db.clone())).catch_unwind().await;
            ended.map_or_else(
                |_| Err("it panicked".to_owned()),
                |ended| ended.map_err(|error| error.to_string()),
            )
        };
        let ended = tokio::select! {
            ended = self.telemetry.job(name, running) => ended,
            () = self.lease_lost(name) => {
                metrics::counter!("goodgo_job_runs_total", "job" => name, "outcome" => "lost").increment(1);
                tracing::warn!(job = name, "The job {name} is not this instance's any more, and was stopped");
                return;
            }
        };
        let (error, again_in) = match ended {
            Ok(()) => {
                tracing::debug!(job = name, "The job {name} came to a good end");
                (None, every)
            }
            Err(error) => {
                tracing::error!(job = name, error, "The job {name} failed: {error}");
                (Some(error), every.min(AGAIN_AFTER_FAILURE))
            }
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
        // A little before the database would give it to another instance, however long asking takes.
        let until = |asked_at: Instant| asked_at + lease.mul_f64(0.9);
        let mut ours_until = until(Instant::now());
        loop {
            sleep(renew_every).await;
            let asked_at = Instant::now();
            let renewing = self
                .db
                .read(async move |conn| jobs::renew(conn, name, holder, lease).await);
            match timeout_at(ours_until, renewing).await {
                Ok(Ok(true)) => ours_until = until(asked_at),
                Ok(Ok(false)) | Err(_) => return,
                // Once more, as long as it is ours.
                Ok(Err(_)) => {}
            }
        }
    }
}
