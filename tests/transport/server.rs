//! A second server on the test's database, with its own settings.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use goodgo::auth::clock::instance_now;
use goodgo::auth::tokens::generate_dev_keys;
use goodgo::auth::{AuthSettings, Authenticator, DevelopmentKeys, ServiceSettings, UserSettings};
use goodgo::http::connections::{self, ConnectionLimits};
use goodgo::http::health::{DependencyStatus, Health, HealthChecks, Need};
use goodgo::http::links::LinkSigner;
use goodgo::http::persisted::{self, Documents};
use goodgo::http::rate::{Buckets, Rates};
use goodgo::http::static_file::StaticFile;
use goodgo::http::timeouts::Timeouts;
use goodgo::http::{HttpSettings, HttpState, router};
use goodgo::metrics::Metrics;
use goodgo::realtime::ConnectionQuota;
use goodgo::telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::support::{Actor, TestApp, in_time};

/// The server.
pub struct Server {
    pub address: SocketAddr,
    is_failing: Arc<AtomicBool>,
    /// Whether the server shuts down.
    pub draining: watch::Sender<bool>,
    /// State that outlives a request.
    pub tasks: TaskTracker,
    /// Open connections per caller.
    pub connection_quota: ConnectionQuota,
}

impl Server {
    /// Starts the server.
    pub async fn start(app: &TestApp, settings: HttpSettings) -> Self {
        Self::depending_on(app, settings, Vec::new()).await
    }

    /// Starts the server with a dependency whose checks are counted.
    pub async fn counting_checks(app: &TestApp) -> (Self, Arc<AtomicU64>) {
        let said = Said::new(vec![up("database", Duration::ZERO)]);
        let checks = Arc::clone(&said.checks);
        let server = Self::over(app, HttpSettings::default(), said).await;
        (server, checks)
    }

    /// Makes the dependencies unavailable.
    pub fn fail(&self) {
        self.is_failing.store(true, Ordering::Relaxed);
    }

    /// Starts the server with given dependencies.
    pub async fn depending_on(
        app: &TestApp,
        settings: HttpSettings,
        dependencies: Vec<DependencyStatus>,
    ) -> Self {
        Self::over(app, settings, Said::new(dependencies)).await
    }

    async fn over(app: &TestApp, settings: HttpSettings, said: Said) -> Self {
        let is_failing = Arc::clone(&said.is_failing);
        let schema = resolvers::schema();
        let (draining, is_draining) = watch::channel(false);
        let tasks = TaskTracker::new();
        let connection_quota = ConnectionQuota::new(settings.live.quota);
        let write_timeout = settings.live.write_timeout * 2;
        let ids = app.db.ids().clone();
        let state = HttpState {
            sdl: StaticFile::new("text/plain; charset=utf-8", resolvers::sdl(&schema)),
            schema,
            services: app.services.clone(),
            authenticator: Arc::new(authenticator()),
            health: HealthChecks::new(said),
            links: LinkSigner::new(app.db.clone(), Arc::from("http://localhost")),
            metrics: Metrics::start(app.db.clone(), app.events.clone()),
            telemetry: Telemetry::default(),
            buckets: Arc::new(Buckets::new(Rates::default(), settings.limits.mode)),
            connection_quota: connection_quota.clone(),
            documents: Arc::new(Documents::new(persisted::Settings::default())),
            settings: Arc::new(settings),
            draining: is_draining,
            new_request_id: Arc::new(move || ids.uuid(instance_now()).to_string()),
            tasks: tasks.clone(),
        };
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let timeouts = Timeouts {
            header: write_timeout * 10,
            write: write_timeout,
            idle: write_timeout * 10,
        };
        let limits = ConnectionLimits::default();
        tokio::spawn(async move {
            let forever = std::future::pending();
            connections::serve(tcp, router(state), limits, timeouts, forever).await;
        });
        Self {
            address,
            is_failing,
            draining,
            tasks,
            connection_quota,
        }
    }

    /// URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Anonymous caller.
    pub fn anonymous(&self) -> Actor {
        Actor::new(self.address, None, None)
    }

    /// Waits until no work outlives its request.
    pub async fn until_idle(&self) {
        self.tasks.close();
        in_time("an end", self.tasks.wait()).await;
    }
}

fn authenticator() -> Authenticator {
    Authenticator::new(AuthSettings {
        users: UserSettings {
            secret: Some(generate_dev_keys().unwrap().user_secret),
            ..UserSettings::default()
        },
        services: ServiceSettings::default(),
        development_keys: DevelopmentKeys::Accepted,
        leeway_seconds: goodgo::auth::DEFAULT_LEEWAY_SECONDS,
    })
    .unwrap()
}

/// Available dependency.
pub fn up(name: &'static str, latency: Duration) -> DependencyStatus {
    DependencyStatus {
        name,
        need: Need::ToServe,
        answer: Ok(latency),
    }
}

/// Unavailable dependency.
pub fn down(name: &'static str, need: Need, why: &str) -> DependencyStatus {
    DependencyStatus {
        name,
        need,
        answer: Err(why.to_owned()),
    }
}

/// Dependencies with given states.
struct Said {
    dependencies: Vec<DependencyStatus>,
    checks: Arc<AtomicU64>,
    is_failing: Arc<AtomicBool>,
}

impl Said {
    fn new(dependencies: Vec<DependencyStatus>) -> Self {
        Self {
            dependencies,
            checks: Arc::default(),
            is_failing: Arc::default(),
        }
    }
}

impl Health for Said {
    fn check(&self) -> BoxFuture<'_, Vec<DependencyStatus>> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let mut dependencies = self.dependencies.clone();
        if self.is_failing.load(Ordering::Relaxed) {
            for dependency in &mut dependencies {
                dependency.answer = Err("failed".to_owned());
            }
        }
        std::future::ready(dependencies).boxed()
    }
}
