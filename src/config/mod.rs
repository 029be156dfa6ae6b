//! Configuration: one struct per concern, each read from the environment, which no other module reads.
//!
//! `docs/OPERATIONS.md` explains every setting; a test checks that.

mod limits;
mod live;
mod reader;
mod serving;
mod telemetry;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use resolvers::request::Introspection;

pub use self::limits::LimitsConfig;
use self::reader::Reader;
pub use self::telemetry::{TelemetryConfig, TracesConfig};
use crate::auth::JwksSource;
use crate::http::connections::ConnectionLimits;
use crate::http::origins::Origins;
use crate::http::persisted::Trust;
use crate::realtime::LiveSettings;

/// The configuration of the process.
#[derive(Clone, Debug)]
pub struct Config {
    /// Development or production.
    pub environment: Environment,
    /// HTTP server.
    pub http: HttpConfig,
    /// Database.
    pub database: DatabaseConfig,
    /// Accepted tokens.
    pub auth: AuthConfig,
    /// Limits of requests.
    pub limits: LimitsConfig,
    /// Sockets and streams.
    pub live: LiveSettings,
    /// Persisted queries and trusted documents.
    pub documents: DocumentsConfig,
    /// Logging.
    pub log: LogConfig,
    /// Traces and slow-operation logs.
    pub telemetry: TelemetryConfig,
}

/// The environment that the process runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Demo data, generated secrets, open introspection. The default.
    Development,
    /// Requires secrets; inserts no data.
    Production,
}

impl Environment {
    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// Settings of the HTTP server.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `GOODGO_HOST`: 127.0.0.1 in development, 0.0.0.0 in production.
    pub host: String,
    /// `PORT`: 8080.
    pub port: u16,
    /// `ALLOWED_ORIGINS`, comma-separated: origins of pages that may call.
    pub allowed_origins: Origins,
    /// `GOODGO_INTROSPECTION`: `everybody` in development, `signed-in` in production, or `nobody`.
    pub introspection: Introspection,
    /// `GOODGO_TRUSTED_PROXIES`: number of our proxies in front, which append to `X-Forwarded-For`, 0.
    pub trusted_proxies: usize,
    /// `SHARE_BASE_URL`: base of invite links, `https://goodgo.app/invite`.
    pub share_base_url: String,
    /// `GOODGO_PUBLIC_URL`: address at which clients reach this server, without a slash at its end; required in
    /// production.
    pub public_url: Option<String>,
    /// `GOODGO_GRAPHIQL`: whether GraphiQL is served, `on` or `off`.
    pub graphiql: bool,
    /// `GOODGO_IDLE_SECONDS`: timeout of idle connections, 75.
    pub idle: Duration,
    /// `GOODGO_HEADER_SECONDS`: time for a request's headers, 10.
    pub header_timeout: Duration,
    /// `GOODGO_CONNECTIONS`, `GOODGO_CONNECTIONS_PER_ADDRESS`: maximum of open connections. Behind trusted proxies an
    /// address has no limit of its own.
    pub connections: ConnectionLimits,
    /// `GOODGO_DRAIN_SECONDS`: time for running requests after the shutdown signal, 10.
    pub drain: Duration,
}

impl HttpConfig {
    /// The start of links to this server.
    #[must_use]
    pub fn server_url(&self) -> String {
        let default = || format!("http://localhost:{}", self.port);
        self.public_url.clone().unwrap_or_else(default)
    }

    /// The origins of pages that may call: the configured ones, and the server's own behind a proxy.
    #[must_use]
    pub fn origins(&self) -> Origins {
        let own = self.public_url.as_deref();
        own.map_or_else(
            || self.allowed_origins.clone(),
            |url| self.allowed_origins.clone().with_page_at(url),
        )
    }
}

