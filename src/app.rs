//! Builds and runs the server, for the program and for the tests.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use async_graphql::Variables;
use async_graphql::parser::parse_query;
use db::migrate::MigrateError;
use db::{Db, Ids, Settings, Tls};
use devdb::DataDir;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use resolvers::Guesses;
use resolvers::command_slots::CommandSlots;
use resolvers::limits::{Limits, Problem};
use resolvers::links::Links;
use resolvers::request::{About, ContextServices, Engine, Services};
use resolvers::turns::Turns;
use resolvers::{Ranks, ReferralUrls, Schema};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::auth::clock::instance_now;
use crate::auth::demo::DemoTokens;
use crate::auth::{
    AuthSettings, Authenticator, DevelopmentKeys, JwksSource, ServiceSettings, UserSettings,
};
use crate::config::{Config, DocumentsConfig, Environment};
use crate::http::connections;
use crate::http::graphiql::{DemoPeople, Graphiql};
use crate::http::health::{DependencyStatus, Health, HealthChecks, Need};
use crate::http::links::LinkSigner;
use crate::http::pages::StartPage;
use crate::http::persisted::{self, Documents, Trust, Trusted};
use crate::http::rate::Buckets;
use crate::http::static_file::StaticFile;
use crate::http::timeouts::Timeouts;
use crate::http::{self, HttpSettings, HttpState};
use crate::jobs::{self, runner::Pace};
use crate::metrics::Metrics;
use crate::realtime::listener::{self, Outage};
use crate::realtime::{ConnectionQuota, announcer};
use crate::secrets::DevSecrets;
use crate::telemetry::{self, Telemetry};

/// The server, built and not yet listening.
pub struct App {
    /// The database.
    pub db: Db,
    /// The schema.
    pub schema: Schema,
    /// Services that resolvers use.
    pub services: Services,
    links: LinkSigner,
    authenticator: Arc<Authenticator>,
    graphiql: Graphiql,
    metrics: Metrics,
    telemetry: Telemetry,
    config: Config,
}

/// Timeout of exporting the last traces.
const LAST_TRACES_TIMEOUT: Duration = Duration::from_secs(5);

/// The URLs of the configured database or of the private cluster. They may contain passwords.
#[derive(Clone, derive_more::Debug)]
#[debug("Database")]
pub struct Database {
    /// URL of the server's role.
    pub url: String,
    /// URL without a pooler, often the same.
    pub direct_url: String,
    /// URL of the migrating role, often the same.
    pub migration_url: String,
    /// URL of the replica for reads.
    pub read_url: Option<String>,
    /// Data folder of the private cluster.
    folder: Option<PathBuf>,
}

impl Database {
    /// The private database at this URL, or else the configured one.
    #[must_use]
    pub fn of(config: &Config, private: Option<&str>) -> Option<Self> {
        let url = private
            .map(str::to_owned)
            .or_else(|| config.database.url.clone())?;
        let configured = |setting: &Option<String>, default: &str| {
            let setting = setting.clone().filter(|_| private.is_none());
            setting.unwrap_or_else(|| default.to_owned())
        };
        let direct_url = configured(&config.database.direct_url, &url);
        Some(Self {
            migration_url: configured(&config.database.migration_url, &direct_url),
            direct_url,
            read_url: config
                .database
                .read_url
                .clone()
                .filter(|_| private.is_none()),
            url,
            folder: private.map(|_| config.database.data_dir.clone()),
        })
    }

