//! The runner of jobs: leases, failures, shutdown.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use db::platform::job::{Job as Stored, all, register, take};
use db::{Db, DbError};
use futures_util::FutureExt;
use goodgo::jobs::Job;
use goodgo::jobs::runner::{Pace, run};
use goodgo::telemetry::Telemetry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{TestApp, in_time, test};

const QUICK: Pace = Pace {
    look_every: Duration::from_millis(10),
    lease: Duration::from_secs(5),
    renew_every: Duration::from_millis(100),
};
const RARELY: Duration = Duration::from_secs(3_600);

/// An instance's runner of some jobs.
struct Runner {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Runner {
    fn start(app: &TestApp, jobs: &'static [Job]) -> Self {
        Self::start_at(app, jobs, QUICK)
    }

    fn start_at(app: &TestApp, jobs: &'static [Job], pace: Pace) -> Self {
        let (stop, is_draining) = watch::channel(false);
        let task = tokio::spawn(run(
            app.db.clone(),
            Telemetry::default(),
            jobs,
            pace,
            is_draining,
        ));
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

async fn stored(db: &Db, name: &str) -> Option<Stored> {
    let jobs = db.read(async |conn| all(conn).await).await.unwrap();
    jobs.into_iter().find(|job| job.name == name)
}

/// Waits until a job meets a condition; returns it.
pub(super) async fn until(db: &Db, name: &str, is_so: impl Fn(&Stored) -> bool) -> Stored {
    let waiting = async {
        loop {
            if let Some(job) = stored(db, name).await.filter(&is_so) {
                return job;
            }
        }
    };
    in_time("the job", waiting).await
}

async fn hurry_up(app: &TestApp, name: &str) {
    let sql = format!("UPDATE jobs SET due_at = clock_timestamp() WHERE name = '{name}'");
    app.sql(&sql).await;
}

#[test]
fn runs_a_job_on_one_instance_at_a_time() {
    static RUNNING: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    /// Counts down however the run ends.
    struct Running;
    impl Drop for Running {
        fn drop(&mut self) {
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        }
    }
    static JOBS: [Job; 1] = [Job {
        name: "test-alone",
        every: RARELY,
        run: |db| {
            async move {
                let count = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
                let _running = Running;
                MOST.fetch_max(count, Ordering::SeqCst);
                db.read(async |conn| db::ping(conn).await).await?;
                tokio::task::yield_now().await;
                Ok(())
            }
            .boxed()
        },
    }];
    test(async |app| {
        let runners: Vec<_> = (0..4).map(|_| Runner::start(app, &JOBS)).collect();
        for round in 1..=20 {
            // Due again while it may still run; it does not start before its end.
            until(&app.db, "test-alone", |job| job.runs >= round).await;
            hurry_up(app, "test-alone").await;
        }
        until(&app.db, "test-alone", |job| job.runs >= 21).await;
        for runner in runners {
            runner.stop().await;
        }
        assert_eq!(MOST.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn retries_failures_and_panics() {
    static JOBS: [Job; 2] = [
        Job {
            name: "test-fails",
            every: RARELY,
            run: |_| async { Err(DbError::Unavailable("no moon".to_owned())) }.boxed(),
        },
        Job {
            name: "test-panics",
            every: RARELY,
            run: |_| async { panic!("on purpose") }.boxed(),
        },
    ];
    test(async |app| {
        let runner = Runner::start(app, &JOBS);
        for (name, said) in [("test-fails", "no moon"), ("test-panics", "panicked")] {
            let job = until(&app.db, name, |job| job.failures == 1).await;
            assert!(job.last_error.clone().unwrap().contains(said), "{job:?}");
            assert_eq!(
                (job.runs, job.succeeded_at, job.is_running),
                (1, None, false)
            );
            let wait = job.due_at - job.finished_at.unwrap();
            assert!(
                (59..=60).contains(&wait.num_seconds()),
                "not in an hour: {job:?}"
            );
            hurry_up(app, name).await;
            until(&app.db, name, |job| job.failures == 2 && job.runs == 2).await;
        }
        runner.stop().await;
    });
}

static WAITS: [Job; 1] = [Job {
    name: "test-waits",
    every: RARELY,
    run: |_| std::future::pending().boxed(),
}];

#[test]
fn restarts_a_job_of_a_dead_instance() {
    static JOBS: [Job; 1] = [Job {
        name: "test-inherited",
        every: RARELY,
        run: |_| async { Ok(()) }.boxed(),
    }];
    test(async |app| {
        let names = ["test-inherited"];
        app.db
            .read(async move |conn| register(conn, &names).await)
            .await
            .unwrap();
        // An instance takes the job and dies.
        let dead = Uuid::from_u128(1);
        let taken = app
            .db
            .read(async move |conn| take(conn, &names, dead, Duration::from_secs(1)).await)
            .await
            .unwrap();
        assert_eq!(taken.as_deref(), Some("test-inherited"));
        let held = stored(&app.db, "test-inherited").await.unwrap();
        let runner = Runner::start(app, &JOBS);
        let job = until(&app.db, "test-inherited", |job| job.runs == 1).await;
        let waited = job.started_at.unwrap() - held.started_at.unwrap();
        assert!(
            waited >= chrono::TimeDelta::seconds(1),
            "it was taken while it was held: {waited}"
        );
        runner.stop().await;
    });
}

#[test]
fn keeps_the_lease_of_a_long_job_until_shutdown() {
    test(async |app| {
        let pace = Pace {
            look_every: Duration::from_millis(500),
            lease: Duration::from_secs(2),
            ..QUICK
        };
        let runner = Runner::start_at(app, &WAITS, pace);
        let taken = until(&app.db, "test-waits", |job| job.is_running).await;
        // The first lease passes while another instance looks for work.
        let other = Runner::start_at(app, &WAITS, pace);
        let passed =
            "name = 'test-waits' AND clock_timestamp() > started_at + interval '2.5 seconds'";
        app.until_count("jobs", passed, 1).await;
        let job = stored(&app.db, "test-waits").await.unwrap();
        assert_eq!((job.started_at, job.is_running), (taken.started_at, true));
        // On a rolling restart the next instance starts the job at once.
        runner.stop().await;
        let job = until(&app.db, "test-waits", |job| {
            job.started_at > taken.started_at
        })
        .await;
        assert_eq!((job.runs, job.failures), (0, 0));
        other.stop().await;
        assert!(!stored(&app.db, "test-waits").await.unwrap().is_running);
    });
}

#[test]
fn stops_a_job_whose_lease_is_lost() {
    static STOPPED: AtomicU32 = AtomicU32::new(0);
    struct Stopped;
    impl Drop for Stopped {
        fn drop(&mut self) {
            STOPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    static JOBS: [Job; 1] = [Job {
        name: "test-lost",
        every: RARELY,
        run: |_| {
            async {
                let _stopped = Stopped;
                std::future::pending().await
            }
            .boxed()
        },
    }];
    test(async |app| {
        let runner = Runner::start(app, &JOBS);
        until(&app.db, "test-lost", |job| job.is_running).await;
        app.sql("UPDATE jobs SET holder = gen_random_uuid(), leased_until = 'infinity' WHERE name = 'test-lost'")
            .await;
        app.until(|| STOPPED.load(Ordering::SeqCst) >= 1).await;
        // The end of the stopped run is not stored as an end of the new holder's run.
        assert_eq!(stored(&app.db, "test-lost").await.unwrap().runs, 0);
        runner.stop().await;
    });
}
