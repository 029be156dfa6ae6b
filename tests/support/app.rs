//! A server for one test: what production starts, on a free port, over a database of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, Ids, Settings, Tls};
use domain::access::{Person, Principal, Role, Scope};
use domain::ids::UserId;
use futures_util::FutureExt;
use goodgo::app::{App, Database};
use goodgo::auth::clock::instance_now;
use goodgo::auth::tokens::{self, DevKeys};
use goodgo::config::Config;
use goodgo::secrets::DevSecrets;
use resolvers::events::EventBus;
use resolvers::language::Language;
use resolvers::live::MinerTopic;
use resolvers::request::{Caller, Services, execute};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::events::documented;
use super::wallets::count_issuance;
use super::{Actor, Cluster};

/// A running server with its database.
pub struct TestApp {
    /// The database of its instance.
    pub db: Db,
    /// The services that its operations use.
    pub services: Services,
    /// The events that its instance delivers.
    pub events: EventBus,
    /// The URL of its database.
    pub database_url: String,
    address: SocketAddr,
    /// The client of its actors: making one takes longer than a request.
    client: reqwest::Client,
    secrets: DevSecrets,
    /// Name of its database.
    name: String,
    /// Public keys of services.
    _jwks: tempfile::TempPath,
    invents_points: AtomicBool,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<anyhow::Result<()>>,
}

/// Runs a test over a server of its own, then checks the invariants of `TestApp::check`.
pub fn test(body: impl AsyncFnOnce(&TestApp)) {
    test_with(&[], body);
}