    /// Migrates the database.
    pub async fn migrate(&self, config: &Config, tls: &Tls) -> anyhow::Result<()> {
        let settings = self.settings(config);
        match db::migrate::migrate(&self.migration_url, tls, Some(&settings)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Number of pending migrations.
    pub async fn pending(&self, tls: &Tls) -> anyhow::Result<usize> {
        let pending = db::migrate::pending(&self.migration_url, tls).await;
        pending.map_err(|error| self.explain(error))
    }

    /// Adds what helps with a private cluster.
    fn explain(&self, error: MigrateError) -> anyhow::Error {
        match (&error, &self.folder) {
            (MigrateError::OtherVersion(_), Some(folder)) => {
                let folder = DataDir::resolve(folder).map_or_else(
                    |_| folder.display().to_string(),
                    |folder| folder.path().display().to_string(),
                );
                anyhow::anyhow!("{error}; delete the data folder {folder} to start anew")
            }
            _ => error.into(),
        }
    }

    fn settings(&self, config: &Config) -> Settings {
        Settings {
            direct_url: self.direct_url.clone(),
            read_url: self.read_url.clone(),
            pool_size: config.database.pool_size,
            statement_timeout: config.database.statement_timeout,
            lock_timeout: config.database.lock_timeout,
            ..Settings::new(&self.url)
        }
    }

    /// Proves, without any tables, that no pooler is where the server listens and migrates.
    pub async fn prove_direct(&self, tls: &Tls) -> anyhow::Result<()> {
        // The role of another URL may be made by the first migration.
        if self.migration_url == self.direct_url {
            db::proof::notifications(&self.direct_url, &self.direct_url, tls).await?;
        }
        Ok(())
    }

    /// Proves that the server's connections of a migrated database are what the settings say.
    pub async fn prove(&self, config: &Config, tls: &Tls) -> anyhow::Result<()> {
        db::proof::notifications(&self.direct_url, &self.url, tls).await?;
        let settings = self.settings(config);
        db::proof::transactions(&settings, tls).await?;
        Ok(db::proof::replica(&settings, tls).await?)
    }

    /// Opens the connection pool.
    pub async fn connect(&self, config: &Config, tls: Tls, ids: Ids) -> anyhow::Result<Db> {
        Db::connect(self.settings(config), tls, ids)
            .await
            .context("the database can't be used")
    }
}

impl App {
    /// Builds the server over a migrated database.
    pub fn build(
        config: Config,
        db: Db,
        secrets: Option<&DevSecrets>,
        jwks: Option<String>,
    ) -> anyhow::Result<Self> {
        let links = LinkSigner::new(db.clone(), Arc::from(config.http.server_url()));
        let services = Services {
            db: db.clone(),
            events: resolvers::live::event_bus(),
            about: Arc::new(About {
                version: env!("CARGO_PKG_VERSION"),
                environment: config.environment.name(),
            }),
            introspection: config.http.introspection,
            of_contexts: ContextServices::default()
                .with(Ranks::default())
                .with(CommandSlots::new(config.database.commands))
                .with(Guesses::default())
                .with(Turns::default())
                .with(Links(Arc::new(links.clone())))
                .with(referral_urls(&config)),
        };
        let graphiql = graphiql(&config, secrets)?;
        let authenticator = Authenticator::new(auth_settings(&config, secrets, jwks)?)?;
        let schema = resolvers::schema();
        // Events before this call are not counted.
        let metrics = Metrics::start(db.clone(), services.events.clone());
        let telemetry = Telemetry::new(&config.telemetry, schema.types())?;
        Ok(Self {
            db,
            schema,
            metrics,
            telemetry,
            services,
            links,
            authenticator: Arc::new(authenticator),
            graphiql,
            config,
        })
    }

    /// Serves until `shutdown` ends, and then waits for running requests up to the drain time.
    pub fn serve(
        self,
        tcp: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> BoxFuture<'static, anyhow::Result<()>> {
        self.serve_until(tcp, shutdown.boxed()).boxed()
    }

    async fn serve_until(
        self,
        tcp: TcpListener,
        shutdown: BoxFuture<'static, ()>,
    ) -> anyhow::Result<()> {
        if self.config.environment == Environment::Production {
            let offset = self
                .db
                .read(async |conn| db::clock::offset(conn).await)
                .await?;
            anyhow::ensure!(
                offset.is_zero(),
                "the database's clock was moved, which is for development only: this database can't serve production"
            );
        }
        let address = tcp.local_addr()?;
        tracing::info!(%address, "Listening on http://{address}");
        let telemetry = self.telemetry.clone();
        let mut background = JoinSet::new();
        background.spawn(telemetry::watch::run(self.db.clone(), self.metrics.clone()));
        background.spawn(announcer::run(self.db.clone(), false));
        let outage = Outage::begin();
        background.spawn(listener::run(
            self.db.clone(),
            self.services.events.clone(),
            outage.clone(),
        ));
        let db = self.db.clone();
        background.spawn(async move { db.watch_replica().await });
        let (db, events) = (self.db.clone(), self.services.events.clone());
        background.spawn(async move { events.run(&db).await });
        let (draining, is_draining) = watch::channel(false);
        let drain = self.config.http.drain;
        let leave = self.config.live.leave;
        let timeouts = Timeouts {
            header: self.config.http.header_timeout,
            // Sockets time out first, and send a close code.
            write: self.config.live.write_timeout + Duration::from_secs(3),
            // At least one ping comes between.
            idle: (self.config.live.ping_every * 2).max(self.config.http.idle),
        };
        // One connection listens, two migrate, and a replica has a pool of its own.
        let database_connections = self.config.database.pool_size * 2 + 4;
        let limits = self
            .config
            .http
            .connections
            .within_open_files(database_connections);
        let tasks = TaskTracker::new();
        tasks.spawn(jobs::runner::run(
            self.db.clone(),
            self.telemetry.clone(),
            &jobs::ALL,
            Pace::default(),
            is_draining.clone(),
        ));
        let router = http::router(self.http_state(is_draining.clone(), tasks.clone(), outage)?);
        tokio::spawn(async move {
            shutdown.await;
            tracing::info!("Shutting down: running requests may finish");
            // Readiness fails and each answer closes its connection. After `leave` sockets and the listener close.
            draining.send_replace(true);
        });
        let (mut closing, mut late) = (is_draining.clone(), is_draining);
        let closing = async move {
            let _ = closing.wait_for(|draining| *draining).await;
            tokio::time::sleep(leave).await;
        };
        let serving = connections::serve(tcp, router, limits, timeouts, closing);
        tokio::select! {
            () = async {
                serving.await;
                tasks.close();
                tasks.wait().await;
            } => {}
            ended = background.join_next() => anyhow::bail!("a background task ended unexpectedly: {ended:?}"),
            () = async {
                let _ = late.wait_for(|draining| *draining).await;
                tokio::time::sleep(drain).await;
            } => tracing::warn!("Some requests did not finish in {} seconds", drain.as_secs()),
        }
        background.shutdown().await;
        telemetry.shutdown(LAST_TRACES_TIMEOUT).await;
        Ok(())
    }

    fn http_state(
        self,
        draining: watch::Receiver<bool>,
        tasks: TaskTracker,
        outage: Outage,
    ) -> anyhow::Result<HttpState> {
        let ids = self.db.ids().clone();
        let referral_urls = referral_urls(&self.config);
        let configured = self.config.limits;
        let limits = configured.limits;
        let documents = documents(&self.config.documents, &limits, &self.schema)?;
        Ok(HttpState {
            sdl: StaticFile::new("text/plain; charset=utf-8", resolvers::sdl(&self.schema)),
            schema: self.schema,
            services: self.services,
            links: self.links,
            authenticator: self.authenticator,
            health: HealthChecks::new(DatabaseHealth {
                db: self.db,
                outage,
            }),
            metrics: self.metrics,
            telemetry: self.telemetry,
            connection_quota: ConnectionQuota::new(self.config.live.quota),
            settings: Arc::new(HttpSettings {
                referral_urls,
                allowed_origins: match self.config.environment {
                    Environment::Development => {
                        let http = &self.config.http;
                        let page = format!("http://{}:{}", http.host, http.port);
                        http.origins()
                            .with_page_at(&page)
                            .with_page_at(&http.server_url())
                    }
                    Environment::Production => self.config.http.origins().only_listed(),
                },
                trusted_proxies: self.config.http.trusted_proxies,
                max_body_bytes: configured.max_body_bytes,
                max_service_body_bytes: configured.max_service_body_bytes,
                limits,
                request_timeout: configured.request_timeout,
                live: self.config.live,
                start_page: StartPage::new(
                    self.config.environment,
                    &self.graphiql,
                    self.config.http.public_url.as_deref(),
                ),
                graphiql: self.graphiql,
                ..HttpSettings::default()
            }),
            buckets: Arc::new(Buckets::new(configured.rates, limits.mode)),
            documents: Arc::new(documents),
            draining,
            new_request_id: Arc::new(move || ids.uuid(instance_now()).to_string()),
            tasks,
        })
    }
}

/// The starts of invite links and of links to this server.
fn referral_urls(config: &Config) -> ReferralUrls {
    ReferralUrls {
        share: Arc::from(config.http.share_base_url.as_str()),
        server: Arc::from(config.http.server_url()),
    }
}

/// Reads the trusted documents. Fails if one exceeds a limit.
fn documents(
    config: &DocumentsConfig,
    limits: &Limits,
    schema: &Schema,
) -> anyhow::Result<Documents> {
    let mut trusted = Trusted::default();
    for manifest in &config.manifests {
        trusted.add(manifest)?;
    }
    for (id, text) in trusted.iter() {
        let check = || -> Result<(), Problem> {
            limits.check_text(text)?;
            if let Ok(document) = parse_query(text) {
                limits.check(schema.types(), &document, None, &Variables::default())?;
            }
            Ok(())
        };
        check().map_err(|problem| anyhow::anyhow!("the trusted document {id}: {problem}"))?;
    }
    anyhow::ensure!(
        config.trust != Trust::Enforce || trusted.iter().next().is_some(),
        "GOODGO_TRUSTED_DOCUMENTS=enforce without any trusted document refuses all requests: set GOODGO_TRUSTED_DOCUMENTS_FILES"
    );
    Ok(Documents::new(persisted::Settings {
        stored_bytes: config.stored_bytes,
        trust: config.trust,
        trusted,
    }))
}

/// The database, its events and its replica as dependencies.
struct DatabaseHealth {
    db: Db,
    outage: Outage,
}

impl Health for DatabaseHealth {
    fn check(&self) -> BoxFuture<'_, Vec<DependencyStatus>> {
        async {
            let started_at = Instant::now();
            let answer = self.db.read(async |conn| db::ping(conn).await).await;
            let database = DependencyStatus {
                name: "database",
                need: Need::ToServe,
                answer: answer
                    .map(|()| started_at.elapsed())
                    .map_err(|error| error.to_string()),
            };
            let events = DependencyStatus {
                name: "events",
                need: Need::ToServe,
                answer: if self.outage.is_long() {
                    Err("the connection that receives events is lost".to_owned())
                } else {
                    Ok(Duration::ZERO)
                },
            };
            let mut dependencies = vec![database, events];
            // The last result: a check of the replica would delay readiness.
            if let Some(status) = self.db.replica_status() {
                dependencies.push(DependencyStatus {
                    name: "replica",
                    need: Need::Optional,
                    answer: status.map(|()| Duration::ZERO),
                });
            }
            dependencies
        }
        .boxed()
    }
}

/// Whether GraphiQL is served, and in development the tokens of demo people.
fn graphiql(config: &Config, secrets: Option<&DevSecrets>) -> anyhow::Result<Graphiql> {
    // With a configured secret the tokens would be valid elsewhere, too.
    let secrets = secrets.filter(|_| config.auth.jwt_secret.is_none());
    Ok(match (config.http.graphiql, config.environment, secrets) {
        (false, _, _) => Graphiql::Off,
        (true, Environment::Development, Some(secrets)) => {
            Graphiql::WithPeople(Arc::new(DemoPeople {
                tokens: DemoTokens::new(config, secrets)?,
                host: config.http.host.clone(),
            }))
        }
        (true, _, _) => Graphiql::On,
    })
}

/// The accepted tokens: the configured ones, and in development those of the generated secrets.
fn auth_settings(
    config: &Config,
    secrets: Option<&DevSecrets>,
    jwks: Option<String>,
) -> anyhow::Result<AuthSettings> {
    let auth = &config.auth;
    let sources = |texts: &[String]| {
        texts
            .iter()
            .map(|text| text.parse())
            .collect::<anyhow::Result<Vec<JwksSource>>>()
    };
    let service_jwks: Vec<String> = auth.service_jwks.iter().cloned().chain(jwks).collect();
    Ok(AuthSettings {
        users: UserSettings {
            issuers: auth.user_issuers.clone(),
            audiences: auth.audiences.clone(),
            secret: auth
                .jwt_secret
                .clone()
                .or_else(|| secrets.map(|secrets| secrets.jwt_secret.clone())),
            jwks: sources(&auth.iam_jwks)?,
        },
        services: ServiceSettings {
            issuers: auth.service_issuers.clone(),
            audiences: auth.audiences.clone(),
            jwks: sources(&service_jwks)?,
        },
        development_keys: match config.environment {
            Environment::Development => DevelopmentKeys::Accepted,
            Environment::Production => DevelopmentKeys::Refused,
        },
        leeway_seconds: auth.leeway_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(trust: Trust, manifest: Option<&str>) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let config = DocumentsConfig {
            stored_bytes: 0,
            trust,
            manifests: manifest.iter().map(|_| path.clone()).collect(),
        };
        if let Some(manifest) = manifest {
            std::fs::write(&path, manifest).unwrap();
        }
        let started = documents(&config, &Limits::default(), &resolvers::schema());
        started.map(drop).map_err(|problem| format!("{problem:#}"))
    }

    #[test]
    fn refuses_trusted_documents_over_a_limit() {
        let good = r#"{"1": "{ serverInfo { version } }"}"#;
        assert_eq!(start(Trust::Enforce, Some(good)), Ok(()));
        assert_eq!(start(Trust::Log, None), Ok(()));
        let aliases: String = ('a'..='z')
            .flat_map(|a| [a, 'x', ':', 'i', 'd', ' ', a, 'y', ':', 'i', 'd', ' '])
            .collect();
        let large = format!(r#"{{"1": "{{ viewer {{ {aliases} }} }}"}}"#);
        for (trust, manifest, problem) in [
            (Trust::Enforce, None, "without any trusted document"),
            (Trust::Off, Some(large.as_str()), "aliases 52, at most 30"),
            (
                Trust::Off,
                Some(r#"{"1": "{ ...Gone }"}"#),
                "no fragment Gone",
            ),
            (Trust::Off, Some("{"), "neither an Apollo manifest"),
        ] {
            let error = start(trust, manifest).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