/// Settings of the database.
#[derive(Clone, derive_more::Debug)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`; without it a private cluster in the data folder.
    #[debug("[redacted]")]
    pub url: Option<String>,
    /// `DIRECT_DATABASE_URL`: the same database without a pooler, for events and migrations.
    #[debug("[redacted]")]
    pub direct_url: Option<String>,
    /// `MIGRATION_DATABASE_URL`: the same database with the migrating role.
    #[debug("[redacted]")]
    pub migration_url: Option<String>,
    /// `READ_DATABASE_URL`: a replica for reads.
    #[debug("[redacted]")]
    pub read_url: Option<String>,
    /// `GOODGO_POOL_SIZE`: maximum of connections, 16.
    pub pool_size: usize,
    /// `GOODGO_COMMANDS`: commands that run at once, 256.
    pub commands: usize,
    /// `GOODGO_STATEMENT_TIMEOUT_MS`: timeout of a statement, 8000.
    pub statement_timeout: Duration,
    /// `GOODGO_LOCK_TIMEOUT_MS`: timeout of waiting for a lock, 3000.
    pub lock_timeout: Duration,
    /// `GOODGO_DATA_DIR`: folder of the private cluster and generated secrets, `.goodgo`.
    pub data_dir: PathBuf,
    /// `GOODGO_POSTGRES_BIN`: folder of `postgres`, `initdb` and `pg_ctl`, if it can't be found.
    pub postgres_bin: Option<PathBuf>,
    /// `PATH`, searched for PostgreSQL.
    pub path: Option<OsString>,
}

/// Settings of the accepted tokens.
#[derive(Clone, derive_more::Debug)]
pub struct AuthConfig {
    /// `JWT_SECRET`: key of user tokens (HS256), at least 32 bytes. Generated in development.
    #[debug("[redacted]")]
    pub jwt_secret: Option<String>,
    /// `JWT_ISSUER`, comma-separated: issuers of user tokens, `goodgo-platform`.
    pub user_issuers: Vec<String>,
    /// `JWT_AUDIENCE`, comma-separated: accepted audiences, `goodgo-services,goodgo-api`.
    pub audiences: Vec<String>,
    /// `JWT_LEEWAY_SECONDS`: tolerated difference to the clocks of issuers, 30.
    pub leeway_seconds: u32,
    /// `IAM_JWKS_URL`, comma-separated: keys of user tokens (RS256, `EdDSA`). A URL may contain a password.
    #[debug("[redacted]")]
    pub iam_jwks: Vec<String>,
    /// `SERVICE_JWKS_URL`, comma-separated: keys of service tokens (`EdDSA`). Generated in development.
    #[debug("[redacted]")]
    pub service_jwks: Vec<String>,
    /// `TRUSTED_ISSUERS`, comma-separated: issuers of service tokens.
    pub service_issuers: Vec<String>,
}

/// Settings of persisted queries and trusted documents.
#[derive(Clone, Debug)]
pub struct DocumentsConfig {
    /// `GOODGO_PERSISTED_QUERY_BYTES`: memory for automatic persisted queries, 8388608; 0 disables them.
    pub stored_bytes: usize,
    /// `GOODGO_TRUSTED_DOCUMENTS`: `off`, `log` untrusted documents, or `enforce`.
    pub trust: Trust,
    /// `GOODGO_TRUSTED_DOCUMENTS_FILES`, comma-separated: manifests.
    pub manifests: Vec<PathBuf>,
}

/// Settings of the logs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// `LOG_LEVEL`: `info`, or directives such as `goodgo=debug,db=warn`.
    pub filter: String,
    /// `LOG_FORMAT`: `text` in development, `json` in production.
    pub json: bool,
}

impl Config {
    /// Reads the environment of the process. Returns one line per problem.
    pub fn from_env() -> Result<Self, Vec<String>> {
        Self::from_values(environment())
    }

    /// Reads settings from a map. Returns one line per problem.
    pub fn from_values(values: BTreeMap<String, OsString>) -> Result<Self, Vec<String>> {
        let mut reader = Reader {
            values,
            problems: Vec::new(),
        };
        let config = reader.config();
        if reader.problems.is_empty() {
            Ok(config)
        } else {
            Err(reader.problems)
        }
    }
}

/// The environment of the process.
fn environment() -> BTreeMap<String, OsString> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect()
}