/// Runs a test over a server with settings.
pub fn test_with(settings: &[(&str, &str)], body: impl AsyncFnOnce(&TestApp)) {
    runtime().block_on(async {
        let cluster = Cluster::get().await;
        super::keys::watch();
        let app = TestApp::start(settings).await;
        let result = AssertUnwindSafe(body(&app)).catch_unwind().await;
        let name = app.name.clone();
        if result.is_ok() {
            app.check().await;
        }
        app.stop().await;
        cluster.drop_database(&name).await;
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Runs a test over a database of its own servers, then checks its ledger. What the test returns lives until then.
pub fn on_servers<T>(url: &str, settings: &[(&str, &str)], body: impl AsyncFnOnce(&TestApp) -> T) {
    runtime().block_on(async {
        db::migrate::migrate(url, &Tls::from_machine(), None)
            .await
            .unwrap();
        run(url, super::cluster::TESTER).await;
        let app = TestApp::start_on("goodgo".to_owned(), url.to_owned(), secrets(), settings).await;
        let _kept = body(&app).await;
        let report = db::wallets::reconciliation::checker::check(
            &app.db,
            db::wallets::reconciliation::checker::Scope::All,
        )
        .await;
        assert_eq!(report.unwrap().mismatches, [], "the ledger is wrong");
        app.stop().await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    // The log is captured and shown with a failed test.
    let _ = tracing_subscriber::fmt()
        .with_test_writer()
        .with_max_level(tracing::Level::WARN)
        .try_init();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

impl TestApp {
    /// Starts a server over a new database.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let (name, url) = Cluster::get().await.create_database().await;
        Self::start_on(name, url, secrets(), settings).await
    }

    /// Starts another instance over the same database.
    pub async fn another(&self) -> Self {
        self.another_at(self.database_url.clone()).await
    }

    /// Starts another instance over the same database, with settings.
    pub async fn another_with(&self, settings: &[(&str, &str)]) -> Self {
        let url = self.database_url.clone();
        Self::start_on(self.name.clone(), url, self.secrets.clone(), settings).await
    }

    /// Starts another instance over the same database, reached by another URL.
    pub async fn another_at(&self, url: String) -> Self {
        Self::start_on(self.name.clone(), url, self.secrets.clone(), &[]).await
    }

    async fn start_on(
        name: String,
        url: String,
        secrets: DevSecrets,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut values: BTreeMap<String, OsString> = BTreeMap::new();
        values.insert("DATABASE_URL".to_owned(), OsString::from(&url));
        values.insert("GOODGO_POOL_SIZE".to_owned(), OsString::from("8"));
        // Stopping does not wait for open sockets.
        values.insert(
            "GOODGO_SOCKET_DRAIN_SECONDS".to_owned(),
            OsString::from("0"),
        );
        // Statements may wait for locks that a test holds, on the slowest machine.
        for name in ["GOODGO_LOCK_TIMEOUT_MS", "GOODGO_STATEMENT_TIMEOUT_MS"] {
            values.insert(name.to_owned(), OsString::from("60000"));
        }
        for (name, value) in settings {
            values.insert((*name).to_owned(), OsString::from(value));
        }
        let config = Config::from_values(values).unwrap();
        let database = Database::of(&config, None).unwrap();
        let db = database
            .connect(&config, Tls::from_machine(), Ids::seeded(seed()))
            .await
            .unwrap();
        // Jobs that write events run only when a test starts them.
        for job in goodgo::jobs::ALL
            .iter()
            .filter(|job| job.name != "partition_maintenance")
        {
            let postpone = format!(
                "INSERT INTO jobs (name, due_at) VALUES ('{}', clock_timestamp() + interval '1 day') ON CONFLICT DO NOTHING",
                job.name
            );
            run(&url, &postpone).await;
        }
        let jwks = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&jwks, &secrets.jwks).unwrap();
        let app = App::build(
            config,
            db.clone(),
            Some(&secrets),
            Some(jwks.display().to_string()),
        )
        .unwrap();
        let services = app.services.clone();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(app.serve(tcp, async {
            let _ = stopped.await;
        }));
        // Commands of staff that issue points need a count that is not older than a minute.
        count_issuance(&db).await;
        Self {
            db,
            events: services.events.clone(),
            services,
            database_url: url,
            address,
            client: reqwest::Client::new(),
            secrets,
            name,
            _jwks: jwks,
            invents_points: AtomicBool::new(false),
            stop: Some(stop),
            served,
        }
    }

    /// Makes all postponed jobs due.
    pub async fn let_jobs_run(&self) {
        let postponed = "UPDATE jobs SET due_at = clock_timestamp() WHERE due_at > clock_timestamp() + interval '20 hours'";
        self.sql(postponed).await;
    }

    /// A URL of the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The host and port of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn actor(&self, token: Option<String>, user_id: Option<UserId>) -> Actor {
        Actor::of(self.client.clone(), self.address, token, user_id)
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> Actor {
        self.actor(None, None)
    }

    /// A new user.
    pub fn user(&self) -> Actor {
        self.person(&[])
    }

    /// A new person with roles.
    pub fn person(&self, roles: &[Role]) -> Actor {
        let user_id = UserId(self.db.ids().uuid(instance_now()));
        let token = self.user_token(user_id, roles, instance_now() + TimeDelta::hours(1));
        self.actor(Some(token), Some(user_id))
    }

    /// The same person with a new token that has roles.
    pub fn person_of(&self, person: &Actor, roles: &[Role]) -> Actor {
        let token = self.user_token(person.id(), roles, instance_now() + TimeDelta::hours(1));
        self.actor(Some(token), Some(person.id()))
    }

    /// A user whose token has a name.
    pub fn named(&self, user_id: UserId, name: &str) -> Actor {
        let token = self.token_of(user_id, &[], name, instance_now() + TimeDelta::hours(1));
        self.actor(Some(token), Some(user_id))
    }

    /// A new administrator.
    pub fn admin(&self) -> Actor {
        self.person(&[Role::Admin])
    }

    /// A new member of FINANCE.
    pub fn finance(&self) -> Actor {
        self.person(&[Role::Finance])
    }

    /// A new member of the support staff.
    pub fn support(&self) -> Actor {
        self.person(&[Role::Support])
    }

    /// Stores a version of a section of the configuration with some settings changed.
    pub async fn configure(&self, section: &str, settings: &Value) {
        self.sql(&format!(
            "INSERT INTO configurations SELECT section, version + 1, body || '{settings}', app_now(), 'test', 'test'
             FROM configurations WHERE section = '{section}' ORDER BY version DESC LIMIT 1"
        ))
        .await;
    }

    /// Switches mining on or off.
    pub async fn switch_mining(&self, is_on: bool) {
        self.configure("mining", &serde_json::json!({"isGloballyEnabled": is_on}))
            .await;
    }

    /// Sets the status of a miner in the database.
    pub async fn set_status(&self, miner: &Actor, status: &str) {
        self.sql(&format!(
            "UPDATE miners SET status = '{status}',
                suspended_at = CASE WHEN '{status}' = 'SUSPENDED' THEN app_now() END
             WHERE user_id = '{}'",
            miner.id()
        ))
        .await;
    }

    /// A user's token that expires at a moment.
    pub fn user_token(&self, user_id: UserId, roles: &[Role], expires_at: DateTime<Utc>) -> String {
        self.token_of(user_id, roles, "Tester", expires_at)
    }

    fn token_of(
        &self,
        user_id: UserId,
        roles: &[Role],
        name: &str,
        expires_at: DateTime<Utc>,
    ) -> String {
        let from = instance_now() - TimeDelta::hours(1);
        tokens::mint_user(
            &self.secrets.jwt_secret,
            &tokens::UserToken {
                issuer: "goodgo-platform",
                audience: "goodgo-services",
                user_id,
                roles,
                name: Some(name),
                merchant_id: None,
                advertiser_id: None,
                validity: tokens::Validity {
                    from,
                    lifetime: expires_at - from,
                },
            },
        )
        .unwrap()
    }

    /// A service with scopes: the issuer `tester` of the configuration.
    pub fn service(&self, scopes: &[Scope]) -> Actor {
        let token = tokens::mint_service(
            &self.secrets.service_key,
            &tokens::ServiceToken {
                issuer: "goodgo-dev-services",
                audience: "goodgo-services",
                subject: "tester",
                scopes,
                validity: tokens::Validity {
                    from: instance_now(),
                    lifetime: TimeDelta::hours(1),
                },
            },
        )
        .unwrap();
        self.actor(Some(token), None)
    }

    /// Moves the clock of this test's database forward, once the job that drops old partitions has had its run at the start:
    /// a late one would drop what the test has written.
    pub async fn advance(&self, by: TimeDelta) {
        self.pass(by).await;
        count_issuance(&self.db).await;
    }

    /// Moves the clock without a count of what was issued.
    pub async fn pass(&self, by: TimeDelta) {
        let has_run = "name = 'partition_maintenance' AND runs > 0";
        self.until_count("jobs", has_run, 1).await;
        db::clock::advance(&self.database_url, &Tls::from_machine(), by)
            .await
            .unwrap();
    }

    /// Runs SQL as the owner of the tables.
    pub async fn sql(&self, sql: &str) {
        run(&self.database_url, sql).await;
    }

    /// Runs SQL that gives miners points without a cause; [`Self::check`] then compares no points with histories.
    pub async fn invent_points(&self, sql: &str) {
        self.invents_points.store(true, Ordering::Relaxed);
        self.sql(sql).await;
    }

    /// Makes the ledger accept postings of a test, which are stored as demo data.
    pub async fn allow_demo_data(&self) {
        self.sql("INSERT INTO demo_people VALUES ('test', '00000000-0000-0000-0000-000000000000') ON CONFLICT DO NOTHING")
            .await;
    }

    /// Checks what every test must leave true: a correct ledger, documented events, and no deadlock.
    pub async fn check(&self) {
        if self.count("transfers", "origin = 'SEED'").await > 0 {
            self.allow_demo_data().await;
        }
        let mut report = db::wallets::reconciliation::checker::check(
            &self.db,
            db::wallets::reconciliation::checker::Scope::All,
        )
        .await
        .unwrap();
        if self.invents_points.load(Ordering::Relaxed) {
            let mismatches = &mut report.mismatches;
            mismatches.retain(|mismatch| !mismatch.rule.contains("history"));
        }
        assert_eq!(report.mismatches, [], "the ledger is wrong");
        for (event, written) in self.event_fields().await {
            let fields = documented().get(&event);
            let is_right = fields.is_some_and(|fields| written.is_subset(fields));
            assert!(
                is_right,
                "{event} is not what docs/EVENTS.md says: {written:?}"
            );
        }
        super::keys::check();
        let log = Cluster::get().await.log_of(&self.name);
        assert!(!log.contains("deadlock detected"), "a deadlock: {log}");
    }

    /// Executes a person's operation as an instance that dies right after the commit: its events are not announced. Ids
    /// come from the seed. Returns the data.
    pub async fn execute_elsewhere(&self, seed: u64, who: UserId, query: &str) -> Value {
        let settings = Settings::new(&self.database_url);
        let db = Db::connect(settings, Tls::from_machine(), Ids::seeded(seed))
            .await
            .unwrap();
        let services = Services {
            db,
            ..self.services.clone()
        };
        let caller = Caller {
            principal: Principal::Person(Person {
                id: who,
                issuer: "test".to_owned(),
                roles: vec![Role::User],
                merchant_id: None,
                advertiser_id: None,
                name: None,
            }),
            network: std::net::IpAddr::from([127, 0, 0, 1]),
            request_id: "test".to_owned(),
            idempotency_key: None,
            language: Language::English,
        };
        let response = execute(&resolvers::schema(), &services, caller, query.into()).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        serde_json::to_value(&response.data).unwrap()
    }

    /// Waits until a subscription to a user's miner is registered.
    pub async fn until_followed(&self, user: UserId) {
        self.until(|| self.events.subscribers::<MinerTopic>().has(&user))
            .await;
    }

    /// Stops the server without closing its connections.
    pub async fn kill(self) {
        self.served.abort();
        let _ = self.served.await;
    }

    /// Waits until no subscription to a user's miner is left.
    pub async fn until_unfollowed(&self, user: UserId) {
        self.until(|| !self.events.subscribers::<MinerTopic>().has(&user))
            .await;
    }

    /// Stops the server as a signal would.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.served.await.unwrap().unwrap();
    }
}

/// A seed for each instance: two instances with the same seed make the same ids.
fn seed() -> u64 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    (u64::from(std::process::id()) << 32) | u64::from(number)
}

fn secrets() -> DevSecrets {
    static SECRETS: std::sync::OnceLock<DevSecrets> = std::sync::OnceLock::new();
    SECRETS
        .get_or_init(|| {
            let DevKeys {
                user_secret,
                service_key_pem,
                service_jwks,
            } = tokens::generate_dev_keys().unwrap();
            DevSecrets {
                jwt_secret: user_secret,
                service_key: service_key_pem,
                jwks: service_jwks,
            }
        })
        .clone()
}

/// Executes SQL on a connection of its own.
async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}
