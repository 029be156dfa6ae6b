//! Requirements of `serve` on the settings: readable, complete, strong, and without contradictions.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::reader::Reader;
use super::{AuthConfig, Config, Environment, environment, is_plain};

impl Config {
    /// Reads the environment of the process for `serve`: [`Self::for_serving`].
    pub fn for_serving_from_env() -> Result<Self, Vec<String>> {
        Self::for_serving(environment())
    }

    /// Reads settings from a map, and checks what serving requires. Returns one line per problem: unreadable values first,
    /// then settings that are missing, weak or contradict each other.
    pub fn for_serving(values: BTreeMap<String, OsString>) -> Result<Self, Vec<String>> {
        let mut reader = Reader {
            values,
            problems: Vec::new(),
        };
        let config = reader.config();
        let mut problems = reader.problems;
        if let Err(more) = config.check_for_serving() {
            let known: Vec<_> = problems
                .iter()
                .map(|line| setting(line).to_owned())
                .collect();
            let is_new = |line: &String| !known.iter().any(|known| known == setting(line));
            problems.extend(more.into_iter().filter(is_new));
        }
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }

    /// Checks the settings together, and those that production requires. Returns one line per problem.
    pub fn check_for_serving(&self) -> Result<(), Vec<String>> {
        let mut problems = self.contradictions();
        if self.environment == Environment::Production {
            problems.extend(self.lacks_for_production());
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Settings with which no token could be accepted, or some would be ambiguous.
    fn contradictions(&self) -> Vec<String> {
        let AuthConfig {
            user_issuers,
            audiences,
            service_issuers,
            ..
        } = &self.auth;
        let both = user_issuers
            .iter()
            .filter(|one| service_issuers.contains(one));
        let both = both.map(|one| {
            format!(
                "TRUSTED_ISSUERS has {one:?}, which JWT_ISSUER has too: remove it from one of them"
            )
        });
        // Whoever signs for services could otherwise sign for people.
        let shared = self.auth.iam_jwks.iter();
        let shared = shared.filter(|keys| self.auth.service_jwks.contains(keys)).map(|_| {
            "SERVICE_JWKS_URL has an address that IAM_JWKS_URL has too: services need keys of their own".to_owned()
        });
        let empty = [
            (user_issuers, "JWT_ISSUER names no issuer of user tokens"),
            (audiences, "JWT_AUDIENCE names no audience of tokens"),
        ];
        let empty = empty.into_iter().filter(|(list, _)| list.is_empty());
        let empty = empty.map(|(_, problem)| problem.to_owned());
        both.chain(shared).chain(empty).collect()
    }

    fn lacks_for_production(&self) -> Vec<String> {
        let secret = self.auth.jwt_secret.as_deref();
        let rules = [
            (
                self.database.url.is_none(),
                "DATABASE_URL is not set: production requires a database",
            ),
            (
                secret.is_none() && self.auth.iam_jwks.is_empty(),
                "JWT_SECRET is not set (nor IAM_JWKS_URL): production requires keys of user tokens",
            ),
            (
                secret.is_some_and(crate::auth::tokens::is_development_secret),
                "JWT_SECRET is a development secret: generate at least 32 random bytes",
            ),
            (
                secret.is_some_and(crate::auth::tokens::is_predictable),
                "JWT_SECRET is predictable: generate at least 32 random bytes",
            ),
            (
                self.http.public_url.is_none(),
                "GOODGO_PUBLIC_URL is not set: production requires the address at which clients reach it",
            ),
            (
                self.http.public_url.as_deref().is_some_and(is_plain),
                "GOODGO_PUBLIC_URL is not an https address: tokens would be readable on the way",
            ),
            (
                self.auth.service_jwks.is_empty(),
                "SERVICE_JWKS_URL is not set: production requires keys of service tokens",
            ),
            (
                self.auth.service_issuers.is_empty(),
                "TRUSTED_ISSUERS is not set: production needs the names of the services' issuers",
            ),
        ];
        let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
        broken.map(|(_, problem)| problem.to_owned()).collect()
    }
}

/// The setting that a problem is about, which is its first word.
fn setting(problem: &str) -> &str {
    problem.split([' ', ':']).next().unwrap_or_default()
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
    fn reports_unreadable_weak_and_contradicting_settings_together() {
        let values = [
            ("GOODGO_ENV", "production"),
            ("PORT", "99999"),
            ("LOG_LEVEL", "warning"),
            ("IAM_JWKS_URL", "https://"),
            ("DATABASE_URL", "http//nowhere"),
            ("JWT_SECRET", "goodgo-dev-0123456789abcdef0123456789abcdef"),
            ("GOODGO_PUBLIC_URL", "api.goodgo.app"),
            ("JWT_ISSUER", "iam,platform"),
            ("TRUSTED_ISSUERS", "platform"),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), OsString::from(value)));
        let problems = Config::for_serving(values.into()).expect_err("all wrong");
        let mut named: Vec<_> = problems.iter().map(|line| setting(line)).collect();
        named.sort_unstable();
        let expected = [
            "DATABASE_URL",
            "GOODGO_PUBLIC_URL",
            "IAM_JWKS_URL",
            "JWT_SECRET",
            "LOG_LEVEL",
            "PORT",
            "SERVICE_JWKS_URL",
            "TRUSTED_ISSUERS",
        ];
        assert_eq!(named, expected, "{problems:?}");
    }

    #[test]
    fn refuses_keys_and_rates_that_contradict() {
        let keys = "https://iam.example/jwks.json";
        for values in [
            [("IAM_JWKS_URL", keys), ("SERVICE_JWKS_URL", keys)],
            [
                ("GOODGO_RATE_ISSUERS", "svc=1, svc=100000"),
                ("PORT", "8080"),
            ],
            [("LOG_LEVEL", "info,verbose"), ("PORT", "8080")],
        ] {
            let values = values.map(|(name, value)| (name.to_owned(), OsString::from(value)));
            let problems = Config::for_serving(values.into()).expect_err("contradicting");
            assert_eq!(problems.len(), 1, "{problems:?}");
        }
        for level in [
            "info",
            "Warn",
            "goodgo=debug,db=warn",
            "off",
            "warn,goodgo[operation]=trace",
        ] {
            let read = Config::from_values(
                vec![("LOG_LEVEL".to_owned(), OsString::from(level))]
                    .into_iter()
                    .collect(),
            );
            assert!(read.is_ok(), "{level}");
        }
    }

    #[test]
    fn lists_all_that_production_lacks() {
        let bare = read(&[("GOODGO_ENV", "production")]).expect("readable");
        let missing = bare.check_for_serving().expect_err("everything is missing");
        for name in [
            "DATABASE_URL",
            "JWT_SECRET",
            "GOODGO_PUBLIC_URL",
            "SERVICE_JWKS_URL",
            "TRUSTED_ISSUERS",
        ] {
            assert!(
                missing.iter().any(|line| line.starts_with(name)),
                "{name}: {missing:?}"
            );
        }
        let weak = read(&[
            ("GOODGO_ENV", "production"),
            ("DATABASE_URL", "postgres://db/goodgo"),
            ("JWT_SECRET", "your-super-secret-key-min-32-characters"),
            ("GOODGO_PUBLIC_URL", "https://api.goodgo.app"),
            ("SERVICE_JWKS_URL", "https://iam/jwks.json"),
            ("TRUSTED_ISSUERS", "playhub"),
        ])
        .expect("readable");
        let missing = weak.check_for_serving().expect_err("a development secret");
        assert_eq!(missing.len(), 1);
        assert!(missing[0].contains("development secret"));
    }
}