/// Whether an address is reached in plain text, through a network.
#[must_use]
pub fn is_plain(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        url.scheme() == "http" && !is_local
    })
}

const INTROSPECTION: &[(&str, Introspection)] = &[
    ("everybody", Introspection::Everybody),
    ("signed-in", Introspection::SignedIn),
    ("nobody", Introspection::Nobody),
];

const TRUST: &[(&str, Trust)] = &[
    ("off", Trust::Off),
    ("log", Trust::Log),
    ("enforce", Trust::Enforce),
];

impl Reader {
    fn config(&mut self) -> Config {
        let environment = match self.text("GOODGO_ENV").as_deref() {
            None | Some("development") => Environment::Development,
            Some("production") => Environment::Production,
            Some(other) => {
                self.problems.push(format!(
                    "GOODGO_ENV is {other:?}: it is development or production"
                ));
                Environment::Production
            }
        };
        let is_production = environment == Environment::Production;
        let (host, origins, issuers) = if is_production {
            ("0.0.0.0", "", "")
        } else {
            let origins = "http://localhost:3000,http://localhost:5173";
            ("127.0.0.1", origins, "goodgo-dev-services")
        };
        let introspection = if is_production {
            Introspection::SignedIn
        } else {
            Introspection::Everybody
        };
        let leave_seconds = if is_production { 2 } else { 0 };
        let drain = Duration::from_secs(self.number("GOODGO_DRAIN_SECONDS", 10, 0, 3_600));
        let port = self.number("PORT", 8080, 0, 65_535);
        let trusted_proxies = self.number("GOODGO_TRUSTED_PROXIES", 0, 0, 10);
        Config {
            environment,
            http: HttpConfig {
                host: self.text_or("GOODGO_HOST", host),
                port,
                allowed_origins: self.origins("ALLOWED_ORIGINS", origins),
                introspection: self.choice("GOODGO_INTROSPECTION", introspection, INTROSPECTION),
                trusted_proxies,
                share_base_url: self
                    .base_url("SHARE_BASE_URL")
                    .unwrap_or_else(|| "https://goodgo.app/invite".to_owned()),
                public_url: self.base_url("GOODGO_PUBLIC_URL"),
                graphiql: self.choice("GOODGO_GRAPHIQL", true, &[("on", true), ("off", false)]),
                idle: Duration::from_secs(self.number("GOODGO_IDLE_SECONDS", 75, 15, 86_400)),
                header_timeout: Duration::from_secs(self.number(
                    "GOODGO_HEADER_SECONDS",
                    10,
                    1,
                    3_600,
                )),
                connections: self.connections(trusted_proxies),
                drain,
            },
            database: self.database(),
            auth: AuthConfig {
                jwt_secret: self.secret("JWT_SECRET"),
                user_issuers: self.list("JWT_ISSUER", "goodgo-platform"),
                audiences: self.list("JWT_AUDIENCE", "goodgo-services,goodgo-api"),
                leeway_seconds: self.number(
                    "JWT_LEEWAY_SECONDS",
                    crate::auth::DEFAULT_LEEWAY_SECONDS,
                    0,
                    300,
                ),
                iam_jwks: self.key_sets("IAM_JWKS_URL"),
                service_jwks: self.key_sets("SERVICE_JWKS_URL"),
                service_issuers: self.list("TRUSTED_ISSUERS", issuers),
            },
            limits: self.limits(),
            live: self.live(leave_seconds, drain),
            documents: self.documents(),
            log: LogConfig {
                filter: self.log_filter("LOG_LEVEL"),
                json: self.choice(
                    "LOG_FORMAT",
                    is_production,
                    &[("text", false), ("json", true)],
                ),
            },
            telemetry: self.telemetry(),
        }
    }

    /// Addresses or files of key sets.
    fn key_sets(&mut self, name: &'static str) -> Vec<String> {
        let listed = self.list(name, "");
        let mut parsed = listed.iter().map(|one| one.parse::<JwksSource>());
        if let Some(Err(error)) = parsed.find(Result::is_err) {
            self.problems.push(format!("{name}: {error:#}"));
        }
        listed
    }

