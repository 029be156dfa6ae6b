//! Settings of limits and rates.

use std::time::Duration;

use resolvers::limits::{Limits, Mode};

use super::reader::Reader;
use crate::http::HttpSettings;
use crate::http::rate::Rates;

/// Limits of requests.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// `GOODGO_LIMITS` (`enforce` or `log`), `GOODGO_MAX_DOCUMENT_BYTES`, `GOODGO_MAX_TOKENS`, `GOODGO_MAX_OPERATIONS`,
    /// `GOODGO_MAX_DEPTH`, `GOODGO_MAX_FIELDS`, `GOODGO_MAX_ALIASES`, `GOODGO_MAX_ROOT_FIELDS`,
    /// `GOODGO_MAX_DIRECTIVES`, `GOODGO_MAX_VALUES`, `GOODGO_MAX_COST`: limits of documents.
    pub limits: Limits,
    /// `GOODGO_RATE_ANONYMOUS`, `GOODGO_RATE_USER`, `GOODGO_RATE_STAFF`, `GOODGO_RATE_SERVICE`: points per second;
    /// `GOODGO_RATE_ISSUERS`, comma-separated `issuer=points`, for single issuers of services.
    pub rates: Rates,
    /// `GOODGO_MAX_BODY_BYTES`: longest body, 262144.
    pub max_body_bytes: usize,
    /// `GOODGO_MAX_SERVICE_BODY_BYTES`: the same for services, 1048576.
    pub max_service_body_bytes: usize,
    /// `GOODGO_REQUEST_TIMEOUT_SECONDS`: timeout of a query or a mutation, 10.
    pub request_timeout: Duration,
}

impl Reader {
    pub fn limits(&mut self) -> LimitsConfig {
        let (limits, rates, http) = (Limits::default(), Rates::default(), HttpSettings::default());
        let modes = &[("enforce", Mode::Enforce), ("log", Mode::Log)];
        let mode = self.choice("GOODGO_LIMITS", Mode::Enforce, modes);
        let depth = self.number("GOODGO_MAX_DEPTH", limits.depth, 1, 60);
        let mut size = |name, default| self.number(name, default, 1, u64::from(u32::MAX));
        let limits = Limits {
            mode,
            bytes: size("GOODGO_MAX_DOCUMENT_BYTES", limits.bytes),
            tokens: size("GOODGO_MAX_TOKENS", limits.tokens),
            operations: size("GOODGO_MAX_OPERATIONS", limits.operations),
            depth,
            fields: size("GOODGO_MAX_FIELDS", limits.fields),
            aliases: size("GOODGO_MAX_ALIASES", limits.aliases),
            root_fields: size("GOODGO_MAX_ROOT_FIELDS", limits.root_fields),
            directives: size("GOODGO_MAX_DIRECTIVES", limits.directives),
            values: size("GOODGO_MAX_VALUES", limits.values),
            cost: size("GOODGO_MAX_COST", limits.cost),
        };
        let mut rate = |name, default| self.number(name, default, 1, 100_000_000);
        let rates = Rates {
            anonymous: rate("GOODGO_RATE_ANONYMOUS", rates.anonymous),
            user: rate("GOODGO_RATE_USER", rates.user),
            staff: rate("GOODGO_RATE_STAFF", rates.staff),
            service: rate("GOODGO_RATE_SERVICE", rates.service),
            issuers: self.rates_of_issuers("GOODGO_RATE_ISSUERS"),
        };
        let (timeout, service_bytes) =
            (http.request_timeout.as_secs(), http.max_service_body_bytes);
        let timeout = self.number("GOODGO_REQUEST_TIMEOUT_SECONDS", timeout, 1, 3_600);
        let mut body = |name, default| self.number(name, default, 1_024, 1 << 30);
        LimitsConfig {
            limits,
            rates,
            max_body_bytes: body("GOODGO_MAX_BODY_BYTES", http.max_body_bytes),
            max_service_body_bytes: body("GOODGO_MAX_SERVICE_BODY_BYTES", service_bytes),
            request_timeout: Duration::from_secs(timeout),
        }
    }

    fn rates_of_issuers(&mut self, name: &str) -> Vec<(String, u32)> {
        let mut rates = Vec::new();
        for item in self.list(name, "") {
            let rate = item.rsplit_once('=').and_then(|(issuer, rate)| {
                let rate = rate.trim().parse().ok().filter(|rate| *rate > 0)?;
                Some((issuer.trim().to_owned(), rate))
            });
            match rate {
                Some((issuer, _)) if rates.iter().any(|(known, _)| *known == issuer) => self
                    .problems
                    .push(format!("{name} has {issuer:?} twice: remove one")),
                Some(rate) => rates.push(rate),
                None => self.problems.push(format!(
                    "{name} has {item:?}: write issuer=points, with a whole number of points per second"
                )),
            }
        }
        rates
    }
}