    fn log_filter(&mut self, name: &'static str) -> String {
        let filter = self.text_or(name, "info");
        // A bare word that is no level would name a target, and silence all others.
        let is_level = |part: &str| {
            part.contains(['=', '['])
                || part
                    .trim()
                    .parse::<tracing::level_filters::LevelFilter>()
                    .is_ok()
        };
        let parsed = tracing_subscriber::EnvFilter::builder().parse(&filter);
        if parsed.is_err() || !filter.split(',').all(is_level) {
            let problem =
                format!("{name} is {filter:?}: set a level such as info, or goodgo=debug");
            self.problems.push(problem);
        }
        filter
    }

    fn connections(&mut self, trusted_proxies: usize) -> ConnectionLimits {
        let usual = ConnectionLimits::default();
        let mut most = |name, default| self.number(name, default, 1, 1_000_000);
        let all = most("GOODGO_CONNECTIONS", usual.all);
        let per_address = most("GOODGO_CONNECTIONS_PER_ADDRESS", 2_000);
        ConnectionLimits {
            all,
            per_address: (trusted_proxies == 0).then_some(per_address),
        }
    }

    fn database(&mut self) -> DatabaseConfig {
        DatabaseConfig {
            url: self.database_url("DATABASE_URL"),
            direct_url: self.database_url("DIRECT_DATABASE_URL"),
            migration_url: self.database_url("MIGRATION_DATABASE_URL"),
            read_url: self.database_url("READ_DATABASE_URL"),
            pool_size: self.number("GOODGO_POOL_SIZE", 16, 2, 1_000),
            commands: self.number("GOODGO_COMMANDS", 256, 1, 100_000),
            statement_timeout: self.milliseconds("GOODGO_STATEMENT_TIMEOUT_MS", 8_000),
            lock_timeout: self.milliseconds("GOODGO_LOCK_TIMEOUT_MS", 3_000),
            data_dir: self
                .path("GOODGO_DATA_DIR")
                .unwrap_or_else(|| PathBuf::from(".goodgo")),
            postgres_bin: self.path("GOODGO_POSTGRES_BIN"),
            path: self.values.get("PATH").cloned(),
        }
    }

    /// A duration from ten milliseconds to an hour.
    fn milliseconds(&mut self, name: &'static str, default: u64) -> Duration {
        Duration::from_millis(self.number(name, default, 10, 3_600_000))
    }

    /// The start of links, without a slash at its end.
    fn base_url(&mut self, name: &'static str) -> Option<String> {
        let url = self.web_address(name)?;
        let has_more = reqwest::Url::parse(&url).is_ok_and(|url| {
            let has_user = !url.username().is_empty() || url.password().is_some();
            has_user || url.query().is_some() || url.fragment().is_some()
        });
        if has_more {
            // The value may contain a password.
            self.problems.push(format!(
                "{name} is not the start of a link: write scheme, host and path only"
            ));
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn origins(&mut self, name: &str, default: &str) -> Origins {
        let listed = self.list(name, default);
        let (origins, problems) = Origins::parse(&listed);
        let problems = problems.into_iter();
        self.problems
            .extend(problems.map(|problem| format!("{name}: {problem}")));
        origins
    }

    fn documents(&mut self) -> DocumentsConfig {
        DocumentsConfig {
            stored_bytes: self.number("GOODGO_PERSISTED_QUERY_BYTES", 8 << 20, 0, 1 << 32),
            trust: self.choice("GOODGO_TRUSTED_DOCUMENTS", Trust::Off, TRUST),
            manifests: self
                .list("GOODGO_TRUSTED_DOCUMENTS_FILES", "")
                .into_iter()
                .map(PathBuf::from)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        Config::from_values(
            values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
                .collect(),
        )
    }

    #[test]
    fn needs_no_settings_in_development() {
        let config = read(&[]).expect("the defaults");
        assert_eq!(config.environment, Environment::Development);
        assert_eq!(
            (config.http.host.as_str(), config.http.port),
            ("127.0.0.1", 8080)
        );
        assert_eq!(config.check_for_serving(), Ok(()));
    }

    #[test]
    fn reports_every_wrong_value() {
        let problems = read(&[
            ("GOODGO_ENV", "staging"),
            ("PORT", "99999"),
            ("GOODGO_POOL_SIZE", "1"),
            ("JWT_SECRET", "short"),
            ("DATABASE_URL", "http//nowhere"),
            ("LOG_FORMAT", "xml"),
            ("GOODGO_MAX_DEPTH", "0"),
            ("GOODGO_RATE_ISSUERS", "shop=many"),
            ("GOODGO_TRUSTED_DOCUMENTS", "perhaps"),
            ("GOODGO_SLOW_OPERATION_MS", "soon"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("ALLOWED_ORIGINS", "https://*.example.com"),
            ("SHARE_BASE_URL", "goodgo.app/invite"),
            ("GOODGO_PUBLIC_URL", "api.goodgo.app"),
        ])
        .expect_err("all wrong");
        for name in [
            "GOODGO_ENV",
            "PORT",
            "GOODGO_POOL_SIZE",
            "JWT_SECRET",
            "DATABASE_URL",
            "LOG_FORMAT",
            "GOODGO_MAX_DEPTH",
            "GOODGO_RATE_ISSUERS",
            "GOODGO_TRUSTED_DOCUMENTS",
            "GOODGO_SLOW_OPERATION_MS",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_TRACES_SAMPLER_ARG",
            "ALLOWED_ORIGINS",
            "SHARE_BASE_URL",
            "GOODGO_PUBLIC_URL",
        ] {
            assert_eq!(
                problems
                    .iter()
                    .filter(|problem| problem.starts_with(name))
                    .count(),
                1,
                "{name}: {problems:?}"
            );
        }
    }

    #[test]
    fn reads_the_public_url() {
        let url = |values: &[(&str, &str)]| read(values).expect("readable").http.server_url();
        assert_eq!(url(&[("PORT", "8081")]), "http://localhost:8081");
        let slash = ("GOODGO_PUBLIC_URL", "https://api.goodgo.app/");
        assert_eq!(url(&[slash]), "https://api.goodgo.app");
    }

    #[test]
    fn rejects_public_urls_with_more_than_a_path() {
        for bad in [
            "https://bob:hunter2@api.goodgo.app",
            "https://api.goodgo.app/?a=1",
            "https://api.goodgo.app/#top",
        ] {
            let problems = read(&[("GOODGO_PUBLIC_URL", bad)]).expect_err(bad);
            assert!(problems[0].starts_with("GOODGO_PUBLIC_URL"), "{problems:?}");
            assert!(!problems[0].contains("hunter2"), "{problems:?}");
        }
    }

    #[test]
    fn knows_plain_addresses() {
        for plain in ["http://api.goodgo.app", "http://10.0.0.1:8080/x"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "https://api.goodgo.app",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn exports_no_traces_by_default() {
        let silent = read(&[("OTEL_SERVICE_NAME", "shop")]).expect("readable");
        assert!(silent.telemetry.traces.is_none());
        let endpoint = |values: &[(&str, &str)]| {
            let traces = read(values).expect("readable").telemetry.traces;
            traces.map(|traces| traces.endpoint)
        };
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other/here");
        let whole = "http://collector:4318/v1/traces".to_owned();
        assert_eq!(endpoint(&[all]), Some(whole));
        assert_eq!(endpoint(&[all, own]), Some("http://other/here".to_owned()));
    }

    #[test]
    fn reads_rates_of_issuers() {
        let limits = read(&[("GOODGO_RATE_ISSUERS", "shop=50, till = 7")])
            .expect("readable")
            .limits;
        let rates = [("shop".to_owned(), 50), ("till".to_owned(), 7)];
        assert_eq!(limits.rates.issuers, rates);
        assert_eq!(limits.limits, resolvers::limits::Limits::default());
    }
}
